"""What ends a build, or a part of it."""

from __future__ import annotations

from testbed.controller.results import ABORTED


class BuildError(Exception):
    """The build fails; str() is what the log says after `ERROR: ` (hudson.AbortException)."""


class GroovyError(BuildError):
    """The Jenkinsfile's own code failed, with the Java exception `kind`."""

    def __init__(self, kind: str, message: str) -> None:
        """`str()` begins with the kind."""
        super().__init__(f"{kind}: {message}")
        self.kind, self.message = kind, message


class AbortedError(Exception):
    """The build, a branch or a block was interrupted (FlowInterruptedException).

    Attributes:
        cause: why, in words; '' as long as nobody has said.
        source: what interrupted it, as `flow.Signal`.
        actual: False once it has left the block whose time was over: for the blocks around that, an error as any other.
        result: what the build ends with.
    """

    def __init__(self, cause: str = "", source: object = None) -> None:
        """Raise it without arguments where a flow was found interrupted; the executor adds the rest."""
        super().__init__(cause)
        self.cause, self.source = cause, source
        self.actual = True
        self.result = ABORTED


class AgentError(AbortedError):
    """The agent was removed, or never came: the build, or what `retry` says, ends with it.

    Attributes:
        retryable: what the conditions `kubernetesAgent()` and `agent()` of `retry` say of it.
        interruption: whether a `retry` without conditions must not run again (its place in the queue was cancelled).
    """

    def __init__(self, words: str, retryable: bool = True, interruption: bool = False) -> None:
        """`words` are for the build log."""
        super().__init__(words)
        self.retryable, self.interruption = retryable, interruption
        self.actual = interruption


def result_of(error: Exception) -> str:
    """What a build ends with that this error ends."""
    return error.result if isinstance(error, AbortedError) else "FAILURE"

"""Where a step runs: what the whole build shares, and what holds for the block around the step."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from testbed.controller.buildlog import BuildLog
from testbed.controller.credentials import Credentials
from testbed.controller.failures import BuildError
from testbed.controller.flow import Flow
from testbed.controller.model import Agent
from testbed.controller.results import SUCCESS, worst
from testbed.controller.stash import Stashes


@dataclass(frozen=True)
class Command:
    """A script for an agent.

    Attributes:
        script: its text.
        env: variables beside the container's own.
        flow: what may stop it.
        container: where it runs; '' = by the agent itself.
        shell: what runs it; '' = sh.
        folder: current folder, below the workspace.
        capture: whether what it prints is wanted, and not for the log.
    """

    script: str
    env: Mapping[str, str]
    flow: Flow
    container: str = ""
    shell: str = ""
    folder: str = ""
    capture: bool = False


class Node(Protocol):
    """An agent that steps run on. Paths are below its workspace. Every method raises BuildError when it cannot."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that the agent adds."""

    @property
    def default_container(self) -> str:
        """Where steps outside `container` run; '' = by the agent itself."""

    def run(self, command: Command) -> tuple[int, str]:
        """Runs a script; answers its exit code and, if wanted, what it printed.

        Raises:
            AbortedError: its flow was interrupted.
        """

    def checkout(self) -> None:
        """Puts the job's files into the workspace."""

    def files(self, folder: str) -> Sequence[str]:
        """The paths of all files below a folder, relative to it."""

    def collect(self, folder: str, paths: Sequence[str]) -> bytes:
        """A tar of these files below a folder."""

    def unpack(self, folder: str, tar: bytes) -> None:
        """Puts a tar's files into a folder, which is made."""

    def read(self, path: str) -> bytes | None:
        """A file's content; None if there is no such file."""

    def exists(self, path: str) -> bool:
        """Whether there is such a file or folder."""

    def remove(self, path: str) -> None:
        """Removes a file or a folder with all that is in it."""


# Gives a node for an agent and an environment, for as long as its block runs; raises BuildError and AbortedError.
Nodes = Callable[[Agent, Mapping[str, str], Flow], AbstractContextManager[Node]]


@dataclass
class State:
    """What all steps of a build share.

    Attributes:
        nodes: gives agents.
        log: takes what happens.
        base: the variables that Jenkins gives to the build.
        keep: takes what the build archives, path and bytes.
        stashes: what `stash` put away.
        credentials: those of the job's folder.
        previous: the result of the build before this one; None if there was none.
        result: what steps have said so far; errors on their way up are not in it.
        overrides: what the Jenkinsfile assigned to `env.NAME`.
    """

    nodes: Nodes
    log: BuildLog
    base: Mapping[str, str]
    keep: Callable[[str, bytes], None]
    credentials: Credentials
    stashes: Stashes = field(default_factory=Stashes)
    previous: str | None = None
    result: str = SUCCESS
    overrides: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def worsen(self, result: str) -> None:
        """A build's result can only become worse."""
        with self.lock:
            self.result = worst(self.result, result)


@dataclass(frozen=True)
class Context:
    """What holds for a block of steps; blocks inside make their own with `dataclasses.replace`.

    Attributes:
        state: what the build shares.
        flow: what may stop the block.
        env: variables of agents, `environment` and `withEnv`, over the build's own.
        node: the agent; None where there is none.
        container, shell: as `container(name:, shell:)` says.
        folder: as `dir` says, below the workspace.
        templates: the `podTemplate` blocks around, outermost first, as data.
        warnings: takes the results that `unstable` and `catchError` give to the stage.
        said: in a post section, the result that its condition went by.
    """

    state: State
    flow: Flow
    env: Mapping[str, str] = field(default_factory=dict)
    node: Node | None = None
    container: str = ""
    shell: str = ""
    folder: str = ""
    templates: tuple[Mapping[str, Any], ...] = ()
    warnings: list[str] = field(default_factory=list)
    said: str = SUCCESS

    def environment(self) -> dict[str, str]:
        """All variables, as a step sees them."""
        return {**self.state.base, **self.state.overrides, **self.env}

    def agent(self, step: str, line: int) -> Node:
        """The agent, for a step that needs one.

        Raises:
            BuildError: there is none here.
        """
        if self.node is None:
            raise BuildError(f"line {line}: step '{step}' needs an agent, and there is none here ('agent none')")
        return self.node

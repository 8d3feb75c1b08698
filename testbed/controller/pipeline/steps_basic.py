"""Steps that say something, fail, or run a script."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from testbed.controller.failures import BuildError, GroovyError
from testbed.controller.pipeline.context import Command
from testbed.controller.pipeline.table import Invocation, Parameter, Step
from testbed.controller.results import UNSTABLE

SECONDS = {"NANOSECONDS": 1e-9, "MICROSECONDS": 1e-6, "MILLISECONDS": 1e-3, "SECONDS": 1, "MINUTES": 60, "HOURS": 3600,
           "DAYS": 86400}  # fmt: skip


def _echo(call: Invocation) -> None:
    call.say(call["message"])


def _error(call: Invocation) -> None:
    raise BuildError(call["message"])


def _unstable(call: Invocation) -> None:
    call.context.warnings.append(UNSTABLE)
    call.context.state.worsen(UNSTABLE)
    call.say(f"WARNING: {call['message']}")


def _sh(call: Invocation) -> Any:
    """After workflow-durable-task-step 46cb22ff, DurableTaskStep: which of output and exit code is the step's value."""
    if call["returnStdout"] and call["returnStatus"]:
        raise GroovyError("java.lang.IllegalArgumentException", "give returnStdout or returnStatus, not both")
    context = call.context
    command = Command(call["script"], context.environment(), context.flow, context.container, context.shell,
                      context.folder, call["returnStdout"])  # fmt: skip
    code, output = call.node.run(command)
    if call["returnStatus"]:
        return code
    if code:
        raise BuildError(f"script returned exit code {code}")
    return output if call["returnStdout"] else None


def _sleep(call: Invocation) -> None:
    seconds = call["time"] * SECONDS[call["unit"]]
    call.say(f"Sleeping for {span(seconds)}")
    call.context.flow.wait(seconds)
    call.context.flow.check()


def span(seconds: float) -> str:
    """A time in words, as hudson.Util.getTimeSpanString gives it: its two largest units."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    sizes = (("day", 86400), ("hr", 3600), ("min", 60), ("sec", 1))
    for (name, size), (less, small) in pairwise(sizes):
        if seconds >= size:
            return f"{int(seconds // size)} {name} {int(seconds % size // small)} {less}"
    return f"{seconds:.2g} sec" if seconds < 10 else f"{seconds:.0f} sec"


MESSAGE = {"message": Parameter(required=True)}
STEPS = (
    Step("echo", "writes a line into the log", _echo, MESSAGE, "message"),
    Step("error", "fails the build", _error, MESSAGE, "message"),
    Step("unstable", "makes stage and build UNSTABLE, and goes on", _unstable, MESSAGE, "message"),
    Step(
        "sh",
        "runs a script in the container, or by the agent itself",
        _sh,
        {
            "script": Parameter(required=True),
            "label": Parameter(),
            "returnStdout": Parameter("flag", default=False),
            "returnStatus": Parameter("flag", default=False),
        },
        "script",
        label="label",
    ),
    Step(
        "sleep",
        "waits",
        _sleep,
        {
            "time": Parameter("number", required=True),
            "unit": Parameter(default="SECONDS", choices=tuple(SECONDS)),
        },
        "time",
    ),
    Step("isUnix", "is true", lambda call: True, {}),
)

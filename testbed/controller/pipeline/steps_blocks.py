"""Steps round a block that change when it ends, or what its end means: timeout, retry, catchError, parallel, stage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from testbed.controller.failures import AbortedError, AgentError, BuildError
from testbed.controller.flow import Signal
from testbed.controller.pipeline.branches import run_branches
from testbed.controller.pipeline.interpolation import override
from testbed.controller.pipeline.steps_basic import SECONDS, span
from testbed.controller.pipeline.table import Invocation, Parameter, Step, Symbol
from testbed.controller.results import ORDER, SUCCESS, UNSTABLE
from testbed.controller.values import Described, spell

EXCEEDED = "Timeout has been exceeded"


def _timeout(call: Invocation) -> Any:
    """After workflow-basic-steps a789b07, TimeoutStepExecution: outside the block its end is an error as any other."""
    seconds = call["time"] * SECONDS[call["unit"]]
    signal = Signal(EXCEEDED, seconds=seconds)
    call.say(f"Timeout set to expire in {span(seconds)}")
    try:
        return call.inside(replace(call.context, flow=call.context.flow.within(signal)))
    except AbortedError as error:
        if error.source is signal:
            call.say("Cancelling nested steps due to timeout")
            error.actual = False
        raise


def _retry(call: Invocation) -> Any:
    """After workflow-basic-steps a789b07, RetryStepExecution: an abort is not tried again."""
    left = call["count"]
    while True:
        try:
            return call.inside(call.context)
        except (BuildError, AbortedError) as error:
            left -= 1
            if left <= 0 or not retried(error, call["conditions"] or ()):
                raise
            call.say(told(error) + "\nRetrying")


def retried(error: Exception, conditions: list[Any] | tuple[()]) -> bool:
    """Whether `retry` runs again after this error: by its conditions, without any unless it was interrupted."""
    if not conditions:
        return not (isinstance(error, AbortedError) and error.actual)
    agent = isinstance(error, AgentError) and error.retryable
    return any(isinstance(each, Described) and each.symbol != "nonresumable" and agent for each in conditions)


def told(error: Exception) -> str:
    """What the log says of an error that does not end the build: interruptions have no `ERROR`."""
    return str(error) if isinstance(error, AbortedError) else f"ERROR: {error}"


def _catch_error(call: Invocation) -> None:
    """After workflow-basic-steps a789b07, CatchErrorStep: an interruption's own result counts."""
    try:
        call.inside(call.context)
    except (BuildError, AbortedError) as error:
        if isinstance(error, AbortedError) and error.actual and not call["catchInterruptions"]:
            raise
        build, stage = call["buildResult"], call["stageResult"]
        if isinstance(error, AbortedError):
            build = stage = error.result
        state = call.context.state
        if call["message"]:
            call.say(f"ERROR: {call['message']}")
        call.say(told(error))
        if ORDER.index(build) > ORDER.index(state.result):
            call.say(f"Setting overall build result to {build}")
        state.worsen(build)
        if stage != SUCCESS:
            call.context.warnings.append(stage)


def _warn_error(call: Invocation) -> None:
    _catch_error(replace(call, arguments={**call.arguments, "buildResult": UNSTABLE, "stageResult": UNSTABLE}))


def _with_env(call: Invocation) -> Any:
    context = call.context
    values = [spell(each) for each in call["overrides"]]
    if wrong := [each for each in values if "=" not in each]:
        raise BuildError(f"line {call.line}: withEnv: write 'NAME=value', not '{wrong[0]}'")
    return call.inside(replace(context, env={**context.env, **override(context.environment(), values)}))


def _stage(call: Invocation) -> Any:
    context = call.context
    return call.inside(replace(context, env={**context.env, "STAGE_NAME": call["name"]}))


def _parallel(call: Invocation) -> dict[str, Any]:
    branches = {name: value for name, value in call.arguments.items() if name != "failFast"}
    for name, value in branches.items():
        if not hasattr(value, "within"):
            raise BuildError(f"line {call.line}: parallel: branch '{name}' is no block; write {name}: {{ ... }}")

    def body(name: str) -> Any:
        return lambda context: branches[name].within(context)

    return run_branches(call.context, {name: body(name) for name in branches}, call["failFast"])


def _script(call: Invocation) -> Any:
    return call.inside(call.context)


TIME = {"time": Parameter("number", required=True),
        "unit": Parameter(default="MINUTES", choices=tuple(SECONDS))}  # fmt: skip
INTERRUPTIONS = {"catchInterruptions": Parameter("flag", default=True)}
STEPS = (
    Step("timeout", "ends its block after a time", _timeout, TIME, "time", block=True),
    Step("retry", "runs its block again while it fails", _retry,
         {"count": Parameter("number", required=True), "conditions": Parameter("list")}, "count", block=True),
    Step("catchError", "goes on when its block fails, with a result for build and stage", _catch_error,
         {"message": Parameter(), "buildResult": Parameter(default="FAILURE", choices=ORDER),
          "stageResult": Parameter(default=SUCCESS, choices=ORDER), **INTERRUPTIONS}, "message", block=True),
    Step("warnError", "goes on when its block fails, and makes it UNSTABLE", _warn_error,
         {"message": Parameter(required=True), **INTERRUPTIONS}, "message", block=True),
    Step("withEnv", "gives variables to its block", _with_env, {"overrides": Parameter("list", required=True)},
         "overrides", block=True),
    Step("stage", "names a part of the build", _stage, {"name": Parameter(required=True)}, "name", block=True,
         label="name"),
    Step("parallel", "runs blocks at the same time", _parallel, {"failFast": Parameter("flag", default=False)},
         extra=True),
    Step("script", "lets Groovy into a declarative stage", _script, {}, block=True),
)  # fmt: skip
SYMBOLS = tuple(Symbol(name, {}) for name in ("agent", "kubernetesAgent", "nonresumable"))

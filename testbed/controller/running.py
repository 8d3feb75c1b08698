"""Runs a declarative pipeline: stages, `when`, options, agents, environment and post, in Jenkins' order.

After pipeline-model-definition 42c9dc3e, ModelInterpreter.groovy. Errors travel upwards as exceptions: a stage that
failed has the next ones skipped, and the first error ends the build, after all post sections.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from testbed.controller.agents import known, retries
from testbed.controller.environments import environment
from testbed.controller.failures import AbortedError, AgentError, BuildError, result_of
from testbed.controller.model import (
    Agent,
    NoAgent,
    Options,
    Pipeline,
    Post,
    Stage,
)
from testbed.controller.pipeline.branches import run_branches
from testbed.controller.pipeline.catalogue import INTERPRETER, STEPS
from testbed.controller.pipeline.context import Context
from testbed.controller.pipeline.interpreter import Native
from testbed.controller.pipeline.statements import JumpError
from testbed.controller.pipeline.steps_blocks import told
from testbed.controller.pipeline.steps_pods import entered
from testbed.controller.results import POST_CONDITIONS, UNSTABLE, meets, worst
from testbed.controller.syntax import Statement
from testbed.controller.values import Variables
from testbed.controller.whens import holds

Work = Callable[[Context], None]
FAILED, NOT_STABLE = "due to earlier failure(s)", "due to earlier stage(s) marking the build as unstable"
CONDITIONAL = "due to when conditional"


@dataclass
class Running:
    """One pipeline as it runs."""

    pipeline: Pipeline
    context: Context
    variables: Variables = field(default_factory=Variables)

    def run(self) -> None:
        """Runs it.

        Raises:
            BuildError, AbortedError: the first error, after everything that Jenkins runs all the same.
        """
        INTERPRETER.run(self.pipeline.functions, self.variables, self.context)
        ended: list[bool] = []

        def work(context: Context) -> None:
            error = self.attempt(lambda: self.sequence(self.pipeline.stages, context))
            ended.append(True)
            error = self.post(self.pipeline.post, context, error, build=True)
            if error:
                raise error

        def surrounded(context: Context) -> None:
            with environment(self.pipeline.environment, self.variables, context) as context:
                self.wrapped(self.pipeline.options, context, work)

        try:
            self.on_agent(self.context, self.pipeline.agent, self.pipeline.options, surrounded)
        except (BuildError, AbortedError) as error:
            if not ended:  # no agent came: what of `post` needs none runs all the same
                self.post(self.pipeline.post, self.context, error, build=True)
            raise

    def attempt(self, work: Callable[[], None]) -> Exception | None:
        """What went wrong in some work."""
        try:
            work()
        except JumpError:
            return None
        except (BuildError, AbortedError) as error:
            return error
        return None

    def sequence(self, stages: Sequence[Stage], context: Context, skipped: str = "") -> None:
        """Stages one after the other; raises the first error after all of them."""
        first: Exception | None = None
        for stage in stages:
            unstable = context.state.result == UNSTABLE and self.has("skipStagesAfterUnstable")
            reason = skipped or (FAILED if first else NOT_STABLE if unstable else "")
            error = self.attempt(partial(self.stage, stage, context, reason))
            first = first or error
        if first:
            raise first

    def has(self, flag: str) -> bool:
        """Whether the pipeline's options have a flag."""
        return flag in self.pipeline.options.flags

    def stage(self, stage: Stage, outer: Context, skipped: str) -> None:
        """One stage with its post; where it is skipped, those inside are too."""
        log = outer.state.log
        log.line(f"[Pipeline] stage\n[Pipeline] {{ ({stage.name})")
        context = replace(outer, env={**outer.env, "STAGE_NAME": stage.name}, warnings=[])
        try:
            if skipped:
                self.skip(stage, context, skipped)
            else:
                self.entered(stage, context)
        finally:
            outer.warnings.extend(context.warnings)
            log.line("[Pipeline] }\n[Pipeline] // stage")

    def skip(self, stage: Stage, context: Context, reason: str) -> None:
        """Says that a stage is skipped, and those inside."""
        context.state.log.line(f'Stage "{stage.name}" skipped {reason}')
        for inner in (*stage.stages, *stage.parallel):
            self.stage(inner, context, reason)

    def entered(self, stage: Stage, context: Context) -> None:
        """`when` at its place, then options, agent, environment, and what is inside."""
        before = stage.when.before if stage.when else ""
        passed: list[bool] = []

        def past(place: str, context: Context) -> bool:
            """Whether the condition, if it is looked at here, holds."""
            if stage.when is None or before != place:
                return True
            passed.append(holds(stage.when.condition, self.variables, context))
            return passed[0]

        def inside(context: Context) -> None:
            if stage.parallel:
                if past("agent", context) and past("", context):
                    self.parallel(stage, context)
            elif past("agent", context):
                self.on_agent(context, stage.agent, stage.options, arrived)

        def arrived(context: Context) -> None:
            if past("", context):
                with environment(stage.environment, self.variables, context) as context:
                    self.filled(stage, context)

        if past("options", context):
            self.wrapped(stage.options, context, inside)
        if passed == [False]:
            self.skip(stage, context, CONDITIONAL)

    def parallel(self, stage: Stage, outer: Context) -> None:
        """Stages at the same time, then the post of the stage around them."""

        def branch(inner: Stage) -> Work:
            return lambda context: self.stage(inner, context, "")

        def work() -> None:
            with environment(stage.environment, self.variables, outer) as context:
                outer.state.log.line("[Pipeline] parallel")
                fail_fast = stage.fail_fast or self.has("parallelsAlwaysFailFast")
                run_branches(context, {inner.name: branch(inner) for inner in stage.parallel}, fail_fast)

        error = self.post(stage.post, outer, self.attempt(work))
        if error:
            raise error

    def filled(self, stage: Stage, context: Context) -> None:
        """Steps or stages, then the post of the stage."""
        if stage.stages:
            error = self.attempt(lambda: self.sequence(stage.stages, context))
        else:
            error = self.attempt(lambda: self.steps(stage.steps, context))
        error = self.post(stage.post, context, error)
        if error:
            raise error

    def steps(self, statements: Sequence[Statement], context: Context) -> None:
        """The steps of a stage or post section."""
        INTERPRETER.run(statements, Variables(self.variables), context)

    def post(self, post: Post, context: Context, error: Exception | None, build: bool = False) -> Exception | None:
        """The post sections that fit, in Jenkins' order; one that fails keeps none from running. Answers the error."""
        log, previous = context.state.log, context.state.previous

        def result() -> str:
            return worst(context.state.result, result_of(error)) if error else worst(context.state.result, *warnings)

        warnings = [] if build else context.warnings
        if not any(meets(condition, result(), previous) for condition in post):
            return error
        log.line("[Pipeline] stage\n[Pipeline] { (Declarative: Post Actions)" if build else "Post stage")
        for condition in POST_CONDITIONS:
            if condition in post and meets(condition, result(), previous):
                failed = self.attempt(partial(self.steps, post[condition], replace(context, said=result())))
                if failed:
                    log.line(f"Error when executing {condition} post condition:\n{told(failed)}")
                error = error or failed
        if build:
            log.line("[Pipeline] }\n[Pipeline] // stage")
        return error

    def on_agent(self, outer: Context, agent: Agent | None, options: Options, work: Work) -> None:
        """Runs some work on an agent of its own, where one is named, with the job's files checked out.

        `agent none` in a stage leaves it on the agent around it, as in Jenkins (NoneScript.groovy).
        """
        if agent is None or isinstance(agent, NoAgent):
            work(outer)
            return
        agent = known(agent, outer.environment())
        left = retries(agent)
        while True:
            try:
                self.on_node(outer, agent, options, work)
                return
            except AgentError as error:  # kubernetes { retries } is a retry for agents that were lost
                left -= 1
                if left <= 0 or not error.retryable:
                    raise
                outer.state.log.line(f"{error}\nRetrying")
            except AbortedError as error:
                raise outer.flow.explained(error) from error

    def on_node(self, outer: Context, agent: Agent, options: Options, work: Work) -> None:
        """Once on one agent."""
        state = outer.state
        state.log.line("[Pipeline] node")
        with state.nodes(agent, outer.environment(), outer.flow) as node:
            state.log.line("[Pipeline] {")
            try:
                if not (self.has("skipDefaultCheckout") or "skipDefaultCheckout" in options.flags):
                    node.checkout()
                work(entered(outer, node))
            finally:
                state.log.line("[Pipeline] }\n[Pipeline] // node")

    def wrapped(self, options: Options, context: Context, work: Work) -> None:
        """Runs some work inside the steps that `options` names, the first outermost."""
        if not options.wrappers:
            work(context)
            return
        first, rest = options.wrappers[0], replace(options, wrappers=options.wrappers[1:])
        args = [INTERPRETER.value(arg, self.variables, context) for arg in first.args]
        named = {name: INTERPRETER.value(value, self.variables, context) for name, value in first.named}
        body = Native(lambda context: self.wrapped(rest, context, work))
        INTERPRETER.step(STEPS[first.name], first.pos.line, args, named, body, context)

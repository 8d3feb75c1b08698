"""Runs a `model.Pipeline`: stages in order, post sections after them, log lines as Jenkins words them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from testbed.controller.buildlog import BuildLog
from testbed.controller.failures import AbortedError, BuildError
from testbed.controller.model import (
    POST_CONDITIONS,
    Agent,
    Archive,
    Container,
    Echo,
    Environment,
    NoAgent,
    Pipeline,
    Post,
    Sh,
    Stage,
    Step,
)
from testbed.controller.steps import UnknownVariableError, evaluate
from testbed.controller.syntax import Text

SUCCESS, FAILURE, ABORTED = "SUCCESS", "FAILURE", "ABORTED"
# Which post sections run after which result.
POST_RESULTS: Mapping[str, frozenset[str]] = {
    "always": frozenset({SUCCESS, FAILURE, ABORTED}),
    "cleanup": frozenset({SUCCESS, FAILURE, ABORTED}),
    "unsuccessful": frozenset({FAILURE, ABORTED}),
    "aborted": frozenset({ABORTED}),
    "failure": frozenset({FAILURE}),
    "success": frozenset({SUCCESS}),
}


class Node(Protocol):
    """An agent that steps run on."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that the agent adds."""

    @property
    def default_container(self) -> str:
        """Where steps outside `container` run; '' = by the agent itself."""

    def run(self, script: str, env: Mapping[str, str], container: str = "", shell: str = "") -> int:
        """Runs a script in a container ('' = by the agent itself) and answers its exit code.

        Raises:
            BuildError: it could not be run.
            AbortedError: the build was interrupted.
        """

    def archive(self, patterns: Sequence[str]) -> Sequence[str]:
        """Keeps the files of the workspace that match, as a result of the build; answers their paths.

        Raises:
            BuildError: they could not be read, or are too large.
        """


# Gives a node for an agent directive and an environment, for as long as its block runs; raises BuildError.
Nodes = Callable[[Agent, Mapping[str, str]], AbstractContextManager[Node]]


@dataclass(frozen=True)
class Scope:
    """Where a step runs."""

    node: Node | None
    env: Mapping[str, str]
    container: str = ""
    shell: str = ""


class Executor:
    """Runs one pipeline."""

    def __init__(self, nodes: Nodes, log: BuildLog) -> None:
        """`nodes` gives agents, `log` takes what happens."""
        self.nodes, self.log = nodes, log
        self.result = SUCCESS
        self.errors: list[str] = []

    def run(self, pipeline: Pipeline, env: Mapping[str, str]) -> str:
        """Runs everything and answers the result; nothing that a build can do raises."""
        self.log.line("[Pipeline] Start of Pipeline")
        with self.watched(), self.scope(Scope(None, env), pipeline.agent, pipeline.environment) as scope:
            for stage in pipeline.stages:
                self.stage(stage, scope)
            self.post(pipeline.post, scope)
        self.log.line("[Pipeline] End of Pipeline")
        for error in self.errors:
            self.log.line(f"ERROR: {error}")
        return self.result

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Turns what goes wrong inside into the build's result; the first abort stays."""
        try:
            yield
        except BuildError as error:
            self.errors.append(str(error))
            self.result = FAILURE if self.result == SUCCESS else self.result
        except UnknownVariableError as error:
            self.errors.append(f"groovy.lang.MissingPropertyException: {error}")
            self.result = FAILURE if self.result == SUCCESS else self.result
        except AbortedError:
            self.result = ABORTED

    @contextmanager
    def scope(self, outer: Scope, agent: Agent | None, environment: Environment) -> Iterator[Scope]:
        """The scope of a pipeline or stage: on its own agent, where it names one."""
        if agent is None or isinstance(agent, NoAgent):
            node = None if isinstance(agent, NoAgent) else outer.node
            yield Scope(node, defined(environment, outer.env), outer.container)
            return
        self.log.line("[Pipeline] node")
        with self.nodes(agent, outer.env) as node:
            self.log.line("[Pipeline] {")
            yield Scope(node, defined(environment, {**outer.env, **node.environment}), node.default_container)
            self.log.line("[Pipeline] }")
        self.log.line("[Pipeline] // node")

    def stage(self, stage: Stage, outer: Scope) -> None:
        """One stage with its post; skipped when the build has failed already."""
        self.log.line("[Pipeline] stage")
        self.log.line(f"[Pipeline] {{ ({stage.name})")
        if self.result != SUCCESS:
            self.log.line(f'Stage "{stage.name}" skipped due to earlier failure(s)')
        else:
            outer = replace(outer, env={**outer.env, "STAGE_NAME": stage.name})
            with self.watched(), self.scope(outer, stage.agent, stage.environment) as scope:
                with self.watched():
                    self.steps(stage.steps, scope)
                self.post(stage.post, scope)
        self.log.line("[Pipeline] }")
        self.log.line("[Pipeline] // stage")

    def post(self, post: Post, scope: Scope) -> None:
        """The post sections that fit the result, in Jenkins' order; one that fails keeps none from running."""
        if not any(self.result in POST_RESULTS[condition] for condition in post):
            return
        self.log.line("[Pipeline] stage\n[Pipeline] { (Declarative: Post Actions)")
        for condition in POST_CONDITIONS:
            if condition in post and self.result in POST_RESULTS[condition]:
                with self.watched():
                    self.steps(post[condition], scope)
        self.log.line("[Pipeline] }\n[Pipeline] // stage")

    def steps(self, steps: tuple[Step, ...], scope: Scope) -> None:
        """Runs steps in order.

        Raises:
            BuildError: a step failed; those after it have not run.
        """
        for step in steps:
            STEPS[type(step)](self, step, scope)

    def sh(self, step: Sh, scope: Scope) -> None:
        """The step `sh`."""
        self.log.line(f"[Pipeline] sh{label(step.label, scope)}")
        if scope.node is None:
            raise BuildError(f"line {step.line}: step 'sh' needs an agent, and there is none here ('agent none')")
        code = scope.node.run(evaluate(step.script, scope.env), scope.env, scope.container, scope.shell)
        if code:
            raise BuildError(f"script returned exit code {code}")

    def echo(self, step: Echo, scope: Scope) -> None:
        """The step `echo`."""
        self.log.line("[Pipeline] echo")
        self.log.line(evaluate(step.message, scope.env))

    def archive(self, step: Archive, scope: Scope) -> None:
        """The step `archiveArtifacts`."""
        self.log.line("[Pipeline] archiveArtifacts")
        if scope.node is None:
            raise BuildError(f"line {step.line}: step 'archiveArtifacts' needs an agent, and there is none here")
        self.log.line("Archiving artifacts")
        wanted = evaluate(step.artifacts, scope.env)
        if not scope.node.archive([each.strip() for each in wanted.split(",")]):
            raise BuildError(f'No artifacts found that match the file pattern "{wanted}". Configuration error?')

    def container(self, step: Container, scope: Scope) -> None:
        """The step `container`."""
        self.log.line("[Pipeline] container")
        self.log.line("[Pipeline] {")
        shell = evaluate(step.shell, scope.env) if step.shell else ""
        try:
            self.steps(step.steps, replace(scope, container=evaluate(step.name, scope.env), shell=shell))
        finally:
            self.log.line("[Pipeline] }")
            self.log.line("[Pipeline] // container")


STEPS: dict[type, Callable[..., None]] = {
    Archive: Executor.archive, Container: Executor.container, Echo: Executor.echo, Sh: Executor.sh,
}  # fmt: skip


def defined(environment: Environment, env: Mapping[str, str]) -> dict[str, str]:
    """`env` with an `environment` section's variables, each of which may use those before it."""
    values = dict(env)
    for name, value in environment:
        values[name] = evaluate(value, values)
    return values


def label(text: Text | None, scope: Scope) -> str:
    """What the log adds for a step's label."""
    return f" ({evaluate(text, scope.env)})" if text else ""

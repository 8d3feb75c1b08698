"""A Jenkinsfile's text to a `model.Pipeline`, or every problem in it at once, each with its line.

What declarative pipelines allow is from the Jenkins handbook, "Pipeline Syntax"; the options of the kubernetes agent
are those of jenkinsci/kubernetes-plugin (KubernetesDeclarativeAgent.java).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from testbed.controller import steps
from testbed.controller.agents import read_agent
from testbed.controller.groovy import parse
from testbed.controller.model import POST_CONDITIONS, Agent, AnyAgent, Environment, Pipeline, Post, Stage, Step
from testbed.controller.problems import JenkinsfileError, Problems
from testbed.controller.syntax import Assignment, Call, Statement, Text
from testbed.controller.tokens import GroovySyntaxError, Pos

Directive = Callable[[Call], None]


def read_jenkinsfile(source: str) -> Pipeline:
    """Reads a declarative Jenkinsfile.

    Raises:
        JenkinsfileError: a syntax error with line and column, or every directive, step and option that is wrong or
            beyond the stand-in controller, each with its line.
    """
    try:
        statements = parse(source)
    except GroovySyntaxError as error:
        raise JenkinsfileError([f"{error}"]) from error
    problems = Problems()
    pipeline = _Reader(problems).pipeline(statements)
    problems.raise_if_any()
    return pipeline


class _Reader:
    def __init__(self, problems: Problems) -> None:
        self.problems = problems

    def pipeline(self, statements: Iterable[Statement]) -> Pipeline:
        found: list[Call] = []
        for statement in statements:
            if isinstance(statement, Call) and statement.name == "pipeline" and statement.body is not None:
                found.append(statement)
            else:
                self.problems.unsupported(statement, "outside 'pipeline { }'")
        if len(found) != 1:
            line = found[1].pos.line if found else 1
            self.problems.add(line, "write exactly one 'pipeline { }'; scripted pipelines are not supported")
            return Pipeline(AnyAgent(1), ())
        call = found[0]
        sections = self.directives(call, "pipeline", ("agent", "environment", "stages", "post"))
        for name in ("agent", "stages"):
            if name not in sections:
                self.problems.add(call.pos.line, f"pipeline: missing required section '{name}'")
        return Pipeline(
            agent=self.agent(sections) or AnyAgent(call.pos.line),
            stages=self.stages(sections["stages"]) if "stages" in sections else (),
            environment=self.environment(sections),
            post=self.post(sections),
        )

    def directives(self, call: Call, where: str, allowed: tuple[str, ...]) -> Mapping[str, Call]:
        """The directives in a body by name; reports what is not allowed there or stands there twice."""
        found: dict[str, Call] = {}
        for statement in call.body or ():
            # `agent any` is a command expression, `agent { }` a call with a body: both are calls.
            if not isinstance(statement, Call):
                self.problems.unsupported(statement, f"in {where}")
            elif statement.name not in allowed:
                self.problems.add(
                    statement.pos.line,
                    f"directive '{statement.name}' in {where} is not supported by the stand-in controller"
                    f" (directives: {', '.join(allowed)})",
                )
            elif statement.name in found:
                self.problems.add(statement.pos.line, f"directive '{statement.name}' stands twice in {where}")
            else:
                found[statement.name] = statement
        return found

    def agent(self, sections: Mapping[str, Call]) -> Agent | None:
        return read_agent(sections["agent"], self.problems) if "agent" in sections else None

    def stages(self, call: Call) -> tuple[Stage, ...]:
        found = []
        for statement in call.body or ():
            if isinstance(statement, Call) and statement.name == "stage":
                found.append(self.stage(statement))
            else:
                self.problems.unsupported(statement, "in stages")
        if not found:
            self.problems.add(call.pos.line, "stages: at least one stage is needed")
        names = [stage.name for stage in found]
        for stage in found:
            if names.count(stage.name) > 1:
                self.problems.add(stage.line, f"stage name '{stage.name}' is used more than once")
        return tuple(found)

    def stage(self, call: Call) -> Stage:
        line = call.pos.line
        name = steps.plain(call.args[0]) if len(call.args) == 1 and not call.named else None
        if name is None:
            self.problems.add(line, "stage: write stage('name') { ... }, the name a string without variables")
        where = f"stage '{name or '?'}'"
        sections = self.directives(call, where, ("agent", "environment", "steps", "post"))
        if "steps" not in sections:
            self.problems.add(line, f"{where}: missing required section 'steps'")
        return Stage(
            line=line,
            name=name or "?",
            steps=self.steps(sections["steps"]) if "steps" in sections else (),
            agent=self.agent(sections),
            environment=self.environment(sections),
            post=self.post(sections),
        )

    def steps(self, call: Call) -> tuple[Step, ...]:
        return steps.read_steps(call, self.problems)

    def environment(self, sections: Mapping[str, Call]) -> Environment:
        found: list[tuple[str, Text]] = []
        for statement in sections["environment"].body or () if "environment" in sections else ():
            if not isinstance(statement, Assignment):
                self.problems.unsupported(statement, "in environment (write NAME = 'value')")
                continue
            value = steps.text(statement.value, f"environment variable {statement.name}", self.problems)
            if not statement.name.isidentifier():
                self.problems.add(statement.pos.line, f"environment variable '{statement.name}' is no variable's name")
            found.append((statement.name, value or Text(Pos(statement.pos.line, 1), ())))
        return tuple(found)

    def post(self, sections: Mapping[str, Call]) -> Post:
        if "post" not in sections:
            return {}
        conditions = self.directives(sections["post"], "post", POST_CONDITIONS)
        return {name: self.steps(call) for name, call in conditions.items()}

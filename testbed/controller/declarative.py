"""A Jenkinsfile's text to a `model.Pipeline` or `model.Script`, or every problem in it at once, each with its line.

What declarative pipelines allow is from the Jenkins handbook, "Pipeline Syntax", and from pipeline-model-definition
42c9dc3e; the options of the kubernetes agent from jenkinsci/kubernetes-plugin (KubernetesDeclarativeAgent.java).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from testbed.controller import texts
from testbed.controller.agents import read_agent
from testbed.controller.groovy import parse
from testbed.controller.model import (
    Agent,
    AnyAgent,
    Environment,
    Jenkinsfile,
    NoAgent,
    Options,
    Pipeline,
    Post,
    Script,
    Stage,
)
from testbed.controller.options import read_options, read_when
from testbed.controller.pipeline.catalogue import unsupported
from testbed.controller.pipeline.checks import Checker, declared
from testbed.controller.problems import JenkinsfileError, Problems
from testbed.controller.results import POST_CONDITIONS
from testbed.controller.syntax import Assignment, Call, Expression, Function, Literal, Statement
from testbed.controller.tokens import GroovySyntaxError

SECTIONS = ("agent", "environment", "options", "stages", "post")
STAGE = ("agent", "environment", "options", "when", "steps", "stages", "parallel", "failFast", "post")
BODIES = ("steps", "stages", "parallel")


def read_jenkinsfile(source: str) -> Jenkinsfile:
    """Reads a Jenkinsfile; it is declarative if it has `pipeline { }`.

    Raises:
        JenkinsfileError: a syntax error with line and column, or every directive, step and option that is wrong or
            beyond the stand-in controller, each with its line.
    """
    try:
        statements = parse(source)
    except GroovySyntaxError as error:
        raise JenkinsfileError([f"{error}"]) from error
    problems = Problems()
    checker = Checker(problems, declared(statements))
    jenkinsfile: Jenkinsfile
    if not statements or any(isinstance(each, Call) and each.name == "pipeline" for each in statements):
        jenkinsfile = _Reader(problems, checker).pipeline(statements)
    else:
        checker.script(statements, "in a scripted pipeline")
        jenkinsfile = Script(statements)
    problems.raise_if_any()
    return jenkinsfile


class _Reader:
    def __init__(self, problems: Problems, checker: Checker) -> None:
        self.problems, self.checker = problems, checker

    def pipeline(self, statements: Iterable[Statement]) -> Pipeline:
        found: list[Call] = []
        functions: list[Statement] = []
        for statement in statements:
            if isinstance(statement, Call) and statement.name == "pipeline" and statement.body is not None:
                found.append(statement)
            elif isinstance(statement, Function):
                functions.append(statement)
                self.checker.script(statement)
            else:
                self.problems.unsupported(statement, "outside 'pipeline { }'")
        if len(found) != 1:
            line = found[1].pos.line if found else 1
            self.problems.add(line, "write exactly one 'pipeline { }'")
            return Pipeline(AnyAgent(1), ())
        call = found[0]
        sections = self.directives(call, "pipeline", SECTIONS)
        for name in ("agent", "stages"):
            if name not in sections:
                self.problems.add(call.pos.line, f"pipeline: missing required section '{name}'")
        stages = self.stages(sections["stages"], set()) if "stages" in sections else ()
        return Pipeline(
            agent=self.agent(sections) or AnyAgent(call.pos.line),
            stages=stages,
            environment=self.environment(sections),
            post=self.post(sections),
            options=read_options(sections.get("options"), "pipeline", self.problems, self.checker),
            functions=tuple(functions),
        )

    def directives(self, call: Call, where: str, allowed: tuple[str, ...]) -> Mapping[str, Call]:
        """The directives in a body by name; reports what is not allowed there or stands there twice."""
        found: dict[str, Call] = {}
        for statement in call.body or ():
            # `agent any` is a command expression, `agent { }` a call with a body: both are calls.
            if not isinstance(statement, Call):
                self.problems.unsupported(statement, f"in {where}")
            elif statement.name not in allowed:
                words = unsupported("directive", statement.name, f" in {where} (directives: {', '.join(allowed)})")
                self.problems.add(statement.pos.line, words)
            elif statement.name in found:
                self.problems.add(statement.pos.line, f"directive '{statement.name}' stands twice in {where}")
            else:
                found[statement.name] = statement
        return found

    def agent(self, sections: Mapping[str, Call]) -> Agent | None:
        return read_agent(sections["agent"], self.problems) if "agent" in sections else None

    def stages(self, call: Call, names: set[str], parallel: bool = False) -> tuple[Stage, ...]:
        """The stages in a body; `names` are those that the whole pipeline has had."""
        found = []
        for statement in call.body or ():
            if isinstance(statement, Call) and statement.name == "stage":
                stage = self.stage(statement, names, parallel)
                if stage.name in names and stage.name != "?":
                    self.problems.add(stage.line, f"stage name '{stage.name}' is used more than once")
                names.add(stage.name)
                found.append(stage)
            else:
                self.problems.unsupported(statement, f"in {call.name}")
        if not found:
            self.problems.add(call.pos.line, f"{call.name}: at least one stage is needed")
        return tuple(found)

    def stage(self, call: Call, names: set[str], parallel: bool) -> Stage:
        line = call.pos.line
        name = texts.plain(call.args[0]) if len(call.args) == 1 and not call.named else None
        if name is None:
            self.problems.add(line, "stage: write stage('name') { ... }, the name a string without variables")
        where = f"stage '{name or '?'}'"
        sections = self.directives(call, where, STAGE)
        bodies = [each for each in BODIES if each in sections]
        if not bodies:
            self.problems.add(line, f"{where}: missing required section 'steps' (or 'stages', 'parallel')")
        elif len(bodies) > 1:
            self.problems.add(line, f"{where}: only one of {', '.join(bodies)} may be in a stage")
        if parallel and "parallel" in sections:
            self.problems.add(line, f"{where}: 'parallel' is directly inside 'parallel'; write stages {{ }} between")
        if "parallel" in sections and "agent" in sections and not isinstance(self.agent(sections), NoAgent):
            self.problems.add(line, f"{where}: a stage with 'parallel' has no agent; give one to each stage inside")
        if "failFast" in sections and "parallel" not in sections:
            self.problems.add(line, f"{where}: 'failFast' goes with 'parallel'")
        return Stage(
            line=line,
            name=name or "?",
            steps=self.steps(sections["steps"]) if "steps" in sections else (),
            stages=self.stages(sections["stages"], names) if "stages" in sections else (),
            parallel=self.stages(sections["parallel"], names, parallel=True) if "parallel" in sections else (),
            fail_fast=self.fail_fast(sections.get("failFast")),
            agent=self.agent(sections) if "parallel" not in sections else None,
            environment=self.environment(sections),
            post=self.post(sections),
            when=read_when(sections.get("when"), self.problems, self.checker),
            options=self.options(sections),
        )

    def options(self, sections: Mapping[str, Call]) -> Options:
        return read_options(sections.get("options"), "stage", self.problems, self.checker)

    def fail_fast(self, call: Call | None) -> bool:
        if call is None:
            return False
        value = call.args[0] if len(call.args) == 1 and not call.named else None
        if not isinstance(value, Literal) or not isinstance(value.value, bool):
            self.problems.add(call.pos.line, "failFast: write failFast true or failFast false")
            return False
        return value.value

    def steps(self, call: Call) -> tuple[Statement, ...]:
        self.checker.steps(call.body or ())
        return call.body or ()

    def environment(self, sections: Mapping[str, Call]) -> Environment:
        found: list[tuple[str, Expression]] = []
        for statement in sections["environment"].body or () if "environment" in sections else ():
            if not isinstance(statement, Assignment) or statement.operator:
                self.problems.unsupported(statement, "in environment (write NAME = 'value')")
                continue
            value = statement.value
            if isinstance(value, Call) and value.name == "credentials":
                if len(value.args) != 1 or value.named or texts.plain(value.args[0]) is None:
                    self.problems.add(value.pos.line, "environment: write NAME = credentials('id')")
            else:
                self.checker.script(value, "in environment")
            if not statement.name.isidentifier():
                self.problems.add(statement.pos.line, f"environment variable '{statement.name}' is no variable's name")
            found.append((statement.name, value))
        return tuple(found)

    def post(self, sections: Mapping[str, Call]) -> Post:
        if "post" not in sections:
            return {}
        conditions = self.directives(sections["post"], "post", POST_CONDITIONS)
        return {name: self.steps(call) for name, call in conditions.items()}

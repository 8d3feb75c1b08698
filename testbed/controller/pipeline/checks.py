"""Looks through a Jenkinsfile's Groovy before anything starts: what is not here is told with its line.

Names of steps and symbols, their arguments as far as they are certain, methods, constructors, exceptions that `catch`
names. Whether a variable has a value, and whether a value has a method, is known when it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from testbed.controller.pipeline import builtin, methods
from testbed.controller.pipeline.arguments import wrong_arguments
from testbed.controller.pipeline.catalogue import STEPS, SYMBOLS, unsupported
from testbed.controller.pipeline.statements import CAUGHT, THROWN
from testbed.controller.problems import Problems
from testbed.controller.syntax import (
    Assignment,
    Call,
    Catch,
    Closure,
    Definition,
    For,
    Function,
    MethodCall,
    New,
    Statement,
    Unknown,
    Variable,
)
from testbed.controller.tokens import Pos

# Groovy variables that Jenkins has and the stand-in does not, and what to write instead.
ABSENT = {
    "params": "jobs have no parameters here; set a variable in 'environment'",
    "docker": "use container('name') of the agent's pod",
    "manager": "there is no Groovy Postbuild plugin",
    "this": "leave it out",
    "Jenkins": "the sandbox lets no pipeline reach the controller",
    "System": "the sandbox lets no pipeline reach the controller",
}


def declared(node: Any) -> Iterator[str]:
    """All names that some Groovy defines: variables, functions, parameters."""
    if isinstance(node, Definition | Function | For | Catch):
        yield node.name
    if isinstance(node, Function | Closure | Call) and node.parameters:
        yield from node.parameters
    if isinstance(node, Assignment) and isinstance(node.target, Variable) and len(node.target.path) == 1:
        yield node.target.path[0]
    for child in children(node):
        yield from declared(child)


def children(node: Any) -> Iterator[Any]:
    """The pieces of syntax directly inside a piece."""
    if isinstance(node, tuple):
        yield from (each for each in node if is_dataclass(each) or isinstance(each, tuple))
    elif is_dataclass(node) and not isinstance(node, Pos):
        for each in fields(node):
            value = getattr(node, each.name)
            if is_dataclass(value) or isinstance(value, tuple):
                yield value


# Steps that a declarative pipeline's `steps` may not have (pipeline-model-definition 42c9dc3e, ModelASTStep).
BLOCKED = {
    "stage": "write a stage beside this one, or script { }",
    "parallel": "write parallel { stage('...') { ... } } instead of steps, or script { }",
}


class Checker:
    """Adds what is wrong to `problems`; `names` are what the whole Jenkinsfile defines."""

    def __init__(self, problems: Problems, names: Iterable[str]) -> None:
        """See the class."""
        self.problems, self.names = problems, frozenset(names)

    def script(self, node: Any, where: str = "here") -> None:
        """Any Groovy."""
        if isinstance(node, Unknown):
            self.problems.unsupported(node, where)
            return
        checks: dict[type, Callable[[Any], None]] = {
            Call: self.call,
            MethodCall: self.method,
            New: self.new,
            Variable: self.variable,
            Catch: self.catch,
            Assignment: self.assignment,
        }
        if check := checks.get(type(node)):
            check(node)
        for child in children(node):
            self.script(child, where)

    def steps(self, statements: Iterable[Statement]) -> None:
        """The body of `steps` or of a post condition: steps alone, and Groovy in their arguments and in `script`."""
        for each in statements:
            if not isinstance(each, Call):
                if isinstance(each, Unknown):
                    self.problems.unsupported(each, "as a step")
                else:
                    self.problems.unsupported(each, "as a step (write it into script { })")
                continue
            if each.name in BLOCKED:
                words = f"step '{each.name}' is not allowed in a declarative pipeline: {BLOCKED[each.name]}"
                self.problems.add(each.pos.line, words)
            else:
                self.call(each)
            self.script((each.args, each.named), f"in step '{each.name}'")
            if each.body and each.name == "script":
                self.script(each.body)
            elif each.body:
                self.steps(each.body)

    def call(self, call: Call) -> None:
        """A step, a symbol, or something that the Jenkinsfile defines."""
        line = call.pos.line
        if call.name in self.names:
            return
        if call.name in SYMBOLS and call.body is None:
            for where, words in wrong_arguments(SYMBOLS[call.name], call.args, call.named, line):
                self.problems.add(where, words)
            return
        step = STEPS.get(call.name)
        if step is None:
            self.problems.add(line, unsupported("step", call.name, f" (steps: {', '.join(sorted(STEPS))})"))
            return
        for where, words in wrong_arguments(step, call.args, call.named, line):
            self.problems.add(where, words)
        if call.name == "checkout" and [getattr(arg, "path", None) for arg in call.args] != [("scm",)]:
            self.problems.add(line, "step 'checkout': the workspace comes with the build; write checkout scm")
        if step.block and call.body is None:
            self.problems.add(line, f"step '{call.name}' needs a block: {call.name}(...) {{ ... }}")
        if call.body is not None and not step.block:
            self.problems.add(line, f"step '{call.name}' takes no block")

    def method(self, each: MethodCall) -> None:
        """A method by its name."""
        if each.name not in methods.NAMES | self.names:
            known = ", ".join(sorted(methods.NAMES))
            words = f"method '{each.name}' is not supported by the stand-in controller ({known})"
            self.problems.add(each.pos.line, words)

    def new(self, each: New) -> None:
        """A constructor."""
        if each.name not in THROWN:
            words = f"'new {each.name}' is not supported by the stand-in controller ({', '.join(sorted(THROWN))})"
            self.problems.add(each.pos.line, words)

    def catch(self, each: Catch) -> None:
        """What an exception is called."""
        for name in each.types:
            if name not in CAUGHT:
                words = f"catch ({name}): it is not told apart here; write one of {', '.join(sorted(CAUGHT - {''}))}"
                self.problems.add(each.pos.line, words)

    def variable(self, each: Variable) -> None:
        """A name that Jenkins has and the stand-in does not; a property of currentBuild."""
        name, line = each.path[0], each.pos.line
        if name in self.names:
            return
        if name in ABSENT:
            path = ".".join(each.path)
            self.problems.add(line, f"variable '{path}' is not supported by the stand-in controller: {ABSENT[name]}")
        elif name == "currentBuild" and len(each.path) > 1 and each.path[1] not in builtin.CURRENT_BUILD:
            known = ", ".join(builtin.CURRENT_BUILD)
            self.problems.add(line, f"'{'.'.join(each.path)}' is not supported by the stand-in controller ({known})")

    def assignment(self, each: Assignment) -> None:
        """What cannot be assigned."""
        path = each.target.path if isinstance(each.target, Variable) else ()
        if len(path) == 2 and path[0] == "currentBuild" and builtin.CURRENT_BUILD.get(path[1]) is False:
            words = f"'{each.name}' cannot be set by the stand-in controller; only currentBuild.result can"
            self.problems.add(each.pos.line, words)

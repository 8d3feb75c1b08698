"""What the table of steps is made of: steps, their parameters, and what a step's runner is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from testbed.controller.pipeline.context import Context, Node

Body = Callable[[Context], Any]
# Kinds of parameters, and what a message calls them.
KINDS = {
    "text": "a string", "flag": "true or false", "number": "a number", "list": "a list", "any": "any value",
    "closure": "a closure",
}  # fmt: skip


@dataclass(frozen=True)
class Parameter:
    """One argument of a step.

    Attributes:
        kind: a key of KINDS.
        required: whether it must be given.
        default: its value where it is not given.
        choices: the words that it may be; () = any.
    """

    kind: str = "text"
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Invocation:
    """A step that runs: where, with which arguments (all parameters, by name), and its block, if it has one."""

    step: Step
    line: int
    context: Context
    arguments: Mapping[str, Any]
    body: Body | None = None

    def __getitem__(self, name: str) -> Any:
        """An argument."""
        return self.arguments[name]

    @property
    def node(self) -> Node:
        """The agent; raises BuildError where there is none."""
        return self.context.agent(self.step.name, self.line)

    def inside(self, context: Context) -> Any:
        """Runs the block, and answers its value."""
        return self.body(context) if self.body else None

    def say(self, text: str) -> None:
        """Adds lines to the log."""
        self.context.state.log.line(text)


@dataclass(frozen=True)
class Step:
    """A step.

    Attributes:
        name: as a Jenkinsfile writes it.
        doc: what it does, for the list of steps.
        run: does it; its answer is the step's value.
        parameters: by name.
        first: the parameter that may be given without its name; '' = none.
        block: whether it takes a block.
        extra: whether other named arguments are taken too (branches of `parallel`).
        label: the parameter that the log shows behind the step's name; for a block, behind its brace.
        braces: whether the log shows the block's braces by the table; else the step does so itself.
    """

    name: str
    doc: str
    run: Callable[[Invocation], Any]
    parameters: Mapping[str, Parameter]
    first: str = ""
    block: bool = False
    extra: bool = False
    label: str = ""
    braces: bool = True


@dataclass(frozen=True)
class Symbol:
    """A word that describes something for a step's argument, as `string(credentialsId: 'x', variable: 'Y')` does."""

    name: str
    parameters: Mapping[str, Parameter]
    first: str = ""

"""Collects what is wrong with a Jenkinsfile, so that all of it is told at once."""

from __future__ import annotations

from collections.abc import Sequence

from testbed.controller.syntax import (
    Assignment,
    Binary,
    Call,
    Closure,
    Definition,
    For,
    Function,
    If,
    Index,
    Jump,
    ListLiteral,
    Literal,
    MapLiteral,
    MethodCall,
    New,
    Property,
    Statement,
    Ternary,
    Text,
    Try,
    Unary,
    Unknown,
    Variable,
    While,
)

NAMES: dict[type, str] = {
    Text: "a string", Literal: "a literal", Closure: "a closure", ListLiteral: "a list", MapLiteral: "a map",
    Index: "an index", Ternary: "the operator '?'", New: "'new'", If: "'if'", For: "'for'",
    While: "a loop", Try: "'try'",
}  # fmt: skip


class JenkinsfileError(Exception):
    """A Jenkinsfile that cannot run; `problems` are sentences that begin with 'line N'."""

    def __init__(self, problems: Sequence[str]) -> None:
        """Keeps the problems; str() is one a line."""
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def name_of(node: Statement) -> str:
    """What a piece of Groovy is called in a message."""
    if isinstance(node, Call | Assignment | Function | Definition | MethodCall | Property):
        return f"'{node.name}'"
    if isinstance(node, Binary | Unary):
        return f"the operator '{node.operator}'"
    if isinstance(node, Jump):
        return f"'{node.kind}'"
    if isinstance(node, Variable):
        return f"'{'.'.join(node.path)}'"
    if isinstance(node, Unknown):
        return node.what
    return NAMES[type(node)]


class Problems:
    """A list of problems, kept in the order of their lines."""

    def __init__(self) -> None:
        """Begins empty."""
        self.found: list[tuple[int, str]] = []

    def add(self, line: int, message: str) -> None:
        """Adds one problem."""
        self.found.append((line, message))

    def unsupported(self, node: Statement, where: str) -> None:
        """Adds: this piece of Groovy is not supported there."""
        self.add(node.pos.line, f"{name_of(node)} {where} is not supported by the stand-in controller")

    def raise_if_any(self) -> None:
        """Raises JenkinsfileError if there is any problem."""
        if self.found:
            raise JenkinsfileError([f"line {line}: {message}" for line, message in sorted(self.found)])

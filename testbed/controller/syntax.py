"""The syntax tree that `groovy.parse` returns."""

from __future__ import annotations

from dataclasses import dataclass

from testbed.controller.tokens import Pos


@dataclass(frozen=True)
class Variable:
    """A name, or names joined by dots: `env.HOME` is ('env', 'HOME')."""

    pos: Pos
    path: tuple[str, ...]


@dataclass(frozen=True)
class Text:
    """A string: plain pieces and what is put between them."""

    pos: Pos
    parts: tuple[str | Expression, ...]


@dataclass(frozen=True)
class Literal:
    """true, false, null or a whole number."""

    pos: Pos
    value: bool | int | None


@dataclass(frozen=True)
class Closure:
    """`{ ... }` as an argument."""

    pos: Pos
    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class Call:
    """A call: `name(args, key: value) { body }`; `body` is None without a closure."""

    pos: Pos
    name: str
    args: tuple[Expression, ...] = ()
    named: tuple[tuple[str, Expression], ...] = ()
    body: tuple[Statement, ...] | None = None


@dataclass(frozen=True)
class Assignment:
    """`name = value`."""

    pos: Pos
    name: str
    value: Expression


@dataclass(frozen=True)
class Unknown:
    """Groovy beyond this parser; `what` names it."""

    pos: Pos
    what: str


Expression = Variable | Text | Literal | Closure | Call | Unknown
Statement = Expression | Assignment

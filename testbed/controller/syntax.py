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
    """true, false, null or a number."""

    pos: Pos
    value: bool | int | float | None


@dataclass(frozen=True)
class ListLiteral:
    """`[a, b]`."""

    pos: Pos
    items: tuple[Expression, ...]


@dataclass(frozen=True)
class MapLiteral:
    """`[key: value]`; a key that is a bare name is a Text, one in parentheses any expression."""

    pos: Pos
    entries: tuple[tuple[Expression, Expression], ...]


@dataclass(frozen=True)
class Closure:
    """`{ ... }` or `{ a, b -> ... }` as a value; `parameters` is None where none are named (then there is `it`)."""

    pos: Pos
    statements: tuple[Statement, ...]
    parameters: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Call:
    """A call: `name(args, key: value) { body }`; `body` is None without a closure behind the arguments.

    `parameters` are the closure's own, as in `Closure`.
    """

    pos: Pos
    name: str
    args: tuple[Expression, ...] = ()
    named: tuple[tuple[str, Expression], ...] = ()
    body: tuple[Statement, ...] | None = None
    parameters: tuple[str, ...] | None = None


@dataclass(frozen=True)
class MethodCall:
    """A call of something's method: `target.name(args)`; `safe`: by `?.`. A closure behind it is the last argument."""

    pos: Pos
    target: Expression
    name: str
    args: tuple[Expression, ...] = ()
    safe: bool = False


@dataclass(frozen=True)
class Property:
    """A property of something that is no plain name: `target.name`; `safe`: by `?.`."""

    pos: Pos
    target: Expression
    name: str
    safe: bool = False


@dataclass(frozen=True)
class Index:
    """`target[key]`."""

    pos: Pos
    target: Expression
    key: Expression


@dataclass(frozen=True)
class Unary:
    """`!operand` or `-operand`."""

    pos: Pos
    operator: str
    operand: Expression


@dataclass(frozen=True)
class Binary:
    """`left operator right`; `?:` is one of them."""

    pos: Pos
    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Ternary:
    """`condition ? then : otherwise`."""

    pos: Pos
    condition: Expression
    then: Expression
    otherwise: Expression


@dataclass(frozen=True)
class New:
    """`new Name(args)`."""

    pos: Pos
    name: str
    args: tuple[Expression, ...] = ()


@dataclass(frozen=True)
class Unknown:
    """Groovy beyond this parser; `what` names it."""

    pos: Pos
    what: str


@dataclass(frozen=True)
class Assignment:
    """`target = value`; `operator` is what stands before the `=` (`+` for `+=`)."""

    pos: Pos
    target: Expression
    value: Expression
    operator: str = ""

    @property
    def name(self) -> str:
        """The target, where it is a name or names joined by dots; else ''."""
        return ".".join(self.target.path) if isinstance(self.target, Variable) else ""


@dataclass(frozen=True)
class Definition:
    """`def name = value`, or with a type, which is passed over."""

    pos: Pos
    name: str
    value: Expression | None


@dataclass(frozen=True)
class Function:
    """`def name(parameters) { body }`."""

    pos: Pos
    name: str
    parameters: tuple[str, ...]
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class If:
    """`if (condition) { then } else { otherwise }`."""

    pos: Pos
    condition: Expression
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...] = ()


@dataclass(frozen=True)
class For:
    """`for (name in iterable) { body }`."""

    pos: Pos
    name: str
    iterable: Expression
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class While:
    """`while (condition) { body }`, or `for (first; condition; step) { body }`."""

    pos: Pos
    condition: Expression
    body: tuple[Statement, ...]
    first: tuple[Statement, ...] = ()
    step: tuple[Statement, ...] = ()


@dataclass(frozen=True)
class Catch:
    """`catch (types name) { body }`; no types: Exception."""

    pos: Pos
    types: tuple[str, ...]
    name: str
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Try:
    """`try { body } catch ... finally { final }`."""

    pos: Pos
    body: tuple[Statement, ...]
    catches: tuple[Catch, ...] = ()
    final: tuple[Statement, ...] = ()


@dataclass(frozen=True)
class Jump:
    """`return value`, `throw value`, `break` or `continue`."""

    pos: Pos
    kind: str
    value: Expression | None = None


Expression = (
    Variable | Text | Literal | ListLiteral | MapLiteral | Closure | Call | MethodCall | Property | Index | Unary
    | Binary | Ternary | New | Unknown
)  # fmt: skip
Statement = Expression | Assignment | Definition | Function | If | For | While | Try | Jump

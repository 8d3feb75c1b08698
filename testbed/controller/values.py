"""Groovy's values as Python's: truth, text, operators.

Strings, whole numbers, booleans, null, lists and maps are str, int, bool, None, list and dict; a GString is a str at
once.
After the Groovy language documentation, "Semantics" (truth, equality, operators).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from testbed.controller.failures import AbortedError, BuildError, GroovyError


@dataclass(frozen=True)
class Described:
    """What a symbol such as `string(credentialsId: ...)` or `containerTemplate(...)` gives: its name and arguments."""

    symbol: str
    values: Mapping[str, Any]


@dataclass
class Variables:
    """The variables of a block, and those of the blocks around it."""

    outer: Variables | None = None
    values: dict[str, Any] = field(default_factory=dict)

    def holder(self, name: str) -> Variables | None:
        """The innermost block that has this variable."""
        if name in self.values:
            return self
        return self.outer.holder(name) if self.outer else None

    def assign(self, name: str, value: Any) -> None:
        """Sets a variable that is there; else it becomes one of the whole script, as Groovy's binding has it."""
        place = self.holder(name) or self
        while name not in place.values and place.outer is not None:
            place = place.outer
        place.values[name] = value


def truth(value: Any) -> bool:
    """Groovy's truth: null, 0 and what is empty are false."""
    return bool(value)


def spell(value: Any) -> str:
    """A value as text, as Groovy's toString() gives it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(spell, value))}]"
    if isinstance(value, dict):
        return f"[{', '.join(f'{spell(key)}:{spell(each)}' for key, each in value.items()) or ':'}]"
    if isinstance(value, GroovyError):
        return str(value)
    if isinstance(value, BuildError):
        return f"hudson.AbortException: {value}"
    if isinstance(value, AbortedError):
        return "org.jenkinsci.plugins.workflow.steps.FlowInterruptedException"
    return str(value)


def name_of_type(value: Any) -> str:
    """What a value's type is called in a message."""
    names = {str: "String", bool: "Boolean", int: "Integer", float: "BigDecimal", list: "List", dict: "Map"}
    return "null" if value is None else names.get(type(value), type(value).__name__)


def equal(left: Any, right: Any) -> bool:
    """`==`: a boolean equals no number."""
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    return bool(left == right)


def _mismatch(operator: str, left: Any, right: Any) -> GroovyError:
    words = f"{name_of_type(left)} {operator} {name_of_type(right)} has no value"
    return GroovyError("groovy.lang.MissingMethodException", words)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _plus(left: Any, right: Any) -> Any:
    if isinstance(left, str) or isinstance(right, str):
        return spell(left) + spell(right)
    if isinstance(left, list):
        return [*left, *(right if isinstance(right, list) else [right])]
    if isinstance(left, dict) and isinstance(right, dict):
        return {**left, **right}
    return _arithmetic("+", left, right)


def _minus(left: Any, right: Any) -> Any:
    if isinstance(left, list):
        return [each for each in left if each not in (right if isinstance(right, list) else [right])]
    if isinstance(left, str):
        return left.replace(spell(right), "", 1)
    return _arithmetic("-", left, right)


def _arithmetic(operator: str, left: Any, right: Any) -> Any:
    if operator == "*" and isinstance(left, str) and _number(right):
        return left * int(right)
    if not (_number(left) and _number(right)):
        raise _mismatch(operator, left, right)
    if operator in "/%" and right == 0:
        raise GroovyError("java.lang.ArithmeticException", "Division by zero")
    value = {"+": lambda: left + right, "-": lambda: left - right, "*": lambda: left * right,
             "/": lambda: left / right, "%": lambda: left - right * int(left / right)}[operator]()  # fmt: skip
    return int(value) if value == int(value) and operator == "/" else value


def _ordered(operator: str, left: Any, right: Any) -> bool:
    if not ((_number(left) and _number(right)) or (isinstance(left, str) and isinstance(right, str))):
        raise _mismatch(operator, left, right)
    return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[operator])


def _shifted(left: Any, right: Any) -> Any:
    if not isinstance(left, list):
        raise _mismatch("<<", left, right)
    left.append(right)
    return left


def _range(left: Any, right: Any) -> list[int]:
    if not (_number(left) and _number(right)):
        raise _mismatch("..", left, right)
    return list(range(left, right + 1) if left <= right else range(left, right - 1, -1))


def _contained(left: Any, right: Any) -> bool:
    if isinstance(right, str):
        return equal(left, right)  # as Groovy's isCase of a String
    return any(equal(left, each) for each in right or ())


OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": _plus, "-": _minus, "==": equal, "!=": lambda left, right: not equal(left, right), "in": _contained,
    "<<": _shifted, "..": _range,
    **{sign: partial(_arithmetic, sign) for sign in ("*", "/", "%")},
    **{sign: partial(_ordered, sign) for sign in ("<", "<=", ">", ">=")},
}  # fmt: skip

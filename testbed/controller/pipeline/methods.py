"""Methods and properties of values that a Jenkinsfile may use, of strings, lists, maps and numbers.

After the Groovy JDK's documentation; Jenkins' script-security sandbox permits all of these. Regular expressions are not
among them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from typing import Any

from testbed.controller.failures import AbortedError, BuildError, GroovyError
from testbed.controller.values import name_of_type, spell, truth

Method = Callable[..., Any]
SPECIAL = frozenset("\\.[]{}()*+-?^$|")  # what java.lang.String.split takes for a pattern


def _split(value: str, separator: str | None = None) -> list[str]:
    if separator is None:
        return value.split()
    if separator in ("\\s+", "\\s"):
        return value.split()
    if set(separator) & SPECIAL:
        raise GroovyError("java.util.regex.PatternSyntaxException", "split by a pattern is not supported; use tokenize")
    parts = value.split(separator)
    while parts and parts[-1] == "":
        parts.pop()
    return parts


def _tokenize(value: str, separators: str = " \t\n\r\f") -> list[str]:
    spaced = "".join("\0" if char in separators else char for char in value)
    return [part for part in spaced.split("\0") if part]


def _integer(value: str) -> int:
    try:
        return int(value.strip())
    except ValueError as error:
        raise GroovyError("java.lang.NumberFormatException", f'For input string: "{value}"') from error


def _substring(value: str, start: int, end: int | None = None) -> str:
    if not 0 <= start <= (len(value) if end is None else end) <= len(value):
        raise GroovyError("java.lang.StringIndexOutOfBoundsException", f"begin {start}, end {end}, length {len(value)}")
    return value[start:end]


STRING: Mapping[str, Method] = {
    "trim": str.strip, "toUpperCase": str.upper, "toLowerCase": str.lower,
    "capitalize": lambda v: v[:1].upper() + v[1:],
    "contains": lambda v, other: other in v, "startsWith": str.startswith, "endsWith": str.endswith,
    "replace": lambda v, old, new: v.replace(old, new), "split": _split, "tokenize": _tokenize,
    "length": len, "size": len, "isEmpty": lambda v: not v, "toInteger": _integer, "indexOf": str.find,
    "substring": _substring, "readLines": str.splitlines, "isInteger": lambda v: v.strip().lstrip("-").isdigit(),
    "equals": lambda v, other: v == other, "equalsIgnoreCase": lambda v, other: v.lower() == spell(other).lower(),
    "take": lambda v, n: v[:n], "padLeft": lambda v, n, fill=" ": v.rjust(n, fill),
    "padRight": lambda v, n, fill=" ": v.ljust(n, fill), "stripIndent": textwrap.dedent,
}  # fmt: skip


def _each(value: Any, work: Method) -> Any:
    for each in items(value):
        work(*each)
    return value


def _each_with_index(value: Any, work: Method) -> Any:
    for index, each in enumerate(items(value)):
        work(*each, index)
    return value


def items(value: Any) -> list[tuple[Any, ...]]:
    """What a closure is called with for each item: the item, or key and value of a map."""
    return list(value.items()) if isinstance(value, dict) else [(each,) for each in value]


def _collect_entries(value: Any, work: Method) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for each in items(value):
        made = work(*each)
        found.update(made if isinstance(made, dict) else {made[0]: made[1]})
    return found


def _find_all(value: Any, work: Method) -> Any:
    kept = [each for each in items(value) if truth(work(*each))]
    return dict(kept) if isinstance(value, dict) else [each for (each,) in kept]


def _add(value: list[Any], other: Any) -> bool:
    value.append(other)
    return True


def _put(value: dict[Any, Any], key: Any, other: Any) -> Any:
    value[key], old = other, value.get(key)
    return old


def _at(value: list[Any], index: int) -> Any:
    if not value:
        raise GroovyError("java.util.NoSuchElementException", "Cannot access element of an empty List")
    return value[index]


BOTH: Mapping[str, Method] = {
    "size": len, "isEmpty": lambda v: not v, "each": _each, "eachWithIndex": _each_with_index,
    "collect": lambda v, work: [work(*each) for each in items(v)], "collectEntries": _collect_entries,
    "findAll": _find_all, "any": lambda v, work: any(truth(work(*each)) for each in items(v)),
    "every": lambda v, work: all(truth(work(*each)) for each in items(v)),
}  # fmt: skip
LIST: Mapping[str, Method] = {
    **BOTH,
    "join": lambda v, separator="": separator.join(map(spell, v)), "contains": lambda v, other: other in v, "add": _add,
    "first": lambda v: _at(v, 0), "last": lambda v: _at(v, -1), "sort": sorted, "reverse": lambda v: v[::-1],
    "unique": lambda v: list(dict.fromkeys(v)), "indexOf": lambda v, other: v.index(other) if other in v else -1,
    "find": lambda v, work: next((each for each in v if truth(work(each))), None),
    "addAll": lambda v, more: v.extend(more),
    "get": lambda v, index: _at(v, index), "sum": lambda v: sum(v), "take": lambda v, n: v[:n],
}  # fmt: skip
MAP: Mapping[str, Method] = {
    **BOTH,
    "containsKey": lambda v, key: key in v, "get": lambda v, key, other=None: v.get(key, other), "put": _put,
    "keySet": list, "values": lambda v: list(v.values()), "remove": lambda v, key: v.pop(key, None),
}  # fmt: skip
NUMBER: Mapping[str, Method] = {
    "times": lambda v, work: [work(index) for index in range(v)] and None, "toInteger": int,
}  # fmt: skip
ERROR: Mapping[str, Method] = {"getMessage": lambda v: message(v)}
ANY: Mapping[str, Method] = {"toString": spell}
BY_TYPE: tuple[tuple[Any, Mapping[str, Method]], ...] = (
    (str, STRING), (list, LIST), (dict, MAP), (bool, {}), ((int, float), NUMBER), ((BuildError, AbortedError), ERROR),
)  # fmt: skip
# All names, for the check before a build: whether a value has it is known when it runs.
NAMES = frozenset({"call", *ANY, *(name for _, table in BY_TYPE for name in table)})


def message(error: Exception) -> str | None:
    """What an exception's `message` says."""
    if isinstance(error, GroovyError):
        return error.message
    return str(error) or None


def call(value: Any, name: str, args: list[Any]) -> Any:
    """Calls a method of a value.

    Raises:
        GroovyError: the value has no such method, or not with these arguments.
    """
    if value is None:
        raise GroovyError("java.lang.NullPointerException", f"Cannot invoke method {name}() on null object")
    if name == "call" and callable(value):
        return value(*args)
    table = next((table for kind, table in BY_TYPE if isinstance(value, kind)), {})
    method = table.get(name) or ANY.get(name)
    if method is None:
        words = f"No signature of method: {name_of_type(value)}.{name}()"
        raise GroovyError("groovy.lang.MissingMethodException", words)
    try:
        return method(value, *args)
    except (TypeError, AttributeError, KeyError, IndexError) as error:
        words = f"No signature of method: {name_of_type(value)}.{name}({', '.join(map(name_of_type, args))})"
        raise GroovyError("groovy.lang.MissingMethodException", words) from error


def get(value: Any, name: str) -> Any:
    """A property of a value.

    Raises:
        GroovyError: the value has no such property.
    """
    if value is None:
        raise GroovyError("java.lang.NullPointerException", f"Cannot get property '{name}' on null object")
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, BuildError | AbortedError) and name == "message":
        return message(value)
    raise GroovyError("groovy.lang.MissingPropertyException", f"No such property: {name} for {name_of_type(value)}")

"""Values that a pod template of the Kubernetes plugin takes, read from data: texts, numbers, switches, symbols.

Data is what JCasC or a pipeline step says: `{symbol: {argument: value}}` for what the plugin makes by a symbol, such as
`emptyDirVolume`. Each reader takes a value and what to call it in an error, and raises BuildkeepError with every
problem.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_java import parse_long

Reader = Callable[[Any, str], Any]
# What stands under a symbol or a template: each attribute's value where it is not given, and its reader.
Fields = Mapping[str, tuple[Any, Reader]]
_INTEGER = re.compile(r"[+-]?[0-9]+")
_IMAGE = re.compile(r"\S+")


def text(value: Any, where: str) -> str:
    """Take a text as it is (`Util.fixEmpty`: an empty one is none); a number or switch becomes one."""
    if isinstance(value, Mapping | list | tuple):
        raise BuildkeepError([f"{where}: is no text; write one"])
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def trimmed(value: Any, where: str) -> str:
    """Take a text without space around it (`Util.fixEmptyAndTrim`)."""
    return text(value, where).strip()


def image(value: Any, where: str) -> str:
    """Take an image, which the constructor of `ContainerTemplate` demands (`PodTemplateUtils.validateImage`)."""
    reference = text(value, where)
    if not _IMAGE.fullmatch(reference):
        raise BuildkeepError([f"{where}: {reference!r} is no image; write a reference without spaces"])
    return reference


def flag(value: Any, where: str) -> bool:
    """Take a switch, also as the text `true` or `false`."""
    found = {"true": True, "false": False}.get(str(value).lower())
    if found is None:
        raise BuildkeepError([f"{where}: {value!r} is neither true nor false; write one of them"])
    return found


def number(value: Any, where: str) -> int:
    """Take a whole number, also as a text (`Integer.parseInt`: `0400` is four hundred)."""
    if isinstance(value, bool) or not _INTEGER.fullmatch(str(value).strip()):
        raise BuildkeepError([f"{where}: {value!r} is no whole number; write one"])
    return int(value)


def identity(value: Any, _where: str) -> int | None:
    """Take the number of a user or group (`PodTemplateUtils.parseLong`); what is no number is no value."""
    return parse_long(value)


def symbol(value: Any, where: str, known: Mapping[str, Fields]) -> dict[str, Any]:
    """Take what a symbol makes.

    Args:
        value: `{symbol: {argument: value}}`, or the symbol alone.
        where: what to call it in an error.
        known: the arguments of each symbol that is supported.

    Returns:
        every argument, and the symbol under `symbol`.
    """
    name, given = next(iter(value.items())) if isinstance(value, Mapping) and len(value) == 1 else (value, {})
    if not isinstance(name, str) or name not in known or not isinstance(given or {}, Mapping):
        raise BuildkeepError([f"{where}: {name!r} is not supported; supported: {', '.join(known)}"])
    return {"symbol": name, **fields(given or {}, f"{where}.{name}", known[name])}


def fields(given: Mapping[str, Any], where: str, known: Fields) -> dict[str, Any]:
    """Take every attribute of a table; what the table does not name is refused."""
    names = ", ".join(sorted(known))
    problems = [f"{where}.{key}: not supported; supported: {names}" for key in sorted(set(given) - set(known))]
    result: dict[str, Any] = {}
    for key, (default, reader) in known.items():
        try:
            absent = given.get(key) is None or given[key] == ""
            result[key] = default if absent else reader(given[key], f"{where}.{key}")
            if absent and default is REQUIRED:
                problems.append(f"{where}.{key}: missing; write it")
        except BuildkeepError as error:
            problems.extend(error.problems)
    if problems:
        raise BuildkeepError(problems)
    return result


def items(value: Any, where: str, reader: Reader) -> list[Any]:
    """Take a list, each item by a reader."""
    if not isinstance(value, list | tuple):
        raise BuildkeepError([f"{where}: is no list; write one"])
    result: list[Any] = []
    problems: list[str] = []
    for index, item in enumerate(value):
        try:
            result.append(reader(item, f"{where}[{index}]"))
        except BuildkeepError as error:
            problems.extend(error.problems)
    if problems:
        raise BuildkeepError(problems)
    return result


def record(value: Any, where: str, name: str, known: Fields) -> dict[str, Any]:
    """Take a mapping that may stand alone, as in JCasC, or under its symbol, as in a pipeline."""
    if isinstance(value, Mapping) and set(value) == {name} and isinstance(value[name], Mapping):
        value = value[name]
    if not isinstance(value, Mapping):
        raise BuildkeepError([f"{where}: is no {name}; write its attributes"])
    return fields(value, where, known)


def list_of(reader: Reader) -> Reader:
    """Make a reader of lists."""
    return partial(items, reader=reader)


def one_of(known: Mapping[str, Fields]) -> Reader:
    """Make a reader of what one of these symbols makes."""
    return partial(symbol, known=known)


def made_by(name: str, known: Fields) -> Reader:
    """Make a reader of what this symbol makes."""
    return partial(record, name=name, known=known)


def named(*names: str) -> Reader:
    """Make a reader of a symbol without arguments, which gives its name."""
    return lambda value, where: symbol(value, where, {name: {} for name in names})["symbol"]


class _Required:
    """Stands for the value of an attribute that has to be given."""

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = _Required()

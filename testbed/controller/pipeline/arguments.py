"""A step's arguments: held against its parameters, with one rule for the check before the build and for the build."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from testbed.controller.failures import GroovyError
from testbed.controller.pipeline.table import KINDS, Parameter, Step, Symbol
from testbed.controller.syntax import Closure, Expression, ListLiteral, Literal, MapLiteral, Text
from testbed.controller.values import spell

# What a piece of syntax certainly gives; of anything else the kind is known when it runs.
CERTAIN: tuple[tuple[type, str], ...] = (
    (Text, "text"),
    (ListLiteral, "list"),
    (MapLiteral, "map"),
    (Closure, "closure"),
)


def bind(step: Step | Symbol, args: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """All of a step's arguments by name, with their defaults.

    Raises:
        GroovyError: one is missing, unknown or of another kind.
    """
    given = dict(named)
    if len(args) == 1 and isinstance(args[0], dict) and not named and not _takes_map(step):
        given = {spell(key): value for key, value in args[0].items()}
    elif args and not step.first:
        raise _wrong(f"step '{step.name}' takes a map, or arguments with names")
    elif args:
        given[step.first] = args[0]
    extra = isinstance(step, Step) and step.extra
    for name in given:
        if name not in step.parameters and not extra:
            raise _wrong(f"{step.name}: there is no argument '{name}' (arguments: {', '.join(step.parameters)})")
    values = {}
    for name, parameter in step.parameters.items():
        if given.get(name) is None:
            if parameter.required:
                raise _wrong(f"step '{step.name}' needs its argument '{name}'")
            values[name] = parameter.default
        else:
            values[name] = _fitting(step.name, name, parameter, given[name])
    return {**given, **values} if extra else values


def _takes_map(step: Step | Symbol) -> bool:
    return bool(step.first) and step.parameters[step.first].kind == "any"


def _wrong(words: str) -> GroovyError:
    return GroovyError("java.lang.IllegalArgumentException", words)


def _fitting(step: str, name: str, parameter: Parameter, value: Any) -> Any:
    kind = parameter.kind
    if kind == "text" and isinstance(value, str | int | float) and not isinstance(value, bool):
        value = spell(value)
        if parameter.choices and value.upper() not in parameter.choices:
            raise _wrong(f"{step}, {name}: '{value}' is none of {', '.join(parameter.choices)}")
        return value.upper() if parameter.choices else value
    if kind == "number" and isinstance(value, str) and value.isdigit():
        return int(value)
    fits = {
        "flag": isinstance(value, bool),
        "number": isinstance(value, int) and not isinstance(value, bool),
        "list": isinstance(value, list),
        "any": True,
        "closure": callable(value),
    }
    if not fits.get(kind, False):
        raise _wrong(f"{step}, {name}: write {KINDS[kind]}, not {spell(value)}")
    return value


def wrong_arguments(
    step: Step | Symbol, args: Sequence[Expression], named: Sequence[tuple[str, Expression]], line: int
) -> Iterator[tuple[int, str]]:
    """What is certainly wrong with the arguments of a step, before it runs: (line, sentence)."""
    what = "step" if isinstance(step, Step) else "symbol"
    extra = isinstance(step, Step) and step.extra
    if len(args) > 1 or (args and not step.first and not extra):
        count = "one argument" if step.first else "no argument"
        yield line, f"{what} '{step.name}' takes {count} without a name"
    given = [(step.first, arg) for arg in args[:1] if step.first] + list(named)
    if not named and len(args) == 1 and isinstance(args[0], MapLiteral) and not _takes_map(step):
        given = [("".join(map(str, key.parts)), value) for key, value in args[0].entries if isinstance(key, Text)]
    for name, value in given:
        parameter = step.parameters.get(name)
        if parameter is None:
            if not extra:
                yield (
                    value.pos.line,
                    f"option '{name}' of {what} '{step.name}' is not supported by the stand-in controller"
                    f" (options: {', '.join(step.parameters) or 'none'})",
                )
        elif words := _certainly_wrong(parameter, value):
            yield value.pos.line, f"{what} '{step.name}', {name}: {words}"
    for name, parameter in step.parameters.items():
        if parameter.required and name not in (key for key, _ in given):
            yield line, f"{what} '{step.name}' needs its argument '{name}'"


def _certainly_wrong(parameter: Parameter, value: Expression) -> str:
    kind = next((kind for syntax, kind in CERTAIN if isinstance(value, syntax)), "")
    if isinstance(value, Literal):
        kind = "flag" if isinstance(value.value, bool) else "number" if value.value is not None else ""
    text = "".join(map(str, value.parts)) if isinstance(value, Text) else ""
    whole = isinstance(value, Text) and all(isinstance(part, str) for part in value.parts)
    if parameter.choices and whole and text.upper() not in parameter.choices:
        return f"'{text}' is none of {', '.join(parameter.choices)}"
    if not kind or parameter.kind in ("any", kind):
        return ""
    if (parameter.kind, kind) == ("number", "text") and (not whole or text.isdigit()):
        return ""
    if (parameter.kind, kind) == ("text", "number"):
        return ""
    return f"write {KINDS[parameter.kind]}"

"""A small interpreter of the part of JSON Schema (draft-07) that `values.schema.json` uses.

One schema holds both the chart's values and the inventory's tenants. Helm reads it with its own library; here it is
read without one, so that a run needs no further package and each problem can carry the remedy that the schema states
in `x-remedy`. A keyword that is not interpreted is an error, never silently ignored.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_ANNOTATIONS = frozenset(
    {"$schema", "$id", "$comment", "title", "description", "default", "examples", "definitions", "x-remedy", "format"}
)
_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda v: isinstance(v, Mapping),
    "array": lambda v: isinstance(v, list | tuple),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "integer": lambda v: (isinstance(v, int) and not isinstance(v, bool)) or (isinstance(v, float) and v.is_integer()),
}
_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "null": "empty",
    "number": "a number",
    "integer": "a whole number",
}


@dataclass(frozen=True)
class Problem:
    """One place where a value breaks its schema.

    Attributes:
        path: field within the value, such as `images[0]` or `limits.cpu`; empty for the value itself.
        text: what is wrong, naming the value.
        remedy: what to write instead; may be empty.
    """

    path: str
    text: str
    remedy: str

    def __str__(self) -> str:
        """Write the problem as one sentence: field, fault, remedy."""
        return ": ".join(filter(None, (self.path, self.text))) + (f". {self.remedy}" if self.remedy else "")


Schema = Mapping[str, Any]


def check(value: Any, schema: Schema, root: Schema | None = None, path: str = "") -> list[Problem]:
    """Hold a value against a schema and return every problem; none means that it is valid.

    Args:
        value: what JSON can hold: mappings, lists, text, numbers, booleans, None.
        schema: the schema, or a part of one.
        root: the whole schema, in which `$ref` is looked up; the schema itself where omitted.
        path: field name put before each problem's path.

    Raises:
        ValueError: the schema uses a keyword that this interpreter does not know.
    """
    root = schema if root is None else root
    if "$ref" in schema:  # draft-07: whatever stands beside a reference is ignored
        return check(value, _resolve(schema["$ref"], root), root, path)
    unknown = schema.keys() - _KEYWORDS.keys() - _ANNOTATIONS
    if unknown:
        raise ValueError(f"schema keywords that are not interpreted: {', '.join(sorted(unknown))}")
    found: list[Problem] = []
    for keyword, rule in _KEYWORDS.items():
        if keyword in schema:
            found.extend(rule(value, schema, root, path))
            if keyword == "type" and found:  # of another type, nothing else that could be said would help
                break
    return found


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean "x"?)` for the known word that is nearest, or nothing."""
    match = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f' (did you mean "{match[0]}"?)' if match else ""


def _resolve(reference: str, root: Schema) -> Schema:
    if not reference.startswith("#/"):
        raise ValueError(f"only references within the schema are interpreted, not {reference}")
    part: Any = root
    for step in reference[2:].split("/"):
        part = part[step]
    return part  # type: ignore[no-any-return]


def _show(value: Any) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."


def _one(path: str, text: str, schema: Schema) -> Iterator[Problem]:
    yield Problem(path, text, schema.get("x-remedy") or schema.get("description", ""))


def _canonical(value: Any) -> Any:
    """Make values comparable as JSON compares them: 1 equals 1.0, but neither equals true."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, Mapping):
        return ("object", tuple(sorted((k, _canonical(v)) for k, v in value.items())))
    if isinstance(value, list | tuple):
        return ("array", tuple(map(_canonical, value)))
    return value


def _type(value: Any, schema: Schema, root: Schema, path: str) -> Iterator[Problem]:
    wanted = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if not any(_TYPES[name](value) for name in wanted):
        yield from _one(path, f"{_show(value)} is not {' or '.join(_WORDS[name] for name in wanted)}", schema)


def _required(value: Any, schema: Schema, root: Schema, path: str) -> Iterator[Problem]:
    for key in schema["required"] if isinstance(value, Mapping) else ():
        if key not in value:
            part = schema.get("properties", {}).get(key, {})
            yield from _one(_join(path, key), "is missing", _resolve(part["$ref"], root) if "$ref" in part else part)


def _properties(value: Any, schema: Schema, root: Schema, path: str) -> Iterator[Problem]:
    for key, part in schema["properties"].items() if isinstance(value, Mapping) else ():
        if key in value:
            yield from check(value[key], part, root, _join(path, key))


def _additional(value: Any, schema: Schema, root: Schema, path: str) -> Iterator[Problem]:
    rule, known = schema["additionalProperties"], schema.get("properties", {})
    for key in [key for key in value if key not in known] if isinstance(value, Mapping) and rule is not True else ():
        if rule is False:
            text = f"unknown key{nearest(str(key), known)}"
            yield Problem(_join(path, str(key)), text, f"Known keys: {', '.join(known)}.")
        else:
            yield from check(value[key], rule, root, _join(path, str(key)))


def _items(value: Any, schema: Schema, root: Schema, path: str) -> Iterator[Problem]:
    for place, item in enumerate(value) if isinstance(value, list | tuple) else ():
        yield from check(item, schema["items"], root, f"{path}[{place}]")


def _unique(value: Any, schema: Schema, root: Schema, path: str) -> Iterator[Problem]:
    if not schema["uniqueItems"] or not isinstance(value, list | tuple):
        return
    seen: list[Any] = []
    for item in value:
        if _canonical(item) in seen:
            yield Problem(path, f"{_show(item)} is listed more than once", "List it once.")
        seen.append(_canonical(item))


def _enum(value: Any, schema: Schema, root: Schema, path: str) -> Iterator[Problem]:
    if _canonical(value) not in [_canonical(choice) for choice in schema["enum"]]:
        hint = nearest(value, [c for c in schema["enum"] if isinstance(c, str)]) if isinstance(value, str) else ""
        choices = ", ".join(c if isinstance(c, str) else _show(c) for c in schema["enum"])
        yield from _one(path, f"{_show(value)} is not one of: {choices}{hint}", schema)


def _not(value: Any, schema: Schema, root: Schema, path: str) -> Iterator[Problem]:
    if not check(value, schema["not"], root, path):
        yield from _one(path, f"{_show(value)} is not accepted", schema)


def _ecma(pattern: str) -> str:
    """Let `$` mean the end, as in ECMA 262 and Go; Python's also stands before a last line break."""
    return re.sub(r"(?<!\\)\$(?=$|[|)])", r"\\Z", pattern)


_COMPARISONS: dict[str, tuple[str, Callable[[Any, Any], bool], str]] = {
    "pattern": ("string", lambda v, limit: not re.search(_ecma(limit), v), "{value} is not of the right form"),
    "minLength": ("string", lambda v, limit: len(v) < limit, "{value} is shorter than {limit} characters"),
    "maxLength": ("string", lambda v, limit: len(v) > limit, "{value} is longer than {limit} characters"),
    "minimum": ("number", lambda v, limit: v < limit, "{value} is less than {limit}"),
    "maximum": ("number", lambda v, limit: v > limit, "{value} is more than {limit}"),
    "minItems": ("array", lambda v, limit: len(v) < limit, "needs {limit} or more entries"),
    "maxItems": ("array", lambda v, limit: len(v) > limit, "has more than {limit} entries"),
    "minProperties": ("object", lambda v, limit: len(v) < limit, "needs {limit} or more keys"),
    "maxProperties": ("object", lambda v, limit: len(v) > limit, "has more than {limit} keys"),
}


def _comparison(keyword: str) -> Callable[..., Iterator[Problem]]:
    kind, broken, text = _COMPARISONS[keyword]

    def rule(value: Any, schema: Schema, root: Schema, path: str) -> Iterator[Problem]:
        if _TYPES[kind](value) and broken(value, schema[keyword]):
            yield from _one(path, text.format(value=_show(value), limit=schema[keyword]), schema)

    return rule


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


_Rule = Callable[[Any, Schema, Schema, str], Iterator[Problem]]
_KEYWORDS: dict[str, _Rule] = {
    "type": _type,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional,
    "items": _items,
    "uniqueItems": _unique,
    "enum": _enum,
    "not": _not,
    **{keyword: _comparison(keyword) for keyword in _COMPARISONS},
}

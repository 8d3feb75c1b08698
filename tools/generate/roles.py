"""Role READMEs, from `meta/argument_specs.yml` and `defaults/main.yml`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tools.generate.markdown import code, sentence, table

Options = Mapping[str, Mapping[str, Any]]
# A role's default that passes a variable of the inventory on, and what holds without it.
PASSED_ON = re.compile(r"^\{\{ *(?P<name>buildkeep_\w+) *\| *default\((?P<value>.*)\) *\}\}$")


def load(path: Path) -> Any:
    """A YAML file's content; an empty mapping for an empty file."""
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def defaults(role: Path) -> dict[str, Any]:
    """The role's default variables; none when it has no such file."""
    path = role / "defaults" / "main.yml"
    return dict(load(path)) if path.is_file() else {}


def specs(role: Path) -> dict[str, Mapping[str, Any]]:
    """The role's entry points, by name."""
    return dict(load(role / "meta" / "argument_specs.yml")["argument_specs"])


def type_words(option: Mapping[str, Any]) -> str:
    """The type of an option in words, such as `list of dict`, with its choices."""
    kind = option.get("type", "str")
    words = f"{kind} of {option['elements']}" if "elements" in option else kind
    choices = option.get("choices")
    return f"{words}: {', '.join(str(choice) for choice in choices)}" if choices else words


def default_words(option: Mapping[str, Any], value: Any) -> str:
    """A default in words: the inventory variable that it comes from, and what holds without that.

    Args:
        option: the option, for `required`.
        value: the role's default.
    """
    if option.get("required"):
        return "required"
    match = PASSED_ON.match(value) if isinstance(value, str) else None
    return f"`{match['name']}`, else {code(match['value'])}" if match else code(value)


def rows(options: Options, values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Table rows of options and, below each, of what is inside it.

    Args:
        options: as in an argument spec.
        values: the role's defaults, which win over a `default` in the spec.
        prefix: the dotted path of the options.
    """
    for name, option in options.items():
        path = f"{prefix}{name}"
        default = default_words(option, values.get(path, option.get("default")))
        yield f"`{path}`", type_words(option), default, sentence(option.get("description", ""))
        inner = f"{path}[]." if option.get("type") == "list" else f"{path}."
        yield from rows(option.get("options") or {}, values, inner)


def readme(role: Path) -> str:
    """The generated part of a role's README."""
    values = defaults(role)
    parts = []
    for entry, spec in specs(role).items():
        if entry != "main":
            parts.append(f"## Entry point `{entry}`")
        parts.append(f"{sentence(spec['short_description']).rstrip('.')}.")
        description = spec.get("description", ())
        parts += [sentence(text) for text in ([description] if isinstance(description, str) else description)]
        found = list(rows(spec.get("options") or {}, values))
        parts.append(table(("variable", "type", "default", "meaning"), found) if found else "It takes no variables.")
    return "\n\n".join(parts)

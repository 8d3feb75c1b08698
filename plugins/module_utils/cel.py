"""Pieces of CEL text. Only what Kubernetes 1.30 understands: optionals, strings, `matches`; no params."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import to_cel as literal

__all__ = ["MESSAGE_BYTES", "any_of", "cut", "literal", "mixed", "one_line"]

# An API server drops the text of a messageExpression beyond 5 KiB (apiserver, pkg/apis/cel/config.go).
MESSAGE_BYTES = 4900


def any_of(conditions: Iterable[str]) -> str:
    """Join boolean expressions by `||`; `false` for none."""
    return " || ".join(f"({condition})" for condition in conditions) or "false"


def mixed(fields: Mapping[str, Any]) -> str:
    """Write a map literal whose values differ in type, which CEL in Kubernetes takes only as `dyn`.

    It is a constant nevertheless: the API server works it out when it compiles (cel-go, interpreter/decorators.go).
    """
    return "{" + ", ".join(f"{literal(key)}: dyn({literal(value)})" for key, value in fields.items()) + "}"


def one_line(text: str) -> str:
    """Write a text expression so that an API server takes it as a message: no line break, at most MESSAGE_BYTES bytes.

    Characters outside ASCII take up to four bytes, and CEL cuts by characters; where there are any, a quarter is kept.

    Args:
        text: a variable or another cheap expression, for it is repeated.
    """
    size = f"size(bytes({text})) == size({text}) ? {MESSAGE_BYTES - 4} : {MESSAGE_BYTES // 4}"
    return f"(size(bytes({text})) <= {MESSAGE_BYTES} ? {text} : {cut(text, size)}).replace('\\n', ' ')"


def cut(text: str, size: int | str) -> str:
    """Write a text expression that is at most so many characters long, and then ends in ` ...`."""
    return f"(size({text}) > ({size}) ? {text}.substring(0, {size}) + ' ...' : {text})"

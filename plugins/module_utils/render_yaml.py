"""Objects as YAML of one form only, whatever library, machine or locale: keys sorted, nothing folded.

PyYAML's two emitters fold and quote differently, from each other and from version to version, so it reads here and
never writes. Words that any YAML reader could take for something else are quoted as JSON, which YAML 1.2 contains.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import to_json

_STEP = "  "
# Begins with a letter, so it is no number; the words that YAML 1.1 takes for something else are listed.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
# What a literal block can hold as it is: no other line break, no control character, nothing that YAML refuses.
_BLOCK = re.compile("[\\n -~\\u00a0-\\u2027\\u2030-\\ud7ff\\ue000-\\ufefe\\uff00-\\ufffd]+")


def to_yaml(value: Any) -> str:
    """Write a value of JSON's kinds as a YAML document that ends in a line break."""
    if isinstance(value, (Mapping, list, tuple)) and value:
        return "\n".join(_lines(value)) + "\n"
    return _scalar(value) + "\n"


def _lines(value: Any) -> Iterator[str]:
    """Lines of a mapping or list that is not empty."""
    if isinstance(value, Mapping):
        for key in sorted(value):
            yield from _entry(f"{_quoted(key)}:", value[key])
        return
    for item in value:
        yield from _item(item)


def _entry(head: str, value: Any) -> Iterator[str]:
    if isinstance(value, (Mapping, list, tuple)) and value:
        yield head
        indent = _STEP if isinstance(value, Mapping) else ""
        for line in _lines(value):
            yield indent + line if line else line
    elif isinstance(value, str) and _is_block(value):
        yield from _block(head, value, _STEP)
    else:
        yield f"{head} {_scalar(value)}"


def _item(value: Any) -> Iterator[str]:
    if isinstance(value, (Mapping, list, tuple)) and value:
        first, *rest = _lines(value)
        yield f"- {first}"
        for line in rest:
            yield _STEP + line if line else line
    elif isinstance(value, str) and _is_block(value):
        yield from _block("-", value, _STEP)
    else:
        yield f"- {_scalar(value)}"


def _block(head: str, text: str, indent: str) -> Iterator[str]:
    body = text.removesuffix("\n")
    yield f"{head} |" + ("" if text.endswith("\n") else "-")
    for line in body.split("\n"):
        yield indent + line if line else line


def _is_block(text: str) -> bool:
    """Whether a text of several lines can stand as it is: it begins with ink and ends with at most one break."""
    return (
        "\n" in text.removesuffix("\n")
        and not text[0].isspace()
        and not text.endswith("\n\n")
        and _BLOCK.fullmatch(text) is not None
        and not any(line.isspace() for line in text.split("\n"))
    )


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, Sequence):
        return "[]"
    return to_json(value)


def _quoted(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return to_json(text)

"""Answers of the API server, decoded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """A successful answer: HTTP status, decoded body, and the texts of its Warning headers."""

    status: int
    body: dict[str, Any]
    warnings: tuple[str, ...] = ()


def decode(data: bytes) -> dict[str, Any]:
    """The JSON object of a body; {} for an empty one. Raises ValueError for anything else."""
    body = json.loads(data) if data else {}
    if not isinstance(body, dict):
        raise ValueError("the answer is no JSON object")
    return body


def status(data: bytes) -> dict[str, Any]:
    """The Status object of an error, also where a proxy in between answered with text."""
    try:
        return decode(data)
    except ValueError:
        return {"message": data.decode(errors="replace").strip()[:500]}


def warning_text(header: str) -> str:
    """The text of a Warning header such as `299 - "text"` (KEP-1693)."""
    _, _, quoted = header.partition('"')
    return quoted.rpartition('"')[0].replace('\\"', '"').replace("\\\\", "\\") or header

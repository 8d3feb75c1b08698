"""Markdown pieces: tables, and the part of a page that is generated."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

BEGIN = "<!-- generated: begin (python -m tools.generate) -->"
END = "<!-- generated: end -->"


def cell(value: object) -> str:
    """One table cell: a single line, in which a bar does not end the cell."""
    return " ".join(str(value).split()).replace("|", "\\|")


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell(value) for value in line)} |" for line in lines)


def code(value: Any) -> str:
    """A value as inline code, in YAML's flow style; nothing for None."""
    if value is None:
        return ""
    return f"`{value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)}`"


def sentence(text: str | Sequence[str]) -> str:
    """Text of a spec, which may be a list of paragraphs, as one line."""
    parts = [text] if isinstance(text, str) else text
    return " ".join(" ".join(part.split()) for part in parts)


def replace_generated(page: str, generated: str) -> str:
    """Puts text between the markers of a page; prose outside of them stays.

    Args:
        page: the page as it is.
        generated: the new text, without the markers.

    Raises:
        ValueError: the page does not hold exactly one pair of markers.
    """
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        raise ValueError(f"wants exactly one line '{BEGIN}' and one '{END}'")
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n\n{generated.strip()}\n\n{END}{rest.split(END)[1]}"


def new_page(title: str) -> str:
    """A page that has nothing but a title and the markers."""
    return f"# {title}\n\n{BEGIN}\n{END}\n"

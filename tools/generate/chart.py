"""The chart README's table of values, from the comments in `values.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from tools.generate.markdown import code, table


def comment_above(lines: Sequence[str], line: int) -> str:
    """The comment that ends right above a line, as one sentence.

    Args:
        lines: the file.
        line: the key's line, counted from 0.
    """
    first = line
    while first and lines[first - 1].strip().startswith("#"):
        first -= 1
    words = [text.strip().lstrip("#").strip().removeprefix("-- ") for text in lines[first:line]]
    return " ".join(word for word in words if word)


def entries(node: yaml.Node, lines: Sequence[str], path: str = "") -> Iterator[tuple[str, str, str]]:
    """Rows (value, default, meaning): each leaf, and each mapping that has a comment of its own."""
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        name = f"{path}{key.value}"
        inner = isinstance(value, yaml.MappingNode) and bool(value.value)
        meaning = comment_above(lines, key.start_mark.line)
        if not inner:
            yield f"`{name}`", code(yaml.SafeLoader("").construct_object(value, deep=True)), meaning
            continue
        if meaning:
            yield f"`{name}`", "", meaning
        yield from entries(value, lines, f"{name}.")


def values_table(chart: Path) -> str:
    """The table of all values of a chart."""
    text = (chart / "values.yaml").read_text(encoding="utf-8")
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    found = list(entries(root, text.splitlines())) if root else []
    return table(("value", "default", "meaning"), found)

"""What is written reads back as it was, in either of PyYAML's readers, and in one form only."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.render_yaml import to_yaml
from hypothesis import example, given
from hypothesis import strategies as st

_TEXT = st.text(max_size=20) | st.text(alphabet="a \n\t:#-'\"|{}[]&*!%@`yn0.", max_size=20)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=12,
)
READERS: list[type[yaml.SafeLoader] | type[yaml.CSafeLoader]] = [
    yaml.SafeLoader,
    *([yaml.CSafeLoader] if yaml.__with_libyaml__ else []),
]


@given(_VALUES)
@example({"a": ["b\nc", {"d": "e\n"}, [["f\n\ng"], []], {}], "on": "y", "x/y": None})
@example(
    {"text": " leading\nblank", "breaks": "a\n\n", "tab": "a\tb\nc", "space": "a\n \nb", "separator": "a\nb\u2028c"}
)
@example(
    ["- a", "a: b", "", "~", "1e3", "0x1", "1_000", ".5", "null", "=", "<<", "2001-01-01", "a\rb\nc", "\ufeffa\nb"]
)
def test_it_reads_back_as_it_was(value: Any) -> None:
    for reader in READERS:
        assert yaml.load(to_yaml(value), Loader=reader) == value  # noqa: S506 - both are safe ones


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": "x"}, "a: x\nb: 1\n"),
        ({"a": ["x", {"c": 1, "b": []}]}, "a:\n- x\n- b: []\n  c: 1\n"),
        ({"a": "b\nc\n"}, "a: |\n  b\n  c\n"),
        ({"a": ["b\nc"]}, "a:\n- |-\n  b\n  c\n"),
        ({"a": {"yes": "no", "x": "a b", "y": None}}, 'a:\n  x: "a b"\n  "y": null\n  "yes": "no"\n'),
        ({}, "{}\n"),
    ],
)  # fmt: skip
def test_the_form(value: Any, text: str) -> None:
    assert to_yaml(value) == text


def test_long_texts_are_not_folded() -> None:
    text = "word " * 500
    assert to_yaml({"a": text}).count("\n") == 1


def test_the_order_of_keys_does_not_show() -> None:
    assert to_yaml({"a": 1, "b": {"d": 1, "c": 2}}) == to_yaml({"b": {"c": 2, "d": 1}, "a": 1})

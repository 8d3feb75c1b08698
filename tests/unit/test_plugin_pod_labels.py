"""Label expressions as Jenkins reads them."""

from __future__ import annotations

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod import label_matches

# (what a job asks for, what a template offers, whether it does)
EXPRESSIONS = [
    ("linux", "linux maven", True),
    ("windows", "linux maven", False),
    ("linux && maven", "linux maven", True),
    ("linux&&maven", "linux", False),
    ("linux || windows", "windows", True),
    ("!linux", "windows", True),
    ("!linux", "linux", False),
    ("linux && !arm", "linux", True),
    ("linux && (arm || x86)", "linux x86", True),
    ("linux && (arm || x86)", "linux", False),
    # `&&` is stronger than `||`, that than `->`, that than `<->`; the weaker ones read from left to right.
    ("a || b && c", "a", True),
    ("(a || b) && c", "a", False),
    ("a -> b", "", True),
    ("a -> b", "a", False),
    ("a->b", "a b", True),
    ("a || b -> c", "a", False),
    ("a <-> b", "", True),
    ("a <-> b", "a", False),
    ("a <-> b <-> c", "c", True),
    ("a <-> b -> c", "a", True),
    ('"two words"', '"two words" x', True),
    ('linux && "two words"', 'linux "two words"', True),
    ("two words", "two words", False),
    ("two words", '"two words"', True),
    ("'linux'", "linux", True),
    ('"a" && "b"', "a b", False),  # the outer quotes go first
    ('("a" && "b")', "a b", True),
    ("my-label", "my-label", True),
    ("my.label/x:1=2,3", "my.label/x:1=2,3", True),
    ("a\\ b", "a", False),
    # What is no expression is one label of that name.
    ("linux &&", "linux", False),
    ("linux & x", '"linux & x"', True),
    ("!!linux", "linux", False),
    ("a -> b -> c", "a b c", False),
    ("(a", "a", False),
    ("", "", False),
    # Words of a template: quotes keep spaces, a backslash keeps a quote.
    ("b", "a\tb\nc", True),
    ("ab", "a'b'", True),
    ('"it\'s"', "it\\'s", True),
]


@pytest.mark.parametrize(("expression", "offered", "satisfied"), EXPRESSIONS)
def test_an_expression(expression: str, offered: str, satisfied: bool) -> None:
    assert label_matches(expression, offered) is satisfied

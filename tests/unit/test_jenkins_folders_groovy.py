"""Whatever a name or URL holds, a generated script stays the same calls with other texts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_folders_groovy import block, call, literal, script
from hypothesis import example, given, settings
from hypothesis import strategies as st

# Texts that a reader of Groovy 2.4 or of Configuration as Code could take for something else.
HOSTILE = (
    *("'", "''", "'''", '"', '"""', "\\", "\\'", "\\\\'", "\\u0027", "\\u005c'", "/*", "//", "*/", "/~"),
    *("${", "^${", "^^${x}", "${chart-admin-password}", "$", "$$", "${${a}}", "${a:-b}", "\n", "\r\n", "\t'"),
    *("') } ; jenkins.model.Jenkins.get().doSafeExit(null) ; folder('x", "\n}\njobs:\n- script: x", "{{ .Values }}"),
)
WORDS = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z"))))
TEXTS = st.lists(WORDS, max_size=5).map("".join)
_STRING = re.compile(r"'(?:[^'\\\n\r]|\\.)*'")
_UNESCAPED = {"\\n": "\n", "\\r": "\r", "\\t": "\t", "\\'": "'", "\\\\": "\\"}


def revealed(text: str) -> str:
    """What Configuration as Code makes of a scalar where no secret is known: two passes of StringSubstitutor."""
    assert not re.search(r"(?<!\^)\$\{", text), f"a secret of the controller: {text}"
    return text.replace("^${", "${")


def read(source: str) -> tuple[list[str], list[str]]:
    """Part a script into what stands outside of single-quoted literals, and what these hold."""
    # Before anything else Groovy 2.4 decodes \uXXXX wherever no backslash precedes it.
    assert not re.search(r"(?<!\\)(\\\\)*\\u", source), "a character from nowhere"
    values = [re.sub(r"\\.", lambda m: _UNESCAPED[m[0]], one[1:-1]) for one in _STRING.findall(source)]
    return _STRING.split(source), values


@settings(max_examples=60, deadline=None)
@given(TEXTS)
@example("\\u0027")
@example("^${x}")
def test_a_text_is_one_literal_and_reads_as_it_was(text: str) -> None:
    outside, values = read(revealed(literal(text)))
    assert outside == ["", ""]
    assert values == [text]


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, min_size=3, max_size=3))
def test_a_script_is_the_same_calls_whatever_its_texts_are(texts: list[str]) -> None:
    def written(one: Any, two: Any, three: Any) -> str:
        return script([block("folder", call("description", one), call("clouds", [two, three]), of=(two,))])

    outside, values = read(revealed(written(*texts)))
    assert outside == read(written("a", "b", "c"))[0]
    assert values == [texts[1], texts[0], texts[1], texts[2]]


def test_what_cannot_be_written_is_refused_by_its_number() -> None:
    for text, number in (("a\x00b", "U+0000"), ("\u2028", "U+2028"), ("\ud800", "U+D800"), ("\x1b[1m", "U+001B")):
        with pytest.raises(BuildkeepError) as caught:
            literal(text)
        assert number in caught.value.problems[0]


def test_only_plain_values_are_literals() -> None:
    assert [literal(value) for value in (True, False, 3, ["a", 1])] == ["true", "false", "3", "['a', 1]"]
    with pytest.raises(TypeError):
        literal({"a": 1})

"""What the plugin's pods owe to Java; each order and text was taken from a run of OpenJDK 17 and Ant 1.10."""

from __future__ import annotations

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_java import (
    HashMap,
    in_hash_order,
    normalize_path,
    parse_long,
    split_command,
)

AGENT = (
    "JENKINS_SECRET",
    "JENKINS_NAME",
    "JENKINS_AGENT_NAME",
    "JENKINS_AGENT_WORKDIR",
    "JENKINS_URL",
    "REMOTING_OPTS",
)
AGENT_ORDER = "JENKINS_SECRET JENKINS_AGENT_NAME REMOTING_OPTS JENKINS_NAME JENKINS_AGENT_WORKDIR JENKINS_URL"
MORE = ("A", "FOO", "BAR", "BAZ", "PATH", "GOPATH", "HOME")
MORE_ORDER = (
    "PATH JENKINS_SECRET A FOO GOPATH JENKINS_AGENT_WORKDIR JENKINS_AGENT_NAME BAR REMOTING_OPTS BAZ JENKINS_NAME"
    " JENKINS_URL HOME"
)


def test_the_order_of_a_table() -> None:
    assert list(in_hash_order((key, "") for key in AGENT)) == AGENT_ORDER.split()


def test_a_table_that_grows() -> None:
    table: HashMap[str] = HashMap(in_hash_order((key, "") for key in AGENT))
    for key in MORE:
        table.put(key, "")
    assert list(table.ordered()) == MORE_ORDER.split()


def test_a_table_that_begins_small() -> None:
    table: HashMap[str] = HashMap({"JENKINS_SECRET": ""})
    for key in ("FOO", "BAR", "BAZ", "x1", "x2", "y9"):
        table.put(key, "")
    assert list(table.ordered()) == ["y9", "JENKINS_SECRET", "BAR", "FOO", "x1", "x2", "BAZ"]


PATHS = [("/../a", "/a"), ("//a//b/", "/a/b"), ("a/../../b", "../b"), ("/a/./b/..", "/a"), ("", ""), ("/", "/"),
         ("/a\\b", "/a/b"), ("./x", "x"), ("..", ".."), ("/a/../..", "/"), ("a/..", ""), ("/..//x", "/x")]  # fmt: skip


@pytest.mark.parametrize(("path", "normal"), PATHS)
def test_a_path(path: str, normal: str) -> None:
    assert normalize_path(path) == normal


COMMANDS = [("a b", ["a", "b"]), ("a 'b c' d", ["a", "b c", "d"]), ('a"b c"d', ["ab cd"]), ("a\\ b", ["a\\", "b"]),
            ('""', [""]), ("a '' b", ["a", "", "b"]), ("a 'b \"c\" d'", ["a", 'b "c" d']), ("  a  ", ["a"]),
            ("x'y'z", ["xyz"]), ("a\tb\nc", ["a\tb\nc"])]  # fmt: skip


@pytest.mark.parametrize(("line", "words"), COMMANDS)
def test_a_command(line: str, words: list[str]) -> None:
    assert split_command(line, "command") == words


def test_a_quote_that_does_not_end() -> None:
    with pytest.raises(BuildkeepError, match="command: a quote does not end"):
        split_command("a 'b", "command")


@pytest.mark.parametrize(
    ("text", "number"),
    [(None, None), ("", None), (" 7 ", 7), ("+7", 7), ("-7", -7), ("07", 7), ("7.0", None), ("x", None), ("1_0", None),
     (str(2**63 - 1), 2**63 - 1), (str(2**63), None)],
)  # fmt: skip
def test_a_number(text: str | None, number: int | None) -> None:
    assert parse_long(text) == number

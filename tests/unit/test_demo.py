"""The demonstration stops at the first act that fails, and shows plain text where there is no terminal."""

from __future__ import annotations

import pytest

from testbed import demo
from testbed.demo import Screen
from testbed.errors import TestbedError

PLAIN, COLOURED = Screen(False, 80), Screen(True, 80)


def test_plain_output_has_no_escape_sequences(capsys: pytest.CaptureFixture[str]) -> None:
    PLAIN.title("[1/4]", "a cluster")
    PLAIN.quote("line\n")
    print(demo.last_screen(PLAIN, 61.4))
    text = capsys.readouterr().out
    assert text.isascii()
    assert "\033" not in text
    assert "[1/4] a cluster" in text
    assert "| line\n" in text


def test_a_terminal_gets_colours(capsys: pytest.CaptureFixture[str]) -> None:
    COLOURED.title("[1/4]", "a cluster")
    assert "\033[1m[1/4] a cluster" in capsys.readouterr().out


def test_the_last_screen_says_what_runs_how_to_look_and_how_to_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDKEEP_CLUSTER", "elsewhere")
    text = demo.last_screen(PLAIN, 61.4)
    for words in (
        "Done in 61 s",
        "`elsewhere` is running",
        ".buildkeep/elsewhere/kubeconfig",
        "BUILDKEEP_CLUSTER=elsewhere make down",
        "testbed.attacks",
    ):
        assert words in text


def test_commands_find_the_locked_tools_and_the_same_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDKEEP_CLUSTER", "elsewhere")
    env = demo.environment({"PATH": "/bin"}, PLAIN)
    assert env["PATH"].endswith(":/bin")
    assert env["BUILDKEEP_CLUSTER"] == "elsewhere"
    assert env["ANSIBLE_NOCOLOR"] == "1"


def test_it_stops_at_the_act_that_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    played: list[str] = []

    def fails(screen: Screen) -> None:
        played.append("second")
        raise TestbedError("it rained", remedy="Wait for the sun.")

    acts = (
        ("one", lambda screen: played.append("first")),
        ("two", fails),
        ("three", lambda screen: played.append("third")),
    )
    monkeypatch.setattr(demo, "ACTS", acts)
    assert demo.main() == 1
    assert played == ["first", "second"]
    assert "it rained" in capsys.readouterr().err


def test_a_command_that_fails_ends_with_its_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(TestbedError, match="exit code 3") as error:
        demo.run(PLAIN, ["sh", "-c", "echo seen; exit 3"], "Look again.")
    assert "Look again." in str(error.value)
    assert "| seen" in capsys.readouterr().out

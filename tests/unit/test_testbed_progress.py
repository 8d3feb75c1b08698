"""What the user of the testbed sees: lines of progress, and errors with the log's end and the remedy."""

from __future__ import annotations

import argparse
import io
import os
import shutil
import sys
from pathlib import Path

import pytest

from testbed import __main__ as cli
from testbed import progress
from testbed.errors import TestbedError
from testbed.progress import Progress, spell


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDKEEP_CACHE", str(tmp_path))


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (125, "2 min 05 s")])
def test_durations_are_spelled_for_people(seconds: float, text: str) -> None:
    assert spell(seconds) == text


def test_plain_lines_tell_what_place_and_how_long() -> None:
    out = io.StringIO()
    shown = Progress(2, out)
    with shown.step("compile kubelet", 70):
        pass
    with shown.step("pack the node", 5):
        pass
    assert out.getvalue().splitlines() == [
        "[1/2] compile kubelet ... (about 1 min 10 s)",
        "[1/2] compile kubelet: done in 0 s",
        "[2/2] pack the node ... (about 5 s)",
        "[2/2] pack the node: done in 0 s",
    ]


@pytest.mark.parametrize("stream", [io.StringIO, _Terminal])
def test_a_long_step_says_that_it_goes_on(stream: type[io.StringIO], monkeypatch: pytest.MonkeyPatch) -> None:
    out = stream()
    monkeypatch.setattr(progress, "PLAIN_INTERVAL", 0.05)
    monkeypatch.setattr(progress, "TERMINAL_INTERVAL", 0.05)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((40, 20)))
    with Progress(1, out).step("compile kubelet", 70) as step:
        step.run([sys.executable, "-c", "import time; time.sleep(0.5)"])
    status = "[1/1] compile kubelet: 0 s of about 1 min 10 s"
    assert (status if stream is io.StringIO else f"\r\033[K{status[:39]}") in out.getvalue()


def test_a_command_that_fails_shows_the_end_of_its_log() -> None:
    script = "print('answer'); [print('line', n) for n in range(50)]; raise SystemExit(3)"
    with (
        pytest.raises(TestbedError, match="exit code 3") as caught,
        Progress(1, io.StringIO()).step("try it", 1, "Do this.") as step,
    ):
        step.run([sys.executable, "-c", script])
    lines = str(caught.value).splitlines()
    assert lines[0] == f"try it failed: {Path(sys.executable).name} ended with exit code 3"
    assert lines[1:31] == [f"    line {n}" for n in range(20, 50)]
    assert lines[31:] == [f"Log: {step.log}", "Remedy: Do this."]


def test_commands_get_input_and_environment_and_give_output() -> None:
    with Progress(1, io.StringIO()).step("try", 1) as step:
        script = "import os, sys; print(os.environ['X'] + sys.stdin.read())"
        assert step.run([sys.executable, "-c", script], env={"X": "a"}, feed="b") == "ab\n"
        with pytest.raises(TestbedError, match="no-such-command is missing"):
            step.run(["no-such-command"])
        with pytest.raises(TestbedError, match="did not finish within 0 s"):
            step.run([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.2)


def test_a_command_that_cannot_be_started_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    held = tmp_path / "held"
    shutil.copy2(sys.executable, held)
    with held.open("ab"), Progress(1, io.StringIO()).step("count", 1) as step:
        with pytest.raises(TestbedError, match="held did not start: Text file busy") as told:
            step.run([held])
        assert "run the same command again" in told.value.remedy


def test_the_command_line_turns_errors_into_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(arguments: argparse.Namespace) -> int:
        raise TestbedError("It broke.", remedy="Mend it.")

    monkeypatch.setitem(cli.COMMANDS, "status", ("", fail))
    assert cli.run(["status"]) == 1
    assert capsys.readouterr().err == "\nIt broke.\nRemedy: Mend it.\n"


def test_an_unknown_tool_is_refused_with_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.run(["tool", "no-such-tool"])
    assert "kube-apiserver" in capsys.readouterr().err

"""The layer runner: order, first failure, clean-up, and what it prints."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from testbed import catalog
from tools import layers
from tools.processes import Background, environment, run_all, run_one, stop

ENV = environment(os.environ)


def python(code: str) -> tuple[str, ...]:
    """A command that runs some Python."""
    return (sys.executable, "-c", code)


@pytest.fixture
def cleaned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replaces the clean-up by a note that it ran."""
    notes: list[str] = []
    monkeypatch.setattr(layers, "clean_up", lambda env: notes.append("cleaned"))
    return notes


def fake_layers(monkeypatch: pytest.MonkeyPatch, **codes: str) -> None:
    """Replaces the layers by commands that run these pieces of Python."""
    made = tuple(layers.Layer(name, (layers.fixed(*python(code)),)) for name, code in codes.items())
    monkeypatch.setattr(layers, "LAYERS", made)


def test_output_is_shown_and_the_last_line_kept(capfd: pytest.CaptureFixture[str]) -> None:
    outcome = run_one(python("print('one'); print('2 passed'); print()"), ENV)
    assert (outcome.ok, outcome.last) == (True, "2 passed")
    assert capfd.readouterr().out == "one\n2 passed\n\n"


def test_a_failure_side_by_side_shows_everything_it_said(capfd: pytest.CaptureFixture[str]) -> None:
    outcome = run_all([python("print('fine')"), python("print('a'); print('b'); raise SystemExit(3)")], ENV)
    assert not outcome.ok
    said = capfd.readouterr().out
    assert "a\nb\nexit code 3" in said
    assert "fine" in said


def test_a_plan_stops_at_the_first_failure_and_cleans_up(
    monkeypatch: pytest.MonkeyPatch, cleaned: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    fake_layers(monkeypatch, lint="print('ok')", api="raise SystemExit(1)", cluster="print('never')")
    assert layers.run_plan(("lint", "api", "cluster")) == 1
    said = capfd.readouterr().out
    assert cleaned == ["cleaned"]
    assert "never" not in said
    assert "FAILED: api, cluster" in said


def test_a_plan_that_passes_shows_each_layer_with_its_time(
    monkeypatch: pytest.MonkeyPatch, cleaned: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    fake_layers(monkeypatch, lint="print('no findings')", unit="print('3 passed')")
    assert layers.run_plan(("lint", "unit")) == 0
    said = capfd.readouterr().out
    assert "== unit" in said
    assert "3 passed" in said.splitlines()[-1]
    assert cleaned == []


def test_a_build_that_fails_shows_the_end_of_its_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    build = Background.start(python("print('no space left'); raise SystemExit(1)"), ENV, tmp_path / "builds.log")
    assert not build.wait().ok
    assert "no space left" in capfd.readouterr().out


def test_a_layer_whose_parts_cannot_be_made_does_not_run(
    monkeypatch: pytest.MonkeyPatch, cleaned: list[str], capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    # This test itself runs while a real build may write its log.
    monkeypatch.setattr(layers, "LOGS", tmp_path)
    made = layers.Layer("api", (layers.fixed(*python("print('never')")),), ("no-such-part",))
    monkeypatch.setattr(layers, "LAYERS", (made,))
    assert layers.run_plan(("api",)) == 1
    said = capfd.readouterr().out
    assert "no-such-part" in said
    assert "never" not in said


def test_what_is_stopped_takes_its_children_along() -> None:
    child = "import subprocess,sys; p=subprocess.Popen(['sleep','60']); print(p.pid, flush=True); p.wait()"
    process = subprocess.Popen(python(child), stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    stop(process)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}/stat").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline, "the child still runs"


def test_test_files_of_one_run_have_names_of_their_own() -> None:
    """Without packages, pytest takes two files of the same name for one module."""
    root = Path(layers.__file__).resolve().parents[1]
    for layer in layers.LAYERS:
        for command in (make() for make in layer.commands if layer.name not in {"lint", "cluster"}):
            folders = [root / word for word in command if word.startswith("tests/")]
            assert folders and all(any(folder.glob("test_*.py")) for folder in folders), command
            names = [file.name for folder in folders for file in folder.glob("test_*.py")]
            assert sorted(names) == sorted(set(names)), command


def test_the_parts_of_layers_are_in_the_catalog() -> None:
    table = catalog.table()
    assert [part for layer in layers.LAYERS for part in layer.parts if part not in table] == []


def test_ci_and_make_run_the_same() -> None:
    root = Path(layers.__file__).resolve().parents[1]
    assert "tools.layers test" in (root / ".ci/run").read_text(encoding="utf-8")
    assert "tools.layers test" in (root / "Makefile").read_text(encoding="utf-8")

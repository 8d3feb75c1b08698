"""Parts of the testbed: keys that change with what makes them, and folders that are whole or not there."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from testbed import paths
from testbed.errors import TestbedError
from testbed.parts import (
    COMPILING,
    Part,
    digest,
    drop_sources,
    ensure,
    folder,
    key,
    locked,
    missing,
    prune,
    remove,
    sweep,
)
from testbed.progress import Step


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDKEEP_CACHE", str(tmp_path / "cache"))


def _write(text: str) -> Part:
    def build(target: Path, step: Step, made: Mapping[str, Path]) -> None:
        (target / "file").write_text(text)

    return Part("letters", "write letters", 1, "pack", (text,), build)


def _join(target: Path, step: Step, made: Mapping[str, Path]) -> None:
    (target / "file").write_text((made["letters"] / "file").read_text() * 2)


def _table(text: str = "ab") -> dict[str, Part]:
    return {"letters": _write(text), "twice": Part("twice", "join", 1, "pack", ("1",), _join, ("letters",))}


def test_a_digest_depends_on_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = digest(["x", tmp_path])
    assert digest(["x", tmp_path]) == first
    (tmp_path / "a").rename(tmp_path / "b")
    renamed = digest(["x", tmp_path])
    (tmp_path / "b").write_text("2")
    assert len({first, renamed, digest(["x", tmp_path]), digest(["y", tmp_path])}) == 4


def test_texts_do_not_run_into_each_other() -> None:
    assert digest(["ab", "c"]) != digest(["a", "bc"])


def test_bytecode_is_no_ingredient(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    before = digest([tmp_path])
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("x")
    assert digest([tmp_path]) == before


def test_a_missing_ingredient_is_named(tmp_path: Path) -> None:
    with pytest.raises(TestbedError, match="nowhere is missing"):
        digest([tmp_path / "nowhere"])


def test_a_key_changes_with_what_it_needs() -> None:
    assert key(_table("ab"), "twice") != key(_table("cd"), "twice")


def test_needs_are_made_first_and_once() -> None:
    table = _table()
    assert missing(table, ["twice", "letters"]) == ["letters", "twice"]
    made = ensure(table, ["twice"])
    assert (made["twice"] / "file").read_text() == "abab"
    assert missing(table, ["twice"]) == []


def test_an_unknown_part_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(TestbedError, match="no such part: thrice") as caught:
        ensure(_table(), ["twice", "thrice"])
    assert "letters, twice" in caught.value.remedy


def test_a_failed_part_is_not_there_and_is_made_anew() -> None:
    attempts: list[bool] = []

    def build(target: Path, step: Step, made: Mapping[str, Path]) -> None:
        assert list(target.iterdir()) == []
        (target / "half").touch()
        attempts.append(True)
        if len(attempts) == 1:
            raise step.failed("it broke")

    table = {"part": Part("part", "try", 1, "pack", (), build)}
    with pytest.raises(TestbedError, match="try failed: it broke"):
        ensure(table, ["part"])
    assert not folder(table, "part").exists()
    assert ensure(table, ["part"])["part"].exists()


def test_of_two_runs_at_once_one_makes_the_part() -> None:
    built: list[bool] = []
    inside = threading.Event()

    def build(target: Path, step: Step, made: Mapping[str, Path]) -> None:
        built.append(True)
        inside.set()
        second.start()
        (target / "file").touch()

    table = {"part": Part("part", "make", 1, "pack", (), build)}
    second = threading.Thread(target=ensure, args=(table, ["part"]))
    ensure(table, ["part"])
    second.join(timeout=20)
    assert inside.is_set()
    assert built == [True]


def test_after_a_failure_nothing_else_begins() -> None:
    begun: list[str] = []

    def build(name: str, fails: bool) -> Part:
        def run(target: Path, step: Step, made: Mapping[str, Path]) -> None:
            begun.append(name)
            if fails:
                raise step.failed("no")

        return Part(name, name, 1, "compile", (), run)

    table = {"first": build("first", True), "second": build("second", False)}
    table["third"] = Part("third", "third", 1, "pack", (), table["second"].build, ("first",))
    with pytest.raises(TestbedError):
        ensure(table, ["third"])
    assert begun == ["first"]


def test_removing_copes_with_folders_that_refuse(tmp_path: Path) -> None:
    closed = tmp_path / "a" / "closed"
    closed.mkdir(parents=True)
    (closed / "file").touch()
    (tmp_path / "a" / "link").symlink_to(tmp_path)
    closed.chmod(0o500)
    remove(tmp_path / "a")
    remove(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_what_an_interrupted_run_left_is_swept_but_not_what_another_is_at(tmp_path: Path) -> None:
    work = tmp_path / "cache" / "work"
    for name in ("left", "busy"):
        (work / name / "x").mkdir(parents=True)
    with locked("busy"), locked("left"):
        pass
    with locked("busy"):
        sweep()
        assert [path.name for path in work.iterdir()] == ["busy"]
    sweep()
    assert list(work.iterdir()) == []


def test_parts_that_no_run_has_used_for_long_are_deleted() -> None:
    used, unused = _table("ab"), _table("cd")
    kept, old = ensure(used, ["twice"])["twice"], ensure(unused, ["twice"])["twice"]
    for path in kept.parent.iterdir():
        os.utime(path, (0, 0))
    prune(used, ["twice"])
    assert kept.exists()
    assert folder(used, "letters").exists()
    assert not old.exists()
    assert not folder(unused, "letters").exists()


def test_sources_go_when_nothing_is_left_to_compile_and_nobody_compiles() -> None:
    part = replace(_write("x"), lane=COMPILING)
    table, sources = {part.name: part}, paths.cache() / "go"
    (sources / "mod").mkdir(parents=True)
    drop_sources(table)
    assert sources.exists()
    ensure(table, [part.name])
    with locked(COMPILING):
        drop_sources(table)
        assert sources.exists()
    drop_sources(table)
    assert not sources.exists()

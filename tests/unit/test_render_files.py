"""Only files that carry the mark are ever written over or removed."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.render_files import MARK, FileChange, marked, plan, write

A, B = PurePosixPath("00-policies/a.yaml"), PurePosixPath("20-tenants/ci-shop/b.yaml")
WANTED = {A: marked("a: 1\n"), B: marked("b: 1\n")}


def put(folder: Path, wanted: dict[PurePosixPath, str]) -> list[FileChange]:
    changes = plan(folder, wanted)
    write(folder, changes)
    return changes


def tree(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_it_makes_what_is_missing_and_then_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    assert [change.before for change in put(folder, WANTED)] == [None, None]
    assert tree(folder) == {str(A): f"{MARK}\na: 1\n", str(B): f"{MARK}\nb: 1\n"}
    assert plan(folder, WANTED) == []


def test_a_plan_changes_nothing(tmp_path: Path) -> None:
    plan(tmp_path, WANTED)
    assert tree(tmp_path) == {}


def test_an_edit_is_undone_and_an_unwanted_file_goes_with_its_empty_folders(tmp_path: Path) -> None:
    put(tmp_path, WANTED)
    (tmp_path / A).write_text(marked("edited\n"))
    changes = put(tmp_path, {A: WANTED[A]})
    assert changes == [FileChange(A, marked("edited\n"), WANTED[A]), FileChange(B, WANTED[B], None)]
    assert [path.name for path in tmp_path.iterdir()] == ["00-policies"]


def test_files_of_others_stay_where_they_are_in_nobodys_way(tmp_path: Path) -> None:
    put(tmp_path, WANTED)
    theirs = {"notes.yaml": "x", "20-tenants/ci-shop/theirs.yaml": "x", "20-tenants/c.yaml": f"# {MARK}"}
    theirs["d/e.yaml"] = MARK
    for name, text in theirs.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    put(tmp_path, {})
    assert tree(tmp_path) == theirs


def test_what_died_half_way_is_completed(tmp_path: Path) -> None:
    write(tmp_path, plan(tmp_path, WANTED)[:1])
    (tmp_path / "00-policies" / ".a.yaml.buildkeep").write_text("half")
    (tmp_path / A).unlink()
    put(tmp_path, WANTED)
    assert tree(tmp_path) == {str(path): text for path, text in WANTED.items()}


def test_everything_of_others_in_the_way_is_named_and_nothing_changed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "00-policies").mkdir()
    (tmp_path / A).write_text("theirs")
    (tmp_path / "20-tenants").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BuildkeepError) as error:
        plan(tmp_path, WANTED)
    assert [str(tmp_path / name) in str(error.value) for name in (A, "20-tenants")] == [True, True]
    assert all("buildkeep_render_directory: " in line for line in error.value.problems)
    assert (tmp_path / A).read_text() == "theirs"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside.yaml").write_text(marked("ours by its text\n"))
    (tmp_path / "in" / "00-policies").mkdir(parents=True)
    (tmp_path / "in" / A).symlink_to(tmp_path / "outside.yaml")
    (tmp_path / "in" / "20-tenants").mkdir()
    (tmp_path / "in" / "20-tenants" / "loop").symlink_to(tmp_path / "in")
    with pytest.raises(BuildkeepError, match="somebody else made it"):
        plan(tmp_path / "in", WANTED)
    assert plan(tmp_path / "in", {}) == []


def test_the_folder_itself_may_be_a_link_but_no_file(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    put(tmp_path / "link", WANTED)
    assert len(tree(tmp_path / "real")) == 2
    (tmp_path / "file").touch()
    with pytest.raises(BuildkeepError, match="is no folder"):
        plan(tmp_path / "file", WANTED)


def test_what_the_system_refuses_is_one_problem() -> None:
    with pytest.raises(BuildkeepError, match=r"buildkeep_render_directory: .*/proc/.*; give a folder"):
        put(Path("/proc/buildkeep"), WANTED)

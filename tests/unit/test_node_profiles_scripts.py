"""What the pods on nodes run: the scripts themselves, in folders of this machine."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "roles/node_profiles/files"
CONTENT = '{"defaultAction": "SCMP_ACT_ERRNO"}\n'
NAME = f"buildkit-{hashlib.sha256(CONTENT.encode()).hexdigest()[:12]}.json"
OLD, FOREIGN = "buildkit-0123456789ab.json", "theirs.json"
WAIT_SECONDS = 20.0


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """The folders that the pod has mounted: one profile to put there, in a folder that has others."""
    for name in ("profiles", "seccomp/buildkeep"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "profiles" / NAME).write_text(CONTENT, encoding="utf-8")
    return tmp_path


def command(world: Path, script: str, *arguments: str) -> list[str]:
    """A script with the folders of this machine in place of the pod's."""
    text = (SCRIPTS / f"{script}.sh").read_text(encoding="utf-8")
    for path, own in (("/profiles", "profiles"), ("/folder", "seccomp/buildkeep"), ("/seccomp", "seccomp")):
        text = text.replace(f" {path}", f" {world / own}").replace(f'"{path}', f'"{world / own}')
    return ["sh", "-c", text, script, *arguments]


def holds(world: Path, script: str) -> bool:
    """Whether a script that asks something says yes."""
    return subprocess.run(command(world, script), capture_output=True, check=False).returncode == 0


@contextmanager
def running(world: Path, script: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A script that goes to sleep when it is done, and ends at once when it is told to, as at the end of a pod."""
    process = subprocess.Popen(command(world, script, *arguments), stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        yield process
        process.terminate()
        assert process.wait(timeout=WAIT_SECONDS) == 0
    finally:
        # What it sleeps by, if it got so far.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def until(world: Path, script: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not holds(world, script):
        assert process.poll() is None and time.monotonic() < end


def files(world: Path) -> list[str]:
    return sorted(path.name for path in (world / "seccomp/buildkeep").iterdir())


def test_profiles_are_put_there_and_those_of_others_left_alone(world: Path) -> None:
    folder = world / "seccomp/buildkeep"
    for name in (OLD, "buildkit-aaaaaaaaaaaa.json", FOREIGN, ".x.json.new"):
        (folder / name).write_text("{}", encoding="utf-8")
    assert not holds(world, "installed")
    with running(world, "install", "buildkit-aaaaaaaaaaaa.json") as process:
        until(world, "installed", process)
        end = time.monotonic() + WAIT_SECONDS
        # One file goes after the other.
        while {OLD, ".x.json.new"} & set(files(world)):
            assert time.monotonic() < end
    assert files(world) == sorted([NAME, "buildkit-aaaaaaaaaaaa.json", FOREIGN])
    assert (folder / NAME).read_text(encoding="utf-8") == CONTENT
    assert (folder / NAME).stat().st_mode & 0o777 == 0o644


def test_a_file_that_is_gone_or_changed_is_noticed(world: Path) -> None:
    with running(world, "install") as process:
        until(world, "installed", process)
    (world / "seccomp/buildkeep" / NAME).write_text("{}", encoding="utf-8")
    assert not holds(world, "installed")
    (world / "seccomp/buildkeep" / NAME).unlink()
    assert not holds(world, "installed")


def test_what_does_not_hold_what_its_name_says_is_put_nowhere(world: Path) -> None:
    (world / "profiles" / NAME).write_text("{}", encoding="utf-8")
    done = subprocess.run(command(world, "install"), capture_output=True, text=True, timeout=WAIT_SECONDS, check=False)
    assert (done.returncode, done.stderr) == (1, f"{NAME} does not hold what its name says\n")
    assert files(world) == []


def test_removal_takes_the_folder_unless_something_else_is_in_it(world: Path) -> None:
    folder = world / "seccomp/buildkeep"
    (folder / NAME).write_text(CONTENT, encoding="utf-8")
    assert not holds(world, "removed")
    with running(world, "remove") as process:
        until(world, "removed", process)
        end = time.monotonic() + WAIT_SECONDS
        while folder.exists():
            assert time.monotonic() < end
    folder.mkdir()
    for name in (NAME, FOREIGN):
        (folder / name).write_text("{}", encoding="utf-8")
    with running(world, "remove") as process:
        until(world, "removed", process)
    assert files(world) == [FOREIGN]

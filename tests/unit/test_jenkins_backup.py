"""Backup and restore of Jenkins home: the scripts on folders of files, and the objects that run them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import jenkins_backup
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings

SCRIPTS = Path(__file__).resolve().parents[2] / "roles/jenkins/files"
FILES = {
    "config.xml": "<hudson/>",
    "secrets/master.key": "key",
    "jobs/shop/builds/1/log": "Finished: SUCCESS",
    "jobs/a b/config.xml": "<project/>",
    ".owner": "hidden",
}
MADE_AGAIN = {"workspace/shop/x": "x", "caches/git/y": "y", "logs/z": "z", "war/w": "w"}
JENKINS = JenkinsSettings(backup={"schedule": "0 3 * * *"})


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def read(folder: Path) -> dict[str, str]:
    return {str(one.relative_to(folder)): one.read_text("utf-8") for one in folder.rglob("*") if one.is_file()}


class Place:
    """Jenkins home and a folder of archives, with a clock that the test sets."""

    def __init__(self, folder: Path) -> None:
        self.home, self.store, self.commands = folder / "home", folder / "store", folder / "bin"
        for each in (self.home, self.store, self.commands):
            each.mkdir()
        self.at("20260101T030000Z")
        write(self.home, FILES | MADE_AGAIN)

    def at(self, time: str) -> None:
        self.command("date", f"echo {time}")

    def command(self, name: str, body: str) -> None:
        path = self.commands / name
        path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        path.chmod(0o755)

    def run(self, name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        env = {"PATH": f"{self.commands}:{os.environ['PATH']}", "LC_ALL": "C"}
        words: Sequence[str] = ["sh", str(SCRIPTS / f"{name}.sh"), *(str(one) for one in arguments)]
        return subprocess.run(words, capture_output=True, text=True, env=env, check=False, timeout=60)

    def backup(self, keep: int = 3) -> subprocess.CompletedProcess[str]:
        return self.run("backup", self.home, self.store, keep)

    def restore(self, archive: str = "latest") -> subprocess.CompletedProcess[str]:
        return self.run("restore", self.store, self.home, archive)

    def now(self) -> dict[str, str]:
        return {name: text for name, text in read(self.home).items() if not name.startswith(".buildkeep-")}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_what_was_packed_comes_back_and_what_was_there_is_kept(place: Place) -> None:
    done = place.backup()
    assert done.returncode == 0, done.stderr
    shutil.rmtree(place.home / "jobs")
    write(place.home, {"config.xml": "broken", "later": "x"})
    lost = place.now()
    done = place.restore()
    assert done.returncode == 0, done.stderr
    assert place.now() == FILES
    (before,) = place.home.glob(".buildkeep-before-*")
    assert read(before) == lost
    assert not (place.home / ".buildkeep-restore").exists()


def test_only_the_newest_archives_are_kept(place: Place) -> None:
    for day in range(1, 6):
        place.at(f"2026010{day}T030000Z")
        assert place.backup(keep=2).returncode == 0
    names = sorted(one.name for one in place.store.iterdir())
    kept = [f"home-2026010{day}T030000Z.tar.gz" for day in (4, 5)]
    assert names == sorted([*kept, *(f"{name}.sha256" for name in kept)])


def test_archives_are_for_their_owner_alone(place: Place) -> None:
    place.backup()
    assert {one.stat().st_mode & 0o777 for one in place.store.iterdir()} == {0o600}


def test_a_failed_backup_leaves_nothing_and_keeps_the_old(place: Place) -> None:
    assert place.backup(keep=1).returncode == 0
    found = sorted(place.store.iterdir())
    place.at("20260102T030000Z")
    place.command("gzip", "echo 'gzip: stdout: No space left on device' >&2; exit 1")
    done = place.backup(keep=1)
    assert done.returncode == 1
    assert "raise buildkeep_jenkins.backup.size" in done.stderr
    assert sorted(place.store.iterdir()) == found


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("tar: ./jobs/x: No such file or directory", 0),
        ("tar: ./jobs/x: file changed as we read it", 0),
        ("tar: ./jobs/x: Permission denied", 1),
        ("tar: can't execute 'gzip': No such file or directory", 1),
    ],
)
def test_only_files_that_went_meanwhile_may_be_missing(place: Place, said: str, code: int) -> None:
    tar = shutil.which("tar")
    place.command("tar", f'{tar} "$@"; case $1 in -c) echo "{said}" >&2; exit 1 ;; esac')
    assert place.backup().returncode == code


def test_no_backup_is_made_of_what_is_no_home(place: Place) -> None:
    (place.home / "config.xml").unlink()
    done = place.backup()
    assert done.returncode == 1
    assert "no config.xml" in done.stderr
    assert not list(place.store.iterdir())


@pytest.mark.parametrize("spoil", ["content", "sum", "home"])
def test_a_bad_archive_changes_nothing(place: Place, spoil: str) -> None:
    place.backup()
    (archive,) = place.store.glob("*.tar.gz")
    if spoil == "content":
        archive.write_bytes(archive.read_bytes()[:-9])
    elif spoil == "sum":
        archive.with_name(f"{archive.name}.sha256").unlink()
    else:
        with tarfile.open(archive, "w:gz") as packed:
            packed.add(place.home / "secrets", "secrets")
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        archive.with_name(f"{archive.name}.sha256").write_text(f"{digest}  {archive.name}\n", encoding="utf-8")
    found = read(place.home)
    assert place.restore().returncode == 3
    assert read(place.home) == found


@pytest.mark.parametrize("archive", ["latest", "home-20260101T030000Z.tar.gz", "../home/config.xml"])
def test_without_that_archive_nothing_is_changed(place: Place, archive: str) -> None:
    found = read(place.home)
    assert place.restore(archive).returncode == 3
    assert read(place.home) == found


@pytest.mark.parametrize("after", range(1, 12))
def test_a_restore_that_was_killed_is_finished_by_the_next(place: Place, after: int) -> None:
    place.backup()
    write(place.home, {"config.xml": "broken"})
    count, mv = place.commands.parent / "count", shutil.which("mv")
    # Ends the script, as a kill does, once it has moved so many things.
    killer = f'echo >>{count}; [ "$(wc -l <{count})" -ne {after} ] || kill -9 $PPID; exec {mv} "$@"'
    place.command("mv", killer)
    killed = place.restore().returncode != 0
    if killed and (place.home / ".buildkeep-restore/archive").exists():
        assert place.backup().returncode == 1
        place.at("20260105T030000Z")
        assert place.restore("home-20990101T030000Z.tar.gz").returncode == 1
    (place.commands / "mv").unlink()
    done = place.restore()
    assert done.returncode == 0, done.stderr
    assert place.now() == FILES


def test_objects_are_made_of_the_settings() -> None:
    settings = replace(
        JENKINS,
        name="ci",
        namespace="tools",
        storage_class="fast",
        backup={"schedule": "15 1 * * 0", "keep": 30, "size": "5Gi", "image": "mirror.example/busybox:1"},
        values={"persistence": {"existingClaim": "mine"}},
    )
    claim, cron = jenkins_backup.backup_objects(settings)
    assert (claim["metadata"]["name"], claim["metadata"]["namespace"]) == ("ci-backup", "tools")
    assert claim["spec"]["storageClassName"] == "fast"
    assert claim["spec"]["resources"] == {"requests": {"storage": "5Gi"}}
    pod = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert cron["spec"]["schedule"] == "15 1 * * 0"
    assert pod["containers"][0]["command"][-3:] == ["/home", "/store", "30"]
    assert pod["containers"][0]["image"] == "mirror.example/busybox:1"
    assert claims(pod) == {"home": "mine", "store": "ci-backup"}
    job = jenkins_backup.restore_job(settings, "home-20260101T030000Z.tar.gz")
    pod = job["spec"]["template"]["spec"]
    assert claims(pod) == {"home": "mine", "store": "ci-backup"}
    assert pod["containers"][0]["command"][-3:] == ["/store", "/home", "home-20260101T030000Z.tar.gz"]


def claims(pod: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["persistentVolumeClaim"]["claimName"] for one in pod["volumes"]}


def test_the_cheap_case_needs_no_more_than_a_schedule() -> None:
    claim, cron = jenkins_backup.backup_objects(JENKINS)
    assert claim["spec"]["resources"]["requests"]["storage"] == JENKINS.storage_size
    assert "storageClassName" not in claim["spec"]
    assert jenkins_backup.backup_objects(replace(JENKINS, backup={})) == []
    pod = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert claims(pod)["home"] == "jenkins"
    assert "\n#" not in pod["containers"][0]["command"][2]


def test_what_cannot_be_restored_is_refused_with_every_reason() -> None:
    with pytest.raises(BuildkeepError) as error:
        jenkins_backup.restore_job(replace(JENKINS, backup={}), "x; rm -rf /home")
    assert [text.split(":")[0] for text in error.value.problems] == ["buildkeep_jenkins.backup", "jenkins_archive"]

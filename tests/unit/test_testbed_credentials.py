"""The user and password of the test registry that demands them."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import pytest

from testbed import credentials, paths
from testbed.certificates import RESTRICTED_HOST
from testbed.errors import TestbedError
from testbed.progress import Progress


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder of a cluster that has credentials."""
    monkeypatch.setenv("BUILDKEEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    state = paths.state("one")
    state.mkdir(parents=True)
    with Progress(1).step("make credentials", 1) as step:
        credentials.make(state, step)
    return state


def _accepted(folder: Path, user: str, password: str) -> bool:
    words = ["htpasswd", "-v", "-i", str(folder / "htpasswd"), user]
    return subprocess.run(words, input=password.encode(), capture_output=True, check=False).returncode == 0


def test_the_file_of_passwords_takes_these_and_no_others(folder: Path) -> None:
    made = credentials.read("one")
    assert made.host == RESTRICTED_HOST
    assert _accepted(folder, made.user, made.password)
    assert not _accepted(folder, made.user, made.password + "x")
    assert not _accepted(folder, made.user + "x", made.password)
    assert (folder / "htpasswd").read_text().startswith(f"{made.user}:$2y$")  # bcrypt, all that `distribution` takes


def test_nobody_else_on_the_machine_reads_them(folder: Path, tmp_path: Path) -> None:
    assert {(folder / name).stat().st_mode & 0o777 for name in ("htpasswd", credentials.FILE)} == {0o600}
    password = credentials.read("one").password
    logs = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert logs
    assert not [path for path in logs if password in path.read_text(errors="replace")]


def test_a_second_time_they_stay(folder: Path) -> None:
    before = credentials.read("one")
    with Progress(1).step("make credentials", 1) as step:
        credentials.make(folder, step)
    assert credentials.read("one") == before


def test_the_secret_is_what_docker_reads(folder: Path) -> None:
    made = credentials.read("one")
    manifest = credentials.secret("ci-works", made)
    assert (manifest["metadata"]["name"], manifest["type"]) == (
        "registry-credentials",
        "kubernetes.io/dockerconfigjson",
    )
    auths = json.loads(manifest["stringData"][".dockerconfigjson"])["auths"]
    assert base64.b64decode(auths[RESTRICTED_HOST]["auth"]).decode() == f"{made.user}:{made.password}"


def test_a_cluster_that_is_not_up_has_none(folder: Path) -> None:
    with pytest.raises(TestbedError, match=r"credentials\.json is missing"):
        credentials.read("two")

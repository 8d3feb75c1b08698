"""`ansible-galaxy collection build` gives what git tracks of the product, and its playbooks run once installed."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

from tests.contract.repository import ROOT, tracked

BIN = Path(sys.executable).parent
# What makes and proves the product, and is no part of it.
WORKSHOP = ("bench/", "collections/", "molecule/", "testbed/", "tests/", "tools/", ".ci/", ".config/")
WORKSHOP_FILES = ("Makefile", "galaxy.yml", "pyproject.toml", "requirements.lock", ".gitignore", ".yamllint")
MADE_BY_THE_BUILD = {"MANIFEST.json", "FILES.json"}


def galaxy(folder: Path, *words: str) -> None:
    """Runs `ansible-galaxy collection` in a folder and shows what it said when it fails."""
    done = subprocess.run([BIN / "ansible-galaxy", "collection", *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built collection."""
    folder = tmp_path_factory.mktemp("artifact")
    galaxy(ROOT, "build", "--output-path", str(folder))
    return next(folder.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def installed(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of collections in which the artifact is installed."""
    folder = tmp_path_factory.mktemp("installed")
    # Not from the checkout: its ansible.cfg names the checkout as the collection, which then counts as installed.
    galaxy(folder, "install", str(artifact), "--collections-path", str(folder), "--offline")
    return folder


def playbook(installed: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs a playbook of the installed collection, away from the checkout."""
    env = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(installed), "ANSIBLE_NOCOLOR": "1"}
    command = [str(BIN / "ansible-playbook"), *words]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)


def test_the_artifact_holds_the_tracked_files_of_the_product(artifact: Path) -> None:
    with tarfile.open(artifact) as archive:
        held = {member.name for member in archive.getmembers() if not member.isdir()} - MADE_BY_THE_BUILD
    wanted = {name for name in tracked() if not name.startswith(WORKSHOP) and name not in WORKSHOP_FILES}
    wanted.discard(".ansible-lint")
    assert held - wanted == set(), "not tracked, or no part of the product: add it to build_ignore in galaxy.yml"
    assert wanted - held == set(), "tracked, but build_ignore in galaxy.yml leaves it out"


def test_its_playbooks_run_once_installed(installed: Path, tmp_path: Path) -> None:
    for name in ("site", "remove"):
        done = playbook(installed, tmp_path, f"buildkeep.ci.{name}", "--syntax-check", "-i", f"{ROOT}/inventories/kind")
        assert done.returncode == 0, done.stdout + done.stderr


def test_bad_input_is_refused_by_the_installed_collection(installed: Path, tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.yml"
    variables = {"buildkeep_tenants": [{"name": "Shop", "builders": ["docker"]}], "ansible_connection": "local"}
    inventory.write_text(yaml.safe_dump({"buildkeep": {"hosts": {"localhost": variables}}}))
    done = playbook(installed, tmp_path, "buildkeep.ci.site", "-i", str(inventory))
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Shop" in said, said
    assert "docker" in said, said

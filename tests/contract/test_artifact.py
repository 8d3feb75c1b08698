"""`ansible-galaxy collection build` takes what lies in the folder; it must give what git tracks of the product."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

from tests.contract.repository import ROOT, tracked

GALAXY = Path(sys.executable).parent / "ansible-galaxy"
# What makes and proves the product, and is no part of it.
WORKSHOP = ("bench/", "collections/", "molecule/", "testbed/", "tests/", "tools/", ".ci/", ".config/")
WORKSHOP_FILES = {
    ".ansible-lint",
    ".gitignore",
    ".yamllint",
    "Makefile",
    "galaxy.yml",
    "pyproject.toml",
    "requirements.lock",
}
MADE_BY_THE_BUILD = {"MANIFEST.json", "FILES.json"}


def test_the_artifact_holds_the_tracked_files_of_the_product(tmp_path: Path) -> None:
    command = [str(GALAXY), "collection", "build", "--output-path", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        held = {member.name for member in archive.getmembers() if not member.isdir()} - MADE_BY_THE_BUILD
    wanted = {name for name in tracked() if not name.startswith(WORKSHOP)} - WORKSHOP_FILES
    assert held - wanted == set(), "not tracked, or no part of the product: add it to build_ignore in galaxy.yml"
    assert wanted - held == set(), "tracked, but build_ignore in galaxy.yml leaves it out"

"""images/: every Dockerfile is pinned, ends as an ordinary user, and is told of as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import load_profiles

FOLDER = Path(__file__).resolve().parents[2] / "images"
DOCKERFILES = sorted(FOLDER.glob("*/Dockerfile"))
README = (FOLDER / "README.md").read_text(encoding="utf-8")
PINNED = re.compile(r"[a-z0-9.-]+\.[a-z]+/[a-z0-9./-]+:(?:v?[0-9][\w.-]*|bookworm-slim)")
REQUIRED = re.compile(r"^require (\S+) v(\S+)", re.MULTILINE)


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
def test_base_images_are_arguments_with_a_version(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    arguments = dict(line.removeprefix("ARG ").split("=", 1) for line in lines if line.startswith("ARG "))
    stages = {line.split()[3] for line in lines if line.startswith("FROM ") and " AS " in line}
    bases = {line.split()[1] for line in lines if line.startswith("FROM ")} - stages
    assert bases == {f"${{{name}}}" for name in arguments}
    assert [image for image in arguments.values() if not PINNED.fullmatch(image)] == []


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
def test_the_last_stage_ends_as_user_1000(path: Path) -> None:
    last = path.read_text(encoding="utf-8").rpartition("\nFROM ")[2]
    assert re.findall(r"^USER (.*)$", last, re.MULTILINE) == ["1000:1000"]


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
def test_the_readme_says_its_version(path: Path) -> None:
    (row,) = (line for line in README.splitlines() if line.startswith(f"| `{path.parent.name}`"))
    versions = re.findall(r"ko:v([0-9.]+)|google-cloud-cli:([0-9.]+)", path.read_text(encoding="utf-8"))
    wanted = {"".join(found) for found in versions}
    if (module := path.with_name("go.mod")).is_file():
        found = REQUIRED.search(module.read_text(encoding="utf-8"))
        assert found, module
        wanted.add(found[2])
    assert wanted and all(version in row for version in wanted), row


def test_every_builder_without_an_image_has_a_folder_here() -> None:
    folders = {path.parent.name for path in DOCKERFILES}
    assert {name for name in load_profiles().imageless if not any(name in each for each in folders)} == set()


def test_the_jenkinsfile_builds_them_all() -> None:
    text = (FOLDER / "Jenkinsfile").read_text(encoding="utf-8")
    (listed,) = re.findall(r"for image in (.*); do", text)
    assert set(listed.split()) == {path.parent.name for path in DOCKERFILES}

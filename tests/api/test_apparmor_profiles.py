"""The AppArmor profiles compile: `apparmor_parser` reads them without a kernel that has AppArmor, and loads nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import apparmor

from testbed.progress import Progress
from testbed.system import Need, require

NEEDS = (Need("apparmor_parser", "apparmor"),)
SOURCES = sorted((apparmor.CHART / "apparmor").glob("*.profile"))


@pytest.fixture(scope="module", autouse=True)
def parser() -> None:
    """Sees to it that the compiler is there."""
    with Progress(1).step("the AppArmor compiler", 10) as step:
        require(NEEDS, step)


def compiled(text: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """What the compiler says of a profile; -Q loads nothing, -K keeps no cache."""
    file = folder / "profile"
    file.write_text(text, encoding="utf-8")
    command = ["/usr/sbin/apparmor_parser", "-Q", "-K", *options, str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_there_are_profiles() -> None:
    assert [file.stem for file in SOURCES] == ["buildah", "buildkit", "img"]


@pytest.mark.parametrize("source", SOURCES, ids=lambda file: file.stem)
def test_a_profile_compiles_under_its_name(source: Path, tmp_path: Path) -> None:
    text = source.read_text(encoding="utf-8")
    done = compiled(apparmor.named(source.stem, text), tmp_path)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    names = compiled(apparmor.named(source.stem, text), tmp_path, "-N")
    assert names.stdout.split() == [apparmor.profile_name(source.stem, text)]


def test_a_rule_that_apparmor_does_not_know_is_an_error(tmp_path: Path) -> None:
    text = SOURCES[0].read_text(encoding="utf-8").replace("  mount,\n", "  mounts,\n")
    done = compiled(apparmor.named("tool", text), tmp_path)
    assert done.returncode != 0
    assert "syntax error" in done.stderr

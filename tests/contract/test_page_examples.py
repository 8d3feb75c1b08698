"""What the pages show can be used as it stands: inventories are valid, Jenkinsfiles parse, commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings

from testbed.controller.declarative import read_jenkinsfile
from tests.contract.repository import ROOT, tracked

BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [name for name in tracked() if name.endswith(".md")]
TARGETS = set(re.findall(r"^([a-z ]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def blocks(language: str) -> list[tuple[str, str]]:
    """Every code block in a language, with the page that it stands on."""
    texts = [(name, (ROOT / name).read_text(encoding="utf-8")) for name in PAGES]
    return [(name, m["text"]) for name, text in texts for m in BLOCK.finditer(text) if m["language"] == language]


INVENTORIES = [(name, text) for name, text in blocks("yaml") if "buildkeep_tenants" in text]
JENKINSFILES = [(name, text) for name, text in blocks("groovy") if re.search(r"^pipeline \{$", text, re.MULTILINE)]
AGENTS = [(name, text) for name, text in blocks("groovy") if text.startswith("agent")]


def test_there_is_something_to_look_at() -> None:
    assert INVENTORIES
    assert JENKINSFILES
    assert AGENTS


@pytest.mark.parametrize(("name", "text"), INVENTORIES)
def test_an_inventory_is_valid(name: str, text: str) -> None:
    values = {key.removeprefix("buildkeep_"): value for key, value in yaml.safe_load(text).items()}
    assert read_settings(values).tenants


@pytest.mark.parametrize(("name", "text"), JENKINSFILES)
def test_a_jenkinsfile_parses(name: str, text: str) -> None:
    assert read_jenkinsfile(text).stages


@pytest.mark.parametrize(("name", "text"), AGENTS)
def test_an_agent_block_parses(name: str, text: str) -> None:
    whole = f"pipeline {{\n{text}\nstages {{ stage('x') {{ steps {{ sh 'true' }} }} }}\n}}"
    assert read_jenkinsfile(whole).stages


@pytest.mark.parametrize("name", PAGES)
def test_every_make_target_that_is_named_exists(name: str) -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z]+)\b", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
    assert named - {target for line in TARGETS for target in line.split()} == set()


def test_every_file_of_the_repository_that_is_named_exists() -> None:
    """Paths in backquotes, with a folder that the repository has."""
    folders = {name.split("/")[0] for name in tracked() if "/" in name}
    missing = []
    for name in PAGES:
        for path in re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", (ROOT / name).read_text(encoding="utf-8")):
            if path.split("/")[0] in folders and not Path(ROOT / path).exists():
                missing.append(f"{name}: {path}")
    assert missing == []

"""docs/jenkinsfile.md: it has a Jenkinsfile for each builder, the examples' own, and says of builders what holds."""

from __future__ import annotations

import re

import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import CHART, load_profiles

from testbed.controller.declarative import read_jenkinsfile
from tests import jenkinsfiles

PAGE = jenkinsfiles.PAGE.read_text(encoding="utf-8")
BUILDERS = list(yaml.safe_load((CHART / "profiles.yaml").read_text(encoding="utf-8"))["builders"])
LINK = re.compile(r"\]\(([^)#:]+)\)")
ROW = re.compile(r"^\| .+ \| `(\w+)`[^|]* \| (baseline|restricted) \|$", re.MULTILINE)


@pytest.mark.parametrize("builder", BUILDERS)
def test_each_builder_has_a_section_with_a_whole_jenkinsfile_for_its_label(builder: str) -> None:
    _, found, rest = PAGE.partition(f"\n## {builder}\n")
    assert found, f"no section {builder}"
    (text,) = jenkinsfiles.whole(rest.partition("\n## ")[0])
    assert f"agent {{ label 'shop-{builder}' }}" in text
    assert f"container('{builder}')" in text
    assert "archiveArtifacts 'image.txt'" in text


def test_every_jenkinsfile_of_the_page_is_an_example_letter_by_letter() -> None:
    assert len(jenkinsfiles.examples()) == len(jenkinsfiles.whole(PAGE)) == len(BUILDERS) + 1


def test_every_example_can_be_read_by_the_stand_in_controller() -> None:
    for example in jenkinsfiles.examples().values():
        assert read_jenkinsfile(example.text).stages


def test_the_table_names_each_builder_at_its_pod_security_level() -> None:
    overrides = {name: {"image": f"r.example/{name}:1"} for name in load_profiles().imageless}
    levels = {name: profile.pss_level for name, profile in load_profiles(overrides=overrides).builders.items()}
    assert dict(ROW.findall(PAGE)) == levels


def test_every_link_of_the_page_leads_somewhere() -> None:
    assert [path for path in LINK.findall(PAGE) if not (jenkinsfiles.PAGE.parent / path).exists()] == []
    headings = {re.sub(r"[^\w -]", "", line[3:].strip(" #").lower()).replace(" ", "-")
                for line in PAGE.splitlines() if line.startswith("##")}  # fmt: skip
    assert set(re.findall(r"\]\(#([\w-]+)\)", PAGE)) <= headings

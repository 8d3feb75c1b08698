"""What the pages about Jenkins tell a reader to write is accepted, and does what they say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_credentials import KINDS
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings

# In place of what a reader has in a file.
LOOKUP = "\"{{ lookup('ansible.builtin.file', 'cluster-ca.crt') }}\""
AUTHORITY = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
DOCS = Path(__file__).resolve().parents[2] / "docs"
INVENTORIES = {
    f"{page}-{number}": text
    for page in ("jenkins", "adopt")
    for number, text in enumerate(
        re.findall(
            r"^```yaml\n(buildkeep_.*?)^```$", (DOCS / f"{page}.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
        )
    )
}


@pytest.mark.parametrize("name", INVENTORIES)
def test_an_inventory_on_a_page_is_valid(name: str) -> None:
    given: dict[str, Any] = yaml.safe_load(INVENTORIES[name].replace(LOOKUP, json.dumps(AUTHORITY)))
    raw = {key.removeprefix("buildkeep_"): value for key, value in given.items()}
    settings = read_settings({"tenants": [{"name": "shop"}], **raw})
    assert settings.jenkins.install == raw.get("jenkins_install", False)


def test_both_pages_have_one() -> None:
    assert {name.partition("-")[0] for name in INVENTORIES} == {"jenkins", "adopt"}


def test_every_kind_of_credentials_is_on_the_page() -> None:
    page = (DOCS / "jenkins.md").read_text("utf-8")
    assert all(f"`{kind}`" in page for kind in KINDS)

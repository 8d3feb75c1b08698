"""What the pages about rules, controls and bypasses promise: references lead somewhere, and every test is there."""

from __future__ import annotations

import subprocess
import sys

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import policies, rules
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import load_profiles

from tests.api import bypass
from tests.contract.repository import ROOT
from tools.generate import mapping
from tools.generate.roles import load

TABLE = rules.load()
CONTROLS = load(mapping.CONTROLS)
ROWS = bypass.load()
# Stops nothing: it warns of what other rules will refuse.
ONLY_WARNS = {rule.key for rule in TABLE if rule.policy == "buildkeep-workloads"}


def test_every_policy_fails_closed() -> None:
    made = policies.build_policies(load_profiles(), (), {"namespace": "jenkins", "serviceAccount": "jenkins"})
    found = {
        item["metadata"]["name"]: item["spec"]["failurePolicy"] for item in made if "failurePolicy" in item["spec"]
    }
    assert len(found) == len([item for item in made if item["kind"] == "ValidatingAdmissionPolicy"])
    assert set(found.values()) == {"Fail"}


def test_every_reference_is_to_a_known_control() -> None:
    assert mapping.unknown(TABLE, CONTROLS) == []
    assert {source for rule in TABLE for source in rule.references} <= set(CONTROLS)


def test_every_control_is_met_or_said_not_to_be() -> None:
    assert mapping.unexplained(TABLE, CONTROLS) == []


def test_every_bypass_is_stopped_by_something_that_is_there() -> None:
    keys = {rule.key for rule in TABLE}
    assert [row.id for row in ROWS if row.rule not in keys | {"API", "RBAC", "ResourceQuota", "outside"}] == []
    assert [row.id for row in ROWS if (row.rule == "outside") == bool(row.node_ids())] == [], (
        "no test, or no need of one"
    )


def test_every_rule_stops_a_bypass() -> None:
    assert sorted({rule.key for rule in TABLE} - {row.rule for row in ROWS} - ONLY_WARNS) == []


def test_a_rule_about_containers_is_broken_in_containers_of_every_kind() -> None:
    wanted = {rule.key for rule in TABLE if rule.scope in ("container", "other")}
    tried: dict[str, set[str]] = {}
    for row in ROWS:
        if row.container:
            tried.setdefault(row.rule, set()).update(row.ways())
    places = {*bypass.PLACES, "ephemeral", "update"}
    assert {key: places - tried.get(key, set()) for key in wanted if not places <= tried.get(key, set())} == {}


@pytest.mark.parametrize("row", [row for row in ROWS if row.rule == "outside"], ids=lambda row: row.id)
def test_what_is_outside_of_admission_is_said(row: bypass.Row) -> None:
    pages = [
        " ".join((ROOT / name).read_text(encoding="utf-8").split())
        for name in ("SECURITY.md", "docs/security-model.md")
    ]
    assert row.says and any(row.says in page for page in pages), row.says


def test_every_named_test_is_there() -> None:
    wanted = {name for row in ROWS for name in row.node_ids()}
    files = sorted({name.partition("::")[0] for name in wanted})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
    assert sorted(wanted - set(done.stdout.splitlines())) == []

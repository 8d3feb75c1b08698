"""The table of calls, and the rights that follow from it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils import rbac_verbs
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError


def pairs(**on: object) -> set[tuple[str, str]]:
    """Resource and verb of what is granted."""
    granted = rbac_verbs.granted(rbac_verbs.features(**on))  # type: ignore[arg-type]
    return {(resource, verb) for resource, verbs in granted.items() for verb in verbs}


def test_a_build_needs_this() -> None:
    assert rbac_verbs.granted() == {
        "pods": ["create", "delete", "get", "list", "watch"],
        "pods/exec": ["create", "get"],
        "pods/log": ["get"],
        "events": ["list"],
    }
    assert rbac_verbs.granted(where=rbac_verbs.CONTROLLER) == {"configmaps": ["list", "watch"]}


def test_what_is_switched_on_adds_one_verb() -> None:
    assert pairs(garbage_collection=300) - pairs() == {("pods", "patch")}
    assert pairs(dynamic_claims=True) - pairs() == {("persistentvolumeclaims", "create")}
    assert pairs(garbage_collection=0, dynamic_claims=False) == pairs()


def test_rules_are_those_of_a_role() -> None:
    assert rbac_verbs.rules()[3] == {"apiGroups": [""], "resources": ["events"], "verbs": ["list"]}


def test_a_call_covers_its_own_verbs_only() -> None:
    row = rbac_verbs.row("run-command")
    assert row.covers("create", "pods/exec")
    assert not row.covers("delete", "pods/exec")
    assert not row.covers("create", "pods")
    assert not row.covers("create", "pods/exec", "apps")
    with pytest.raises(BuildkeepError, match=r"fly: no call in verbs.yaml; the table has look-at-agent, "):
        rbac_verbs.row("fly")


@pytest.mark.parametrize("change", [{"when": "sometimes"}, {"where": "moon"}, {"verbs": []}, {"call": "two"}])
def test_a_wrong_row_is_told(tmp_path: Path, change: dict[str, object]) -> None:
    row = {"resource": "pods", "verbs": ["get"], "at": "Here", "reason": "So."}
    path = tmp_path / "verbs.yaml"
    path.write_text(yaml.safe_dump({"calls": [{"call": "one", **row, **change}, {"call": "two", **row}]}))
    with pytest.raises(ValueError, match=r"one|two"):
        rbac_verbs.load(path)

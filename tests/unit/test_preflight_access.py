"""Rights that were there before: which of them lead around the walls, and how that is said."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import (
    preflight_access,
    preflight_elsewhere,
    preflight_foreign,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings
from ansible_collections.buildkeep.ci.plugins.module_utils.tenant_objects import access

JENKINS = "system:serviceaccount:jenkins:jenkins"
VERBS = {"pods": ["create", "get"], "pods/log": ["get"]}
FINE = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
LIVE = [
    {"": "ci-shop", "buildkeep.dev/tenant": "shop"},
    {"": "ci-new"},
    {"": "ci-other"},
    {"": "default"},
    {"": "jenkins"},
]


def role(name: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"namespace": "ci-shop", "name": name}, "rules": list(rules)}


def binding(subject: dict[str, str], kind: str = "Role", reference: str = "fine", name: str = "b") -> dict[str, Any]:
    meta = {"namespace": "ci-shop", "name": name}
    return {"metadata": meta, "roleRef": {"kind": kind, "name": reference}, "subjects": [subject]}


def account(name: str, namespace: str = "jenkins") -> dict[str, str]:
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ({"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "create"]}, []),
        ({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}, ["get secrets"]),
        ({"apiGroups": [""], "resources": ["pods", "secrets"], "verbs": ["get"]}, ["get pods secrets"]),
        ({"apiGroups": [""], "resources": ["pods"], "verbs": ["*"]}, ["* pods"]),
        ({"apiGroups": [""], "resources": ["pods/log"], "verbs": ["create"]}, ["create pods/log"]),
        ({"apiGroups": ["apps"], "resources": ["pods"], "verbs": ["get"]}, ["get pods"]),
        ({"apiGroups": ["", "apps"], "resources": ["pods"], "verbs": ["get"]}, ["get pods"]),
    ],
)
def test_what_a_role_gives_too_much(rule: dict[str, Any], wrong: list[str]) -> None:
    assert preflight_foreign.excess([rule], VERBS) == wrong


@pytest.mark.parametrize(
    ("given", "found", "grave"),
    [
        (binding(account("jenkins")), False, False),
        (binding(account("jenkins"), reference="peek"), True, True),
        (binding(account("jenkins"), "ClusterRole"), True, True),
        (binding({"kind": "User", "name": JENKINS}, "ClusterRole"), True, True),
        (binding(account("jenkins"), reference="buildkeep-canary"), True, True),
        (binding({"kind": "Group", "name": "system:serviceaccounts:jenkins"}), True, True),
        (binding({"kind": "Group", "name": "system:serviceaccounts"}), True, True),
        (binding({"kind": "Group", "name": "system:authenticated"}), True, True),
        (binding({"kind": "Group", "name": "system:unauthenticated"}), True, True),
        (binding({"kind": "User", "name": "system:anonymous"}), True, True),
        (binding({"kind": "Group", "name": "buildkeep:canary"}), True, True),
        (binding({"kind": "User", "name": "jane"}, "ClusterRole", "edit"), True, False),
        (binding(account("jenkins", "ci-shop")), True, False),
        (binding({"kind": "Group", "name": "buildkeep:canary"}, reference="x", name="buildkeep-canary"), False, False),
    ],
)
def test_bindings(given: dict[str, Any], found: bool, grave: bool) -> None:
    """What the policy about RoleBindings would refuse is found; what reaches the controller or everybody is grave."""
    peek = role("peek", {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]})
    judged = preflight_foreign.find([role("fine", *FINE), peek], [given], JENKINS, VERBS)
    bindings = [one for one in judged if one.text.startswith("RoleBinding")]
    assert (bool(bindings), any(one.grave for one in bindings)) == (found, grave)
    assert [one.text for one in judged if one.text.startswith("Role ")] == ["Role peek gives list secrets"]


def test_what_is_found_is_said_once_for_each_namespace_with_the_remedy() -> None:
    found = preflight_foreign.find(
        [], [binding({"kind": "User", "name": "jane"}, "ClusterRole", "edit")], JENKINS, VERBS
    )
    (text,) = preflight_foreign.sentences([*found, *found])
    assert "namespace ci-shop: RoleBinding b gives ClusterRole edit to jane;" in text
    assert "kubectl -n ci-shop delete" in text


def test_namespaces_without_walls_are_asked_about_the_controllers_own_first() -> None:
    """Neither tenants, nor those that this run makes tenants."""
    assert preflight_elsewhere.foreign_namespaces(LIVE, ["ci-new"], "jenkins") == ["jenkins", "ci-other", "default"]


def test_a_name_that_only_looks_like_a_tenants() -> None:
    (text,) = preflight_access.reserved_warning(LIVE, ["ci-new"], "ci-")
    assert "ci-other" in text
    assert "ci-new" not in text
    assert preflight_access.reserved_warning(LIVE, ["ci-new", "ci-other"], "ci-") == []


def test_tenants_that_leave_are_not_looked_at() -> None:
    tenants = [{"name": "a"}, {"name": "b", "mode": "audit"}, {"name": "c", "state": "absent"}]
    given = access(read_settings({"tenants": tenants}))
    assert given["tenants"] == {"ci-a": "enforce", "ci-b": "audit"}
    assert given["elsewhere"] == "refuse"
    assert "secrets" not in given["verbs"]

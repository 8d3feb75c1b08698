"""Order, reach and results of the apply engine."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import applying, applying_live, applying_plugin
from ansible_collections.buildkeep.ci.plugins.module_utils.applying_live import stage
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Resource
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import Key
from ansible_collections.buildkeep.ci.plugins.module_utils.names import POLICY_PODS, POLICY_PODS_TENANT

OURS = {"app.kubernetes.io/managed-by": "buildkeep"}
SCOPES = {
    "Namespace": False,
    "ValidatingAdmissionPolicy": False,
    "ValidatingAdmissionPolicyBinding": False,
    "ConfigMap": True,
    "Role": True,
    "RoleBinding": True,
}
RESOURCES = {
    ("v1", kind): Resource("v1", kind, kind.lower() + "s", namespaced, frozenset())
    for kind, namespaced in SCOPES.items()
}


def key(kind: str, name: str = "x") -> Key:
    return Key("v1", kind, "n" if SCOPES[kind] else "", name)


def item(kind: str = "ConfigMap", namespace: str = "n", **labels: str) -> dict[str, Any]:
    metadata = {"name": "x", "labels": labels, "resourceVersion": "1"} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata}


def test_bindings_follow_what_they_bind_and_removal_goes_in_reverse() -> None:
    keys = [key(kind) for kind in reversed(SCOPES)]
    stages = [{each.kind for each in stage} for stage in applying_live.in_stages(keys, RESOURCES)]
    assert stages == [
        {"Namespace"}, {"ValidatingAdmissionPolicy"}, {"ValidatingAdmissionPolicyBinding"}, {"ConfigMap", "Role"},
        {"RoleBinding"},
    ]  # fmt: skip
    back = [{each.kind for each in stage} for stage in applying_live.in_stages(keys, RESOURCES, reverse=True)]
    assert back == stages[::-1]


def test_paths() -> None:
    role = Resource("rbac.authorization.k8s.io/v1", "Role", "roles", True, frozenset())
    assert role.path("n", "a/b") == "/apis/rbac.authorization.k8s.io/v1/namespaces/n/roles/a%2Fb"
    assert role.path() == "/apis/rbac.authorization.k8s.io/v1/roles"
    assert RESOURCES["v1", "Namespace"].path(name="x") == "/api/v1/namespaces/x"


def test_tenants_limit_the_reach() -> None:
    assert applying.Options("o").covers("shop")
    assert applying.Options("o").covers("")
    assert applying.Options("o", tenants=frozenset({"shop"})).covers("shop")
    assert not applying.Options("o", tenants=frozenset({"shop"})).covers("")
    assert not applying.Options("o", tenants=frozenset()).covers("shop")


def test_the_namespace_says_whose_an_object_is_and_elsewhere_its_label() -> None:
    live = applying_live.Live(tenants={"n": "shop"})
    assert live.tenant(item(**{"buildkeep.dev/tenant": "blog"})) == "shop"
    assert live.tenant(item(namespace="jenkins", **{"buildkeep.dev/tenant": "blog"})) == "blog"
    assert live.tenant(item("Role", "jenkins")) == ""


@pytest.mark.parametrize(
    ("status", "live", "after", "action"),
    [
        (201, None, item(), "created"),
        (200, None, item(), "adopted"),
        (200, item(**OURS), {**item(**OURS), "status": {"used": 1}}, "unchanged"),
        (200, item(**OURS), item(**OURS, more="x"), "changed"),
        (200, item(theirs="x"), item(**OURS, theirs="x"), "adopted"),
    ],
)
def test_actions(status: int, live: dict[str, Any] | None, after: dict[str, Any], action: str) -> None:
    assert applying._action(status, live, after) == action


def test_a_moved_version_alone_is_no_change() -> None:
    live, after = item(**OURS), item(**OURS)
    after["metadata"]["resourceVersion"] = "2"
    assert applying._action(200, live, after) == "unchanged"


def test_objects_in_the_wrong_scope_are_all_named() -> None:
    wrong = [item("Namespace", "n", **{"buildkeep.dev/tenant": "x"}), item("ConfigMap", "")]
    with pytest.raises(BuildkeepError) as caught:
        applying.validate(wrong, RESOURCES)
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["Namespace n/x", "ConfigMap x"]
    applying.validate([item("Namespace", "", **{"buildkeep.dev/tenant": "x"}), item()], RESOURCES)


def test_a_namespace_of_no_tenant_would_not_be_found_again() -> None:
    with pytest.raises(BuildkeepError, match=r"Namespace x: metadata.labels: buildkeep.dev/tenant is missing"):
        applying.validate([item("Namespace", "")], RESOURCES)


def test_manifests_are_objects_or_texts_alone_or_listed() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n---\n"
    assert len(applying_plugin.given_objects(text)) == 1
    assert len(applying_plugin.given_objects(item())) == 1
    assert len(applying_plugin.given_objects([item(), text * 2])) == 3
    assert applying_plugin.given_objects([]) == []
    with pytest.raises(BuildkeepError) as caught:
        applying_plugin.given_objects([{"kind": "X"}, "a: [", 7])
    assert [problem.split(":")[0] for problem in caught.value.problems] == [f"manifests[{n}]" for n in range(3)]


def test_pruned_kinds() -> None:
    kinds = applying_plugin.pruned_kinds(["v1/ConfigMap", "rbac.authorization.k8s.io/v1/Role"])
    assert kinds == [("v1", "ConfigMap"), ("rbac.authorization.k8s.io/v1", "Role")]
    with pytest.raises(BuildkeepError, match="'ConfigMap': write apiVersion/Kind"):
        applying_plugin.pruned_kinds(["ConfigMap"])


def test_the_result_counts_and_says_each_note_once() -> None:
    changes = [
        applying.Change(key("ConfigMap", name), action, ("note",))
        for name, action in (("a", "created"), ("b", "unchanged"), ("c", "created"))
    ]
    result = applying_plugin.result(changes)
    assert result["changed"] is True
    assert result["msg"] == "2 created, 1 unchanged"
    assert result["warnings"] == ["note"]
    assert "diff" not in result
    assert result["objects"][0] == {"kind": "ConfigMap", "namespace": "n", "name": "a", "action": "created"}
    assert applying_plugin.result([]) == {"changed": False, "objects": [], "msg": "nothing to do"}


def test_the_policy_that_ordinary_pods_are_left_to_is_bound_before_they_are() -> None:
    kinds = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
    order = [
        *((kind, f"{POLICY_PODS_TENANT}{end}") for kind, end in zip(kinds, ("", "-enforce"), strict=True)),
        *((kind, f"{POLICY_PODS}{end}") for kind, end in zip(kinds, ("", "-enforce"), strict=True)),
    ]
    assert sorted(order, key=lambda one: stage(one[0], False, one[1])) == order
    assert stage("Namespace", False) < stage(order[0][0], False, order[0][1])

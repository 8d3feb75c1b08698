"""Roles, RoleBindings and exec in a tenant's namespace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import rbac_verbs

from tests.api import pods
from tests.api.api import RBAC, Answer, Api
from tests.api.conftest import namespace_admin, tenant_namespace

GROUP = "rbac.authorization.k8s.io"
JENKINS = {"kind": "ServiceAccount", "name": "jenkins", "namespace": "jenkins"}
CONTROLLER_RULES = rbac_verbs.rules()
CANARY_RULES = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["create"]}]


@pytest.fixture(scope="module")
def path(admin: Api, shop: str) -> str:
    """RBAC of a tenant's namespace, with a Role to bind."""
    tenant_namespace(admin, "ci-rbac")
    path = f"{RBAC}/namespaces/ci-rbac"
    for name, rules in (("buildkeep-controller", CONTROLLER_RULES), ("buildkeep-canary", CANARY_RULES)):
        admin.create(f"{path}/roles", {"metadata": {"name": name}, "rules": rules}).done()
    return path


@pytest.fixture(scope="module")
def dev(admin: Api, path: str) -> Iterator[Api]:
    """A user who may do anything in that namespace."""
    yield namespace_admin(admin, "ci-rbac")


def refused(answer: Answer, policy: str) -> bool:
    """Whether this policy refused."""
    named = f"ValidatingAdmissionPolicy 'buildkeep-{policy}' with binding 'buildkeep-{policy}-enforce'"
    return answer.status == 403 and named in answer.message and f"[{policy}]" in answer.message


@pytest.mark.parametrize(
    ("resources", "verbs"),
    [
        (["secrets"], ["get"]),
        (["pods"], ["patch"]),
        (["*"], ["get"]),
        (["pods"], ["*"]),
        (["pods/ephemeralcontainers"], ["update"]),
        (["pods", "secrets"], ["get"]),
        (["serviceaccounts/token"], ["create"]),
    ],
    ids=str,
)
def test_a_role_holds_only_what_the_controller_needs(
    dev: Api, path: str, resources: list[str], verbs: list[str]
) -> None:
    rule = {"apiGroups": [""], "resources": resources, "verbs": verbs}
    answer = dev.create(f"{path}/roles", {"metadata": {"name": "extra"}, "rules": [*CONTROLLER_RULES, rule]}, dry=True)
    assert refused(answer, "roles"), answer.message
    assert f'"{" ".join(verbs)} {" ".join(resources)}" is not allowed; allowed: ' in answer.message
    assert dev.create(f"{path}/roles", {"metadata": {"name": "extra"}, "rules": CONTROLLER_RULES}, dry=True).ok


def test_other_groups_updates_and_deletion_of_roles(dev: Api, admin: Api, path: str) -> None:
    other = [{"apiGroups": ["", "rbac.authorization.k8s.io"], "resources": ["pods"], "verbs": ["get"]}]
    assert refused(dev.create(f"{path}/roles", {"metadata": {"name": "extra"}, "rules": other}, dry=True), "roles")
    role = f"{path}/roles/buildkeep-controller"
    wider = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]
    assert refused(dev.patch(role, {"rules": wider}, dry=True), "roles")
    assert admin.patch(role, {"rules": wider}, dry=True).ok
    assert refused(dev.request("DELETE", f"{role}?dryRun=All"), "roles")
    assert admin.request("DELETE", f"{role}?dryRun=All").ok


def test_the_canary_role_holds_pod_creation_only(dev: Api, path: str) -> None:
    role = f"{path}/roles/buildkeep-canary"
    assert dev.patch(role, {"rules": CANARY_RULES, "metadata": {"labels": {"a": "b"}}}, dry=True).ok
    assert refused(dev.patch(role, {"rules": CONTROLLER_RULES}, dry=True), "roles")


MARKS = [
    ({"labels": {"app.kubernetes.io/managed-by": "buildkeep"}}, "app.kubernetes.io/managed-by"),
    ({"labels": {"buildkeep.dev/role": "tenants"}}, "buildkeep.dev/role"),
    ({"labels": {"buildkeep.dev/tenant": "blog"}}, "buildkeep.dev/tenant"),
    ({"annotations": {"buildkeep.dev/before": "{}"}}, "buildkeep.dev/before"),
    ({"annotations": {"buildkeep.dev/tenant": ""}}, "buildkeep.dev/tenant"),
]


@pytest.mark.parametrize(("metadata", "shown"), MARKS, ids=str)
@pytest.mark.parametrize("kind", ["roles", "rolebindings"])
def test_only_managers_mark_what_counts_as_ours(
    dev: Api, admin: Api, path: str, kind: str, metadata: dict[str, Any], shown: str
) -> None:
    body = {"rules": CONTROLLER_RULES} if kind == "roles" else binding("Role", "buildkeep-controller", JENKINS)
    marked = {**body, "metadata": {"name": "marked", **metadata}}
    ours = f"{path}/{kind}/ours"
    labels = {"app.kubernetes.io/managed-by": "buildkeep", "buildkeep.dev/role": "tenants"}
    if not admin.request("GET", ours).ok:
        annotations = {"buildkeep.dev/before": "{...}"}
        metadata_of_ours = {"name": "ours", "labels": labels, "annotations": annotations}
        admin.create(f"{path}/{kind}", {**body, "metadata": metadata_of_ours}).done()
    removal = {field: dict.fromkeys(values) for field, values in metadata.items()}
    forged = {"metadata": {"annotations": {"buildkeep.dev/before": "{}"}}}
    refusals = [(dev.create(f"{path}/{kind}", marked, dry=True), shown), (dev.patch(ours, forged, dry=True), "before")]
    refusals += [(dev.patch(ours, {"metadata": {"labels": {key: None}}}, dry=True), key) for key in labels]
    for answer, key in refusals:
        assert refused(answer, kind), answer.message
        assert f'[{kind}] field metadata: "' in answer.message and f'{key}" is not allowed' in answer.message
        assert "; [" not in answer.message
    assert admin.create(f"{path}/{kind}", marked, dry=True).ok
    assert admin.patch(ours, {"metadata": removal}, dry=True).ok
    assert dev.patch(ours, {"metadata": {"labels": {"team": "a"}}}, dry=True).ok


EMPTIED: list[tuple[str, str, Any]] = [
    ("roles", "rules", []),
    ("roles", "rules", CONTROLLER_RULES[:1]),
    ("rolebindings", "subjects", []),
    ("rolebindings", "subjects", None),
]


@pytest.mark.parametrize(("kind", "field", "value"), EMPTIED, ids=str)
def test_only_managers_change_what_buildkeep_made(
    dev: Api, admin: Api, path: str, kind: str, field: str, value: Any
) -> None:
    body = {"rules": CONTROLLER_RULES} if kind == "roles" else binding("Role", "buildkeep-controller", JENKINS)
    labels = {"app.kubernetes.io/managed-by": "buildkeep", "buildkeep.dev/role": "rbac"}
    for name, metadata in (("made", {"labels": labels}), ("theirs", {"labels": {"buildkeep.dev/tenant": "shop"}})):
        if not admin.request("GET", f"{path}/{kind}/{name}").ok:
            admin.create(f"{path}/{kind}", {**body, "metadata": {"name": name, **metadata}}).done()
    answer = dev.patch(f"{path}/{kind}/made", {field: value}, dry=True)
    expected = f'[{kind}] field {field}: "UPDATE" of what Buildkeep made is not allowed; allowed: whoever has the verb'
    assert refused(answer, kind) and expected in answer.message and "; [" not in answer.message, answer.message
    assert admin.patch(f"{path}/{kind}/made", {field: value}, dry=True).ok
    assert dev.patch(f"{path}/{kind}/theirs", {field: value}, dry=True).ok
    stored = admin.request("GET", f"{path}/{kind}/made").done()
    stored["metadata"]["finalizers"] = ["example.com/x"]
    assert dev.request("PUT", f"{path}/{kind}/made?dryRun=All", stored).ok


def test_whoever_installs_the_chart_need_not_manage_tenants(dev: Api, path: str) -> None:
    labels = {"app.kubernetes.io/managed-by": "Helm", "buildkeep.dev/tenant": pods.TENANT}
    for kind, body in (("roles", {"rules": CONTROLLER_RULES}), ("rolebindings", binding("Role", "x", JENKINS))):
        answer = dev.create(f"{path}/{kind}", {**body, "metadata": {"name": "chart", "labels": labels}}, dry=True)
        assert answer.ok, answer.message


def binding(kind: str, role: str, *subjects: dict[str, Any]) -> dict[str, Any]:
    """A RoleBinding."""
    return {
        "metadata": {"name": "b"},
        "roleRef": {"apiGroup": GROUP, "kind": kind, "name": role},
        "subjects": list(subjects),
    }


CANARY = {"kind": "Group", "apiGroup": GROUP, "name": "buildkeep:canary"}
BINDINGS = [
    (binding("Role", "buildkeep-controller", {**JENKINS, "name": "other"}), "system:serviceaccount:jenkins:other"),
    (
        binding("Role", "buildkeep-controller", {**JENKINS, "namespace": "ci-rbac"}),
        "system:serviceaccount:ci-rbac:jenkins",
    ),
    (binding("Role", "buildkeep-controller", JENKINS, {"kind": "User", "apiGroup": GROUP, "name": "eve"}), "User eve"),
    (binding("Role", "buildkeep-controller", CANARY), "Group buildkeep:canary"),
    (binding("Role", "buildkeep-canary", JENKINS), "system:serviceaccount:jenkins:jenkins"),
    (binding("ClusterRole", "cluster-admin", JENKINS), "ClusterRole cluster-admin to"),
]


@pytest.mark.parametrize(("body", "shown"), BINDINGS, ids=[shown for _, shown in BINDINGS])
def test_a_binding_is_for_the_controller_only(dev: Api, path: str, body: dict[str, Any], shown: str) -> None:
    answer = dev.create(f"{path}/rolebindings", body, dry=True)
    assert refused(answer, "rolebindings") and shown in answer.message, answer.message


def test_the_right_bindings_are_admitted_and_stay(dev: Api, admin: Api, path: str) -> None:
    good = binding("Role", "buildkeep-controller", JENKINS)
    assert dev.create(f"{path}/rolebindings", binding("Role", "buildkeep-canary", CANARY), dry=True).ok
    dev.create(f"{path}/rolebindings", good).done()
    for answer in (
        dev.request("DELETE", f"{path}/rolebindings/b?dryRun=All"),
        dev.request("DELETE", f"{path}/rolebindings"),
    ):
        assert refused(answer, "rolebindings") and '"DELETE" is not allowed' in answer.message, answer.message
    assert refused(dev.patch(f"{path}/rolebindings/b", {"subjects": [CANARY]}, dry=True), "rolebindings")
    cleanup = admin.user("system:serviceaccount:kube-system:namespace-controller")
    assert cleanup.request("DELETE", f"{path}/rolebindings/b?dryRun=All").ok
    assert admin.request("DELETE", f"{path}/rolebindings/b").ok


def test_only_the_controller_runs_commands(admin: Api, dev: Api, path: str) -> None:
    admin.create(f"{path}/rolebindings", binding("Role", "buildkeep-controller", JENKINS)).done()
    admin.pod("ci-rbac", pods.dynamic_agent(), dry=False).done()
    pod = "/api/v1/namespaces/ci-rbac/pods/agent-x1"
    controller = admin.account("jenkins", "jenkins")
    # No kubelet is there, so an admitted request ends at the missing node.
    assert "does not have a host assigned" in controller.request("GET", f"{pod}/exec?command=id&container=tool").message
    # What reaches a port of the pod by another way: a Service.
    service = "/api/v1/namespaces/ci-rbac/services/http:agent:80/proxy/"
    parts = ("exec?command=id&container=tool", "attach?container=tool", "portforward?ports=80", "proxy/")
    for user in (dev, admin):
        for field, url in (*((f"pods/{part}", f"{pod}/{part}") for part in parts), ("services/proxy", service)):
            answer = user.request("GET", url)
            assert refused(answer, "exec"), answer.message
            assert f"[exec] field {field.partition('?')[0].strip('/')}: " in answer.message
            assert "exec by system:serviceaccount:jenkins:jenkins" in answer.message

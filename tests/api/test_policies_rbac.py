"""Roles, RoleBindings and exec in a tenant's namespace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api import pods
from tests.api.api import RBAC, Answer, Api
from tests.api.conftest import namespace_admin, tenant_namespace

GROUP = "rbac.authorization.k8s.io"
JENKINS = {"kind": "ServiceAccount", "name": "jenkins", "namespace": "jenkins"}
CONTROLLER_RULES = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch", "create", "delete"]},
    {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create", "get"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["list", "watch"]},
]
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
    for user in (dev, admin):
        for part in ("exec?command=id&container=tool", "attach?container=tool", "portforward?ports=80", "proxy/"):
            answer = user.request("GET", f"{pod}/{part}")
            assert refused(answer, "exec"), answer.message
            name = part.partition("?")[0].strip("/")
            assert (
                f"[exec] field {name}: " in answer.message
                and "exec by system:serviceaccount:jenkins:jenkins" in answer.message
            )

"""What OpenShift's controllers bind in every namespace, played by their names: let through to the letter only."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.api.api import RBAC, Api, Object
from tests.api.guarded import almighty, grant, sentence

SPACE = "ci-openshift"
BINDINGS = f"{RBAC}/namespaces/{SPACE}/rolebindings"
CREATOR = "system:serviceaccount:openshift-infra:default-rolebindings-controller"
GROUP = "rbac.authorization.k8s.io"
PULLERS = {"kind": "Group", "apiGroup": GROUP, "name": f"system:serviceaccounts:{SPACE}"}
DEFAULTS = {
    "system:image-pullers": ("system:image-puller", PULLERS),
    "system:image-builders": (
        "system:image-builder",
        {"kind": "ServiceAccount", "name": "builder", "namespace": SPACE},
    ),
    "system:deployers": ("system:deployer", {"kind": "ServiceAccount", "name": "deployer", "namespace": SPACE}),
}


def binding(name: str, role: str, *subjects: Object) -> Object:
    """A RoleBinding as that controller makes it."""
    note = {"openshift.io/description": "..."}
    reference = {"kind": "ClusterRole", "apiGroup": GROUP, "name": role}
    return {"metadata": {"name": name, "annotations": note}, "roleRef": reference, "subjects": list(subjects)}


@pytest.fixture(scope="module")
def dev(admin: Api, shop: str) -> Api:
    """A user with every right in the namespace; the ClusterRoles of OpenShift are there."""
    for role, _ in DEFAULTS.values():
        admin.create(f"{RBAC}/clusterroles", {"metadata": {"name": role}, "rules": []}).done()
    return almighty(admin, SPACE)


@pytest.fixture(scope="module")
def controller(admin: Api, dev: Api) -> Api:
    """The controller, which may bind anything."""
    grant(admin, CREATOR, {"apiGroups": [GROUP], "resources": ["*"], "verbs": ["*"]})
    return admin.user(CREATOR, "system:serviceaccounts")


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_bindings_of_every_namespace_are_made_by_their_controller(controller: Api, dev: Api, name: str) -> None:
    role, subject = DEFAULTS[name]
    made = binding(name, role, subject)
    answer = controller.create(BINDINGS, made, dry=True)
    assert answer.ok, answer.message
    refused = sentence(dev.create(BINDINGS, made, dry=True), "rolebindings")
    assert refused.startswith(f'[rolebindings] field subjects: "ClusterRole {role} to ')


CHANGES: dict[str, dict[str, Any]] = {
    "another name": {"metadata": {"name": "system:image-pullers2"}},
    "another role": {"roleRef": {"kind": "ClusterRole", "apiGroup": GROUP, "name": "cluster-admin"}},
    "a role of its own": {"roleRef": {"kind": "Role", "apiGroup": GROUP, "name": "system:image-puller"}},
    "everybody": {"subjects": [{**PULLERS, "name": "system:authenticated"}]},
    "another namespace": {"subjects": [{**PULLERS, "name": f"system:serviceaccounts:{SPACE}2"}]},
    "one more": {"subjects": [PULLERS, {"kind": "User", "apiGroup": GROUP, "name": "eve"}]},
    "another's role": {"roleRef": {"kind": "ClusterRole", "apiGroup": GROUP, "name": "system:deployer"}},
}


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_else_is_let_through(controller: Api, dev: Api, change: str) -> None:
    role, subject = DEFAULTS["system:image-pullers"]
    made = {**copy.deepcopy(binding("system:image-pullers", role, subject)), **CHANGES[change]}
    assert "[rolebindings]" in sentence(controller.create(BINDINGS, made, dry=True), "rolebindings")


def test_they_are_changed_and_deleted_by_managers_only(admin: Api, controller: Api, dev: Api) -> None:
    role, subject = DEFAULTS["system:deployers"]
    controller.create(BINDINGS, binding("system:deployers", role, subject)).done()
    path = f"{BINDINGS}/system:deployers"
    for user in (controller, dev):
        wider = user.patch(path, {"subjects": [{**PULLERS, "name": "system:authenticated"}]}, dry=True)
        assert "[rolebindings]" in sentence(wider, "rolebindings")
        assert '"DELETE"' in sentence(user.request("DELETE", f"{path}?dryRun=All"), "rolebindings")
    assert admin.request("DELETE", path).ok

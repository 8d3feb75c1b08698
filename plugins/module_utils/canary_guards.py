"""The canaries of the policies that are not about pods: one request for each, which that policy must refuse.

Every request is one that RBAC lets the canaries' group send (`rights`), for else RBAC would answer first. None of them
leaves anything behind: four are dry runs, and the commands are for a pod that does not exist.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.canaries_requests import APPLY, CONNECT, CREATE, PATCH
from ansible_collections.buildkeep.ci.plugins.module_utils.names import (
    ANNOTATION_IMAGES,
    CANARY_NAMESPACE,
    CANARY_ROLE,
    POLICY_EXEC,
    POLICY_NAMES,
    POLICY_NAMESPACES,
    POLICY_ROLEBINDINGS,
    POLICY_ROLES,
    STRANGER,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings

Case = dict[str, Any]
Rule = dict[str, Any]

_RBAC = "rbac.authorization.k8s.io"


def reserved_name(prefix: str) -> str:
    """The name of a namespace that is kept for tenants and that no tenant can have (settings_checks refuses it)."""
    return prefix + CANARY_NAMESPACE


def rights() -> list[Rule]:
    """The rules of the Role in the canaries' own namespace.

    A Role or RoleBinding may only be sent by who holds all that it gives (no `escalate`, no `bind`): those below give
    no more than this Role. A Namespace counts as lying in itself, so that a Role of it is enough to change it.
    """
    return [
        {"apiGroups": [""], "resources": ["pods", "pods/exec", "pods/attach"], "verbs": ["create"]},
        {"apiGroups": [_RBAC], "resources": ["roles", "rolebindings"], "verbs": ["create"]},
        {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": [CANARY_NAMESPACE], "verbs": ["patch"]},
    ]


def cluster_rights(prefix: str) -> list[Rule]:
    """The rules of the ClusterRole: to create one namespace, which the policy about names refuses.

    An ordinary create cannot be limited by name; server-side apply names the object, also to RBAC.
    """
    names = [reserved_name(prefix)]
    return [
        {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": names, "verbs": ["create", "patch"]},
    ]


def guard_cases(settings: Settings) -> list[Case]:
    """Give a request for each policy that is not about pods, which it must refuse."""
    role: dict[str, Any] = {"apiVersion": f"{_RBAC}/v1", "kind": "Role", "metadata": {"name": "canary"}}
    role["rules"] = [{"apiGroups": [_RBAC], "resources": ["rolebindings"], "verbs": ["create"]}]
    binding = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "canary"},
        "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": CANARY_ROLE},
        "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": "canary"}],
    }
    wider = {ANNOTATION_IMAGES: "canary.buildkeep.invalid/"}
    space = _object("Namespace", CANARY_NAMESPACE, annotations=wider)
    command = {"verb": CONNECT, "body": _object("Pod", "canary")}
    return [
        _case("exec", POLICY_EXEC, {**command, "subresource": "exec"}, STRANGER),
        _case("attach", POLICY_EXEC, {**command, "subresource": "attach"}),
        _case("roles", POLICY_ROLES, {"verb": CREATE, "body": role}),
        _case("rolebindings", POLICY_ROLEBINDINGS, {"verb": CREATE, "body": binding}),
        _case("namespaces", POLICY_NAMESPACES, {"verb": PATCH, "body": space}),
        _case("names", POLICY_NAMES, {"verb": APPLY, "body": _object("Namespace", reserved_name(settings.prefix))}),
    ]


def _object(kind: str, name: str, **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, **metadata}}


def _case(name: str, policy: str, request: dict[str, Any], user: str = "") -> Case:
    return {
        "name": f"guard/{name}",
        "namespace": CANARY_NAMESPACE,
        "request": request,
        "user": user,
        "expect": "refused",
        "policy": policy,
        "rule": policy.removeprefix("buildkeep-"),
    }

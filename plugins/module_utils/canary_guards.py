"""The canaries of the policies that are not about pods: one request for each, which that policy must refuse.

Every request is one that RBAC lets the canaries' group send (`rights`), for else RBAC would answer first. None of them
leaves anything behind: all but the commands are dry runs, and those are for a pod that does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.canaries_requests import (
    APPLY,
    BIND,
    CONNECT,
    CREATE,
    PATCH,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.names import (
    ANNOTATION_IMAGES,
    CANARY_NAMESPACE,
    CANARY_ROLE,
    POLICY_BINDINGS,
    POLICY_CLAIMS,
    POLICY_CONFIGMAPS,
    POLICY_EXEC,
    POLICY_NAMES,
    POLICY_NAMESPACES,
    POLICY_PERSISTENTVOLUMES,
    POLICY_ROLEBINDINGS,
    POLICY_ROLES,
    POLICY_SERVICEACCOUNTS,
    POLICY_SERVICES,
    POLICY_WORKLOADS,
    SIDECAR_SUFFIX,
    STRANGER,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings

Case = dict[str, Any]
Rule = dict[str, Any]

_RBAC = "rbac.authorization.k8s.io"
_OF_PODS = ("pods/exec", "pods/attach", "pods/binding")
_OURS = ("services", "serviceaccounts", "persistentvolumeclaims", "configmaps")
# RFC 2606: nobody has a StorageClass, or a registry, of this name.
_NOBODYS = "canary.buildkeep.invalid"


def reserved_name(prefix: str) -> str:
    """The name of a namespace that is kept for tenants and that no tenant can have (settings_checks refuses it)."""
    return prefix + CANARY_NAMESPACE


def rights() -> list[Rule]:
    """The rules of the Role in the canaries' own namespace.

    A Role or RoleBinding may only be sent by who holds all that it gives (no `escalate`, no `bind`): those below give
    no more than this Role. A Namespace counts as lying in itself, so that a Role of it is enough to change it.
    """
    return [
        {"apiGroups": [""], "resources": ["pods", *_OF_PODS, *_OURS], "verbs": ["create"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["create"]},
        {"apiGroups": [_RBAC], "resources": ["roles", "rolebindings"], "verbs": ["create"]},
        {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": [CANARY_NAMESPACE], "verbs": ["patch"]},
    ]


def cluster_rights(prefix: str) -> list[Rule]:
    """The rules of the ClusterRole: to create one namespace and one volume, which policies refuse.

    An ordinary create cannot be limited by name; server-side apply names the object, also to RBAC.
    """
    named = {"namespaces": reserved_name(prefix), "persistentvolumes": CANARY_NAMESPACE}
    return [
        {"apiGroups": [""], "resources": [kind], "resourceNames": [name], "verbs": ["create", "patch"]}
        for kind, name in named.items()
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
        _case("bindings", POLICY_BINDINGS, {"verb": BIND, "subresource": "binding", "body": _object("Pod", "canary")}),
        _case("roles", POLICY_ROLES, {"verb": CREATE, "body": role}),
        _case("rolebindings", POLICY_ROLEBINDINGS, {"verb": CREATE, "body": binding}),
        _case("namespaces", POLICY_NAMESPACES, {"verb": PATCH, "body": space}),
        _case("names", POLICY_NAMES, {"verb": APPLY, "body": _object("Namespace", reserved_name(settings.prefix))}),
        *_object_cases(settings),
    ]


def _object_cases(settings: Settings) -> list[Case]:
    """Give those about what else stands in a tenant's namespace, and about volumes."""
    identity = _object("ServiceAccount", "canary", annotations={f"{_NOBODYS}/identity": "canary"})
    service = _object("Service", "canary")
    service["spec"] = {"externalIPs": ["192.0.2.1"], "ports": [{"port": 80}]}
    claim = _object("PersistentVolumeClaim", "canary")
    size = {"storage": "1Mi"}
    claim["spec"] = {
        "storageClassName": _NOBODYS,
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": size},
    }
    volume = _object("PersistentVolume", CANARY_NAMESPACE)
    volume["spec"] = {
        "storageClassName": _NOBODYS,
        "accessModes": ["ReadWriteOnce"],
        "capacity": size,
        "hostPath": {"path": "/canary"},
        "claimRef": {"namespace": reserved_name(settings.prefix), "name": "canary"},
    }
    files = _object("ConfigMap", "canary", labels={settings.controller.name + SIDECAR_SUFFIX: "true"})
    labels = {"app": "canary"}
    workload = _object("Deployment", "canary")
    container = {"name": "canary", "image": f"{_NOBODYS}/foreign:1"}
    workload["apiVersion"] = "apps/v1"
    workload["spec"] = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    soft: Mapping[str, Case] = {"enforce": {}, "audit": {"expect": "warned"}}
    return [
        _case("services", POLICY_SERVICES, {"verb": CREATE, "body": service}),
        _case("serviceaccounts", POLICY_SERVICEACCOUNTS, {"verb": CREATE, "body": identity}),
        _case("claims", POLICY_CLAIMS, {"verb": CREATE, "body": claim}),
        # A volume is of no namespace: the mode of the cluster holds.
        {
            **_case("persistentvolumes", POLICY_PERSISTENTVOLUMES, {"verb": APPLY, "body": volume}),
            **soft[settings.mode],
        },
        {**_case("configmaps", POLICY_CONFIGMAPS, {"verb": CREATE, "body": files}), **soft[settings.mode]},
        {**_case("workloads", POLICY_WORKLOADS, {"verb": CREATE, "body": workload}), "expect": "warned"},
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

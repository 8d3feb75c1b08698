"""What the attacks need on the cluster beside the tenants, and its removal.

One namespace of our own holds the debugging user, and is at the same time shop's twin without Pod Security: the same
tenant label and annotations, so that our policies judge the same pod there with nobody answering before them.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from testbed.attacks.api import Api
from testbed.attacks.waiting import wait

TENANT, OTHER_TENANT = "ci-shop", "ci-blog"
CONTROLLER = ("jenkins", "jenkins")
TWIN = "buildkeep-attacks"
DEBUGGER = "debugger"
OURS = "buildkeep.dev/"
RBAC = "rbac.authorization.k8s.io"
TOKEN_SECONDS = 3600


@dataclass(frozen=True)
class Stage:
    """The cluster as the attackers see it: the administrator's view, the controller's, and the debugging user's."""

    admin: Api
    controller: Api
    debugger: Api


def namespace_path(name: str) -> str:
    """The API path of a namespace."""
    return f"/api/v1/namespaces/{name}"


def twin_of(tenant: Mapping[str, Any]) -> dict[str, Any]:
    """A namespace with the tenant's label, mode and annotations, and without Pod Security."""
    metadata = tenant["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": TWIN,
            "labels": {k: v for k, v in metadata.get("labels", {}).items() if k in (OURS + "tenant", OURS + "mode")},
            "annotations": {
                k: v for k, v in metadata.get("annotations", {}).items() if k in (OURS + "images", OURS + "builders")
            },
        },
    }


def role(rules: Mapping[str, list[str]]) -> dict[str, Any]:
    """A Role of ours over core resources: resource to verbs."""
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "Role",
        "metadata": {"name": TWIN},
        "rules": [{"apiGroups": [""], "resources": [name], "verbs": verbs} for name, verbs in rules.items()],
    }


def binding(*accounts: tuple[str, str]) -> dict[str, Any]:
    """The RoleBinding of that Role to ServiceAccounts, each (namespace, name)."""
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": TWIN},
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": TWIN},
        "subjects": [{"kind": "ServiceAccount", "namespace": home, "name": name} for home, name in accounts],
    }


def token_of(admin: Api, namespace: str, name: str) -> str:
    """A short-lived token of a ServiceAccount, as its pod would hold one."""
    body = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": TOKEN_SECONDS},
    }
    answer = admin.must("POST", f"{namespace_path(namespace)}/serviceaccounts/{name}/token", body)
    return str(answer["status"]["token"])


def grants(debugger: tuple[str, str]) -> list[tuple[str, dict[str, Any]]]:
    """The Roles and RoleBindings of the stage, each with the namespace that it belongs to."""
    debugging = {"pods": ["get", "list"], "pods/ephemeralcontainers": ["get", "patch"]}
    acting = {"pods": ["get", "list", "create"], "pods/ephemeralcontainers": ["get", "patch"]}
    return [
        (TENANT, role(debugging)),
        (TENANT, binding(debugger)),
        (TWIN, role(acting)),
        (TWIN, binding(debugger, CONTROLLER)),
    ]


def rbac_path(namespace: str, kind: str, name: str = "") -> str:
    """The API path of a Role or RoleBinding, or of all of them."""
    return f"/apis/{RBAC}/v1/namespaces/{namespace}/{kind.lower()}s" + (f"/{name}" if name else "")


def set_up(admin: Api) -> Stage:
    """Makes everything of the stage.

    Raises:
        RuntimeError: the API server refused it; its words are in the message.
    """
    admin.must("POST", "/api/v1/namespaces", twin_of(admin.must("GET", namespace_path(TENANT))))
    for name in (DEBUGGER, "agent"):
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
        admin.must("POST", f"{namespace_path(TWIN)}/serviceaccounts", account)
    for namespace, thing in grants((TWIN, DEBUGGER)):
        admin.must("POST", rbac_path(namespace, thing["kind"]), thing)
    return Stage(
        admin,
        admin.as_bearer(token_of(admin, *CONTROLLER)),
        admin.as_bearer(token_of(admin, TWIN, DEBUGGER)),
    )


def tear_down(admin: Api) -> None:
    """Takes everything of the stage away, what an interrupted run left included, and waits until it is gone."""
    gone = [rbac_path(TENANT, kind, TWIN) for kind in ("RoleBinding", "Role")] + [namespace_path(TWIN)]
    for path in gone:
        status, answer = admin.call("DELETE", path)
        if status >= 400 and status != 404:
            raise RuntimeError(f"DELETE {path}: {json.dumps(answer)}")
    wait(lambda: admin.call("GET", namespace_path(TWIN))[0] == 404, 60, f"the namespace {TWIN} to be gone")


@contextmanager
def stage(admin: Api) -> Iterator[Stage]:
    """The stage, for as long as it is needed."""
    tear_down(admin)
    try:
        yield set_up(admin)
    finally:
        tear_down(admin)


def in_twin(pod: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a pod, to be sent to the twin."""
    moved = copy.deepcopy(dict(pod))
    moved.setdefault("metadata", {})["namespace"] = TWIN
    return moved

"""What the attacks need on the cluster beside the tenants, and its removal.

Two namespaces. The one outside all tenants holds the debugging user, and a pod on which that user's right works. The
other is shop's twin without Pod Security: it has the same tenant label and annotations, so that our policies judge the
same pod there with nobody answering before them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from testbed.attacks.api import Api, message
from testbed.attacks.waiting import wait

TENANT, OTHER_TENANT = "ci-shop", "ci-blog"
CONTROLLER = ("jenkins", "jenkins")
OUTSIDE, TWIN = "buildkeep-attacks", "buildkeep-attacks-twin"
DEBUGGER, DEPLOYER, BYSTANDER = "debugger", "deployer", "bystander"
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
        "metadata": {"name": OUTSIDE},
        "rules": [{"apiGroups": [""], "resources": [name], "verbs": verbs} for name, verbs in rules.items()],
    }


def binding(*accounts: tuple[str, str]) -> dict[str, Any]:
    """The RoleBinding of that Role to ServiceAccounts, each (namespace, name)."""
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": OUTSIDE},
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": OUTSIDE},
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


def grants() -> list[tuple[str, dict[str, Any]]]:
    """The Roles and RoleBindings of the stage, each with the namespace that it belongs to."""
    debugger = (OUTSIDE, DEBUGGER)
    debugging = {"pods": ["get", "list"], "pods/ephemeralcontainers": ["get", "patch"]}
    acting = debugging | {"pods": ["get", "list", "create"]}
    return [
        (TENANT, role(debugging)),
        (TENANT, binding(debugger)),
        (OUTSIDE, role(debugging)),
        (OUTSIDE, binding(debugger)),
        (TWIN, role(acting)),
        (TWIN, binding(debugger, CONTROLLER)),
    ]


def rbac_path(namespace: str, kind: str, name: str = "") -> str:
    """The API path of a Role or RoleBinding, or of all of them."""
    return f"/apis/{RBAC}/v1/namespaces/{namespace}/{kind.lower()}s" + (f"/{name}" if name else "")


def bystander(image: str) -> dict[str, Any]:
    """A pod that belongs to no tenant and does nothing."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": BYSTANDER},
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "sleep", "image": image, "command": ["sleep", "infinity"]}],
        },
    }


def set_up(admin: Api, image: str) -> Stage:
    """Makes everything of the stage.

    Args:
        admin: the administrator.
        image: what the bystander runs.

    Raises:
        RuntimeError: the API server refused it; its words are in the message.
    """
    admin.must("POST", "/api/v1/namespaces", twin_of(admin.must("GET", namespace_path(TENANT))))
    admin.must("POST", "/api/v1/namespaces", {"metadata": {"name": OUTSIDE}})
    for namespace, name in ((OUTSIDE, DEBUGGER), (TENANT, DEPLOYER), (TWIN, "agent")):
        account = {"metadata": {"name": name}, "automountServiceAccountToken": False}
        admin.must("POST", f"{namespace_path(namespace)}/serviceaccounts", account)
    for namespace, thing in grants():
        admin.must("POST", rbac_path(namespace, thing["kind"]), thing)
    default = f"{namespace_path(OUTSIDE)}/serviceaccounts/default"
    wait(lambda: admin.ask("GET", default).ok, 30, f"the ServiceAccount default of {OUTSIDE}")
    admin.must("POST", f"{namespace_path(OUTSIDE)}/pods", bystander(image))
    return Stage(
        admin,
        admin.as_bearer(token_of(admin, *CONTROLLER)),
        admin.as_bearer(token_of(admin, OUTSIDE, DEBUGGER)),
    )


def tear_down(admin: Api) -> None:
    """Takes everything of the stage away, what an interrupted run left included, and waits until it is gone.

    Raises:
        RuntimeError: the API server refused it.
        TimeoutError: it did not go.
    """
    homes = [namespace_path(OUTSIDE), namespace_path(TWIN)]
    inside = [rbac_path(TENANT, kind, OUTSIDE) for kind in ("RoleBinding", "Role")]
    inside.append(f"{namespace_path(TENANT)}/serviceaccounts/{DEPLOYER}")
    for path in inside + homes:
        status, answer = admin.call("DELETE", path)
        if status >= 400 and status != 404:
            raise RuntimeError(f"DELETE {path}: {message(answer)}")
    wait(lambda: all(admin.call("GET", home)[0] == 404 for home in homes), 90, "the attacks' namespaces to be gone")


@contextmanager
def stage(admin: Api, image: str) -> Iterator[Stage]:
    """The stage, for as long as it is needed; see `set_up`."""
    tear_down(admin)
    try:
        yield set_up(admin, image)
    finally:
        tear_down(admin)


def in_twin(pod: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a pod, to be sent to the twin; it goes away without delay."""
    moved = copy.deepcopy(dict(pod))
    moved.setdefault("metadata", {})["namespace"] = TWIN
    moved["spec"]["terminationGracePeriodSeconds"] = 0
    return moved

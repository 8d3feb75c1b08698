"""Runs the apply engine against the bare API server, and plays the namespace controller that is not there."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.applying_plugin import ARGUMENTS, apply
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import Mode

from testbed.apiserver import ApiServer
from tests.api.api import RBAC, Api, Object

COLLECTIONS = (
    *(f"/api/v1/namespaces/{{}}/{kind}" for kind in ("configmaps", "secrets", "serviceaccounts")),
    *(f"/api/v1/namespaces/{{}}/{kind}" for kind in ("resourcequotas", "limitranges")),
    *(f"{RBAC}/namespaces/{{}}/{kind}" for kind in ("rolebindings", "roles")),
)
POLL_SECONDS = 0.05


class Engine:
    """Calls the task `apply` as the action plugin does, with the defaults of its arguments."""

    def __init__(self, server: ApiServer, owner: str, user: str = "admin") -> None:
        """Prepare; `user` is one of the server's."""
        self._fixed = {
            "owner": owner,
            "kubeconfig": str(server.kubeconfig(user)),
            "timeout": 20.0,
            "namespaces": ["default"],
        }

    def run(self, *manifests: Object, check: bool = False, diff: bool = False, **more: Any) -> Result:
        """Apply (or with state='absent' remove) and give the result."""
        defaults = {name: spec.get("default") for name, spec in ARGUMENTS.items()}
        given = {**defaults, **self._fixed, "manifests": list(manifests), **more}
        return Result(apply(given, Mode(check, diff)))


class Result:
    """A task's result, made easy to compare."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        """Wrap the plugin's result."""
        self.raw = raw
        self.changed: bool = raw["changed"]
        self.warnings: str = "\n".join(raw.get("warnings", []))

    @property
    def actions(self) -> dict[str, str]:
        """What became of each object, by 'Kind namespace/name'."""
        return {
            f"{each['kind']} {each['namespace']}/{each['name']}".replace(" /", " "): each["action"]
            for each in self.raw["objects"]
        }


def namespace(
    name: str, labels: Mapping[str, str] | None = None, annotations: Mapping[str, str] | None = None
) -> Object:
    """A Namespace, of the tenant of its name if no other is given."""
    metadata = {
        "name": name,
        "labels": {"buildkeep.dev/tenant": name, **(labels or {})},
        "annotations": dict(annotations or {}),
    }
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def configmap(space: str, name: str, data: Mapping[str, str], tenant: str = "") -> Object:
    """A ConfigMap, of a tenant if one is given."""
    labels = {"buildkeep.dev/tenant": tenant} if tenant else {}
    metadata = {"name": name, "namespace": space, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}


@contextmanager
def namespace_controller(server: ApiServer) -> Iterator[None]:
    """Empties and finishes namespaces that are being deleted, as kube-controller-manager does."""
    api = Api(server)
    end = threading.Event()

    def work() -> None:
        while not end.wait(POLL_SECONDS):
            for item in api.request("GET", "/api/v1/namespaces").done()["items"]:
                if not item["metadata"].get("deletionTimestamp"):
                    continue
                name = item["metadata"]["name"]
                for path in COLLECTIONS:
                    api.request("DELETE", path.format(name))
                item["spec"]["finalizers"] = []
                api.request("PUT", f"/api/v1/namespaces/{name}/finalize", item)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()

"""What the cluster tells about a canary that went wrong, each object read once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.canaries import Case
from ansible_collections.buildkeep.ci.plugins.module_utils.canaries_matching import Asked
from ansible_collections.buildkeep.ci.plugins.module_utils.canaries_requests import (
    APPLY,
    BIND,
    CONNECT,
    CREATE,
    PATCH,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import Object, labels_of

ADMISSION = "admissionregistration.k8s.io/v1"
# Server-side apply creates or updates; a policy that sees either is asked.
_OPERATIONS: Mapping[str, tuple[str, ...]] = {
    CREATE: ("CREATE",),
    PATCH: ("UPDATE",),
    APPLY: ("CREATE", "UPDATE"),
    CONNECT: ("CONNECT",),
    BIND: ("CREATE",),
}


class Evidence:
    """Reads policies, bindings, webhooks and namespaces of one cluster. Raises ApiError where it may not."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._lists: dict[str, list[Object]] = {}
        self._namespaces: dict[str, dict[str, str]] = {}

    @property
    def cluster(self) -> Cluster:
        """The cluster itself, for what only a request tells."""
        return self._cluster

    def forget(self) -> None:
        """Reads everything anew from now on."""
        self._lists.clear()
        self._namespaces.clear()

    def all(self, kind: str) -> list[Object]:
        """Every object of a kind of the group admissionregistration.k8s.io."""
        if kind not in self._lists:
            self._lists[kind] = list(self._cluster.list(self._cluster.resource(ADMISSION, kind)))
        return self._lists[kind]

    def policy(self, name: str) -> Object | None:
        """A ValidatingAdmissionPolicy, or None."""
        found = [one for one in self.all("ValidatingAdmissionPolicy") if one["metadata"]["name"] == name]
        return found[0] if found else None

    def bindings(self) -> list[Object]:
        """Every ValidatingAdmissionPolicyBinding."""
        return self.all("ValidatingAdmissionPolicyBinding")

    def labels(self, namespace: str) -> dict[str, str]:
        """The labels of a namespace; none where it does not exist."""
        if namespace not in self._namespaces:
            found = self._cluster.get(self._cluster.resource("v1", "Namespace"), "", namespace)
            self._namespaces[namespace] = labels_of(found) if found else {}
        return self._namespaces[namespace]

    def asked(self, case: Case) -> Asked:
        """The case's request as policies match it. A Namespace counts as lying in itself, also for them."""
        body: Mapping[str, Any] = case.request.get("body") or {"apiVersion": "v1", "kind": "Pod", **case.pod}
        resource = self._cluster.resource(body["apiVersion"], body["kind"])
        part = case.request.get("subresource", "")
        group, _, version = resource.api_version.rpartition("/")
        verb = case.request.get("verb", CREATE)
        named = body["metadata"]["name"] if body["kind"] == "Namespace" else ""
        labels = (body.get("metadata") or {}).get("labels") or {}
        return Asked(
            group=group,
            version=version,
            resource=f"{resource.plural}/{part}" if part else resource.plural,
            operations=_OPERATIONS[verb],
            labels={} if verb == CONNECT else {**(self.labels(named) if named else {}), **labels},
            namespace=self.labels(named or case.namespace),
        )

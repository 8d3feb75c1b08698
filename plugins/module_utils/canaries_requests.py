"""The request that a canary is: a pod to be created, or any other request that a guard must refuse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.client import APPLY_PATCH, JSON, MERGE_PATCH
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster, Resource
from ansible_collections.buildkeep.ci.plugins.module_utils.names import FIELD_MANAGER

CREATE, PATCH, APPLY, CONNECT, BIND = "create", "patch", "apply", "connect", "bind"
_DRY: Mapping[str, str] = {"dryRun": "All", "fieldValidation": "Strict"}


@dataclass(frozen=True)
class Request:
    """An HTTP request as `Client.request` takes it."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    query: Mapping[str, str] = field(default_factory=lambda: _DRY)
    content_type: str = JSON


def pod_request(cluster: Cluster, name: str, namespace: str, pod: Mapping[str, Any]) -> Request:
    """The dry-run creation of a pod; without a name of its own it is called after the canary."""
    body = {"apiVersion": "v1", "kind": "Pod", **pod}
    body["metadata"] = {"name": f"canary-{name}", **(body.get("metadata") or {}), "namespace": namespace}
    return Request("POST", cluster.resource("v1", "Pod").path(namespace), body)


def _create(resource: Resource, namespace: str, given: Mapping[str, Any]) -> Request:
    return Request("POST", resource.path(namespace), given["body"])


def _patch(resource: Resource, namespace: str, given: Mapping[str, Any]) -> Request:
    path = resource.path(namespace, given["body"]["metadata"]["name"])
    return Request("PATCH", path, given["body"], content_type=MERGE_PATCH)


def _apply(resource: Resource, namespace: str, given: Mapping[str, Any]) -> Request:
    path = resource.path(namespace, given["body"]["metadata"]["name"])
    query = {**_DRY, "fieldManager": FIELD_MANAGER}
    return Request("PATCH", path, given["body"], query, APPLY_PATCH)


def _connect(resource: Resource, namespace: str, given: Mapping[str, Any]) -> Request:
    """A CONNECT has no dry run: it names an object that does not exist, which is looked for after admission."""
    path = resource.path(namespace, given["body"]["metadata"]["name"])
    return Request("POST", f"{path}/{given['subresource']}", None, {"command": "true", "stdout": "true"})


def _bind(resource: Resource, namespace: str, given: Mapping[str, Any]) -> Request:
    """Send a pod, which need not exist, to a node: the pod is looked for after admission."""
    name = given["body"]["metadata"]["name"]
    metadata = {"name": name, "namespace": namespace}
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": metadata, "target": {"kind": "Node", "name": name}}
    return Request("POST", f"{resource.path(namespace, name)}/{given['subresource']}", binding)


VERBS: Mapping[str, Callable[[Resource, str, Mapping[str, Any]], Request]] = {
    CREATE: _create,
    PATCH: _patch,
    APPLY: _apply,
    CONNECT: _connect,
    BIND: _bind,
}


def other_request(cluster: Cluster, namespace: str, given: Mapping[str, Any]) -> Request:
    """Any other request.

    Args:
        cluster: where it is sent.
        namespace: of the object, where its kind has one.
        given: `verb` (create, patch, apply, bind: dry runs; connect), `body` (an object with apiVersion, kind and
            metadata.name) and, to connect and to bind, `subresource`.
    """
    body = given["body"]
    return VERBS[given["verb"]](cluster.resource(body["apiVersion"], body["kind"]), namespace, given)

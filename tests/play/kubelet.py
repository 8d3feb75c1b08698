"""Stands in for scheduler and kubelet of a server without nodes: says what a kubelet would say, and lets pods go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.client import MERGE_PATCH
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster

Object = dict[str, Any]
PAUSE_SECONDS = 0.1
INFO = {"kernelVersion": "6.18", "containerRuntimeVersion": "x://1", "kubeletVersion": "v1.37.1", "osImage": "None"}
READY = {"type": "Ready", "status": "True", "reason": "x", "message": "x"}


def add_node(cluster: Cluster, name: str) -> None:
    """Make a node that says it is ready."""
    body = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"kubernetes.io/os": "linux"}}}
    cluster.client.request("POST", "/api/v1/nodes", body)
    zeros = dict.fromkeys(
        ("architecture", "bootID", "kubeProxyVersion", "machineID", "operatingSystem", "systemUUID"), "x"
    )
    status = {"conditions": [READY], "nodeInfo": {**zeros, **INFO}, "allocatable": {"pods": "10"}}
    patch(cluster, f"/api/v1/nodes/{name}/status", {"status": status})
    # The API server gives every new node one, which nobody takes away here.
    patch(cluster, f"/api/v1/nodes/{name}", {"spec": {"taints": None}})


def patch(cluster: Cluster, path: str, body: Object) -> None:
    """Merge a change into an object that may be gone by now."""
    try:
        cluster.client.request("PATCH", path, body, content_type=MERGE_PATCH)
    except ApiError as error:
        if error.status != 404:
            raise


@contextmanager
def kubelet(cluster: Cluster, namespace: str, node: str, status: Callable[[Object], Object]) -> Iterator[None]:
    """Send the pods of a namespace to a node, and look after them, until the block ends.

    Args:
        cluster: where.
        namespace: whose pods.
        node: its name.
        status: gives what is to be the status of a pod, or nothing to leave it as it is.
    """
    ended = threading.Event()
    path = f"/api/v1/namespaces/{namespace}/pods"

    def look_after(pod: Object) -> None:
        own = f"{path}/{pod['metadata']['name']}"
        if pod["metadata"].get("deletionTimestamp"):
            body = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}}
            try:
                cluster.client.request("DELETE", own, body)
            except ApiError as error:
                if error.status not in (404, 409):
                    raise
        elif not pod["spec"].get("nodeName"):
            target = {"apiVersion": "v1", "kind": "Node", "name": node}
            body = {
                "apiVersion": "v1",
                "kind": "Binding",
                "metadata": {"name": pod["metadata"]["name"]},
                "target": target,
            }
            cluster.client.request("POST", f"{own}/binding", body)
        elif (wanted := status(pod)) and not wanted.items() <= pod["status"].items():
            patch(cluster, f"{own}/status", {"status": wanted})

    def run() -> None:
        while not ended.wait(PAUSE_SECONDS):
            for pod in cluster.client.request("GET", path).body["items"]:
                look_after(pod)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()

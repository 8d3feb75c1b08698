"""Waits until the DaemonSet of node profiles has done its work on every node that it is for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import tenant_of
from ansible_collections.buildkeep.ci.plugins.module_utils.names import SYSTEM_NAMESPACE
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles import NAME
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles_nodes import Place, is_ready, reached
from ansible_collections.buildkeep.ci.plugins.module_utils.removing_foreign import foreign_objects

Object = Mapping[str, Any]
POLL_SECONDS = 0.5
_SELECTOR = f"app.kubernetes.io/name={NAME}"


def live(cluster: Cluster) -> dict[str, Any] | None:
    """Read the DaemonSet as it is in the cluster, or None."""
    return cluster.get(cluster.resource("apps/v1", "DaemonSet"), SYSTEM_NAMESPACE, NAME)


def landing(cluster: Cluster, every: Sequence[Place]) -> list[str]:
    """Name the nodes of these places that take pods now."""
    nodes = cluster.list(cluster.resource("v1", "Node"))
    return sorted(node["metadata"]["name"] for node, _ in reached(nodes, every) if is_ready(node))


def ready_nodes(cluster: Cluster) -> list[str]:
    """Name the nodes that are well, those that take no new pods included."""
    nodes = cluster.list(cluster.resource("v1", "Node"))
    return sorted(node["metadata"]["name"] for node in nodes if is_ready({**node, "spec": {}}))


def is_ours(cluster: Cluster) -> bool:
    """Whether the namespace has the label that only managers of tenants may set; what is in another proves nothing."""
    found = cluster.get(cluster.resource("v1", "Namespace"), "", SYSTEM_NAMESPACE)
    return found is not None and tenant_of(found) == SYSTEM_NAMESPACE


def installed(cluster: Cluster) -> dict[str, Any]:
    """Say what of ours is in the namespace, and what of others where it is not ours.

    Returns:
        `there`, whether there is a DaemonSet; `nodes`, where its pods are; `foreign`, what others have in a namespace
        of that name, such as `Pod x`.
    """
    space = cluster.get(cluster.resource("v1", "Namespace"), "", SYSTEM_NAMESPACE)
    if not is_ours(cluster):
        found = foreign_objects(cluster, [SYSTEM_NAMESPACE]).get(SYSTEM_NAMESPACE, []) if space else []
        return {"there": False, "nodes": [], "foreign": found}
    nodes = sorted({pod["spec"]["nodeName"] for pod in _pods(cluster) if pod["spec"].get("nodeName")})
    return {"there": live(cluster) is not None, "nodes": nodes, "foreign": []}


def wait(cluster: Cluster, nodes: Callable[[], list[str]], timeout: float) -> tuple[list[str], list[str]]:
    """Wait until a pod of the DaemonSet, as it is now, is ready on each node.

    Args:
        cluster: where.
        nodes: gives the names of these nodes; asked again each time, for nodes come and go.
        timeout: seconds.

    Returns:
        names of nodes where it is, and a sentence for each node where it is not.
    """
    end = time.monotonic() + timeout
    while True:
        wanted = nodes()
        missing = standing(live(cluster) or {}, _pods(cluster), wanted)
        if not missing or time.monotonic() > end:
            why = _refusal(cluster) if missing else ""
            ready = [name for name in wanted if name not in missing]
            return ready, [f"node {name}: {words or why or 'no pod'}" for name, words in sorted(missing.items())]
        threading.Event().wait(POLL_SECONDS)


def standing(daemonset: Object, pods: Iterable[Object], nodes: Iterable[str]) -> dict[str, str]:
    """Say for which of the nodes something is missing, and what; nothing where the pod is only not made yet.

    Args:
        daemonset: as the API gives it; empty where it is not there.
        pods: its pods.
        nodes: names of nodes where one of them has to be ready.
    """
    status, generation = daemonset.get("status") or {}, (daemonset.get("metadata") or {}).get("generation")
    seen = generation is not None and status.get("observedGeneration") == generation
    of = {
        pod["spec"].get("nodeName", ""): pod
        for pod in pods
        if not pod["metadata"].get("deletionTimestamp") and _made_from(daemonset, pod)
    }
    missing = {}
    for node in nodes:
        pod = of.get(node)
        if pod is None or not seen:
            missing[node] = ""
        elif not _condition(pod, "Ready"):
            missing[node] = trouble(pod)
    return missing


def trouble(pod: Object) -> str:
    """Say why a pod is not ready, in the kubelet's words."""
    status = pod.get("status") or {}
    every = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    waiting = [(one["name"], (one.get("state") or {}).get("waiting") or {}) for one in every]
    words = [
        f"container {name}: {state['reason']}: {state['message']}" for name, state in waiting if state.get("message")
    ]
    conditions = status.get("conditions") or ()
    words += [str(one["message"]) for one in conditions if one.get("status") == "False" and one.get("message")]
    return words[0] if words else f"the pod is {status.get('phase', 'new')}"


def _pods(cluster: Cluster) -> list[dict[str, Any]]:
    return list(cluster.list(cluster.resource("v1", "Pod"), SYSTEM_NAMESPACE, _SELECTOR))


def _made_from(daemonset: Object, pod: Object) -> bool:
    """Whether a pod was made from the template that the DaemonSet has now."""
    template = (daemonset.get("spec") or {}).get("template", {}).get("spec", {})

    def essence(spec: Object) -> list[Any]:
        every = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
        return [{key: one.get(key) for key in ("name", "image", "command", "volumeMounts")} for one in every]

    volumes = pod["spec"].get("volumes") or ()
    return essence(template) == essence(pod["spec"]) and all(one in volumes for one in template.get("volumes") or ())


def _condition(pod: Object, kind: str) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(one.get("type") == kind and one.get("status") == "True" for one in conditions)


def _refusal(cluster: Cluster) -> str:
    """The last reason for which a pod could not be made at all."""
    query = {"fieldSelector": f"involvedObject.name={NAME},reason=FailedCreate"}
    path = f"/api/v1/namespaces/{SYSTEM_NAMESPACE}/events"
    events = cluster.client.request("GET", path, query=query, what="list events of the DaemonSet").body.get("items")
    return str(events[-1].get("message", "")) if events else ""

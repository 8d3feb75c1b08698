"""Asks nodes whether they give pods user namespaces: reads what is known, and runs probe pods for what is not."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import node_profiles, user_namespaces
from ansible_collections.buildkeep.ci.plugins.module_utils.client import APPLY_PATCH
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster, parallel
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.names import (
    FIELD_MANAGER,
    LABEL_MANAGED_BY,
    LABEL_ROLE,
    LABEL_TENANT,
    MANAGED_BY,
    SYSTEM_NAMESPACE,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles_rollout import is_ours
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight import parse_version
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings
from ansible_collections.buildkeep.ci.plugins.module_utils.user_namespaces import Answer, Group

RECORD = "user-namespaces"
_LABELS = {LABEL_MANAGED_BY: MANAGED_BY, LABEL_ROLE: "user_namespaces", LABEL_TENANT: SYSTEM_NAMESPACE}
_CORE = f"/api/v1/namespaces/{SYSTEM_NAMESPACE}"
POLL_SECONDS = 0.5
# A kubelet that cannot do it says so in an event and tries for ever; other troubles of a sandbox may pass.
_HOPELESS = re.compile(r"hostUsers|user.?namespace|userns|idmap|mount_setattr", re.IGNORECASE)


def look(cluster: Cluster, settings: Settings) -> Answer:
    """Say what is known, without asking any node. Raises ApiError, and Unreachable without a cluster."""
    version = parse_version(cluster.client.request("GET", "/version", what="read the version").body)
    if not user_namespaces.answer(settings, version, (), {}).builders:
        return user_namespaces.answer(settings, version, (), {})
    nodes = list(cluster.list(cluster.resource("v1", "Node")))
    return user_namespaces.answer(settings, version, nodes, record(cluster))


def record(cluster: Cluster) -> dict[str, str]:
    """Read what nodes were found to do: by key of a kind, empty for yes or the reason why not."""
    if not is_ours(cluster):
        return {}
    found = cluster.get(cluster.resource("v1", "ConfigMap"), SYSTEM_NAMESPACE, RECORD)
    return dict((found or {}).get("data") or {})


def ask(cluster: Cluster, settings: Settings, timeout: float) -> tuple[Answer, bool]:
    """Ask one node of each kind that is not known to do it, and keep the answers.

    Args:
        cluster: where the namespace `buildkeep-system` is ready.
        settings: of the inventory, with the cluster's backend.
        timeout: seconds for a probe.

    Returns:
        the answer, and whether anything is known that was not before.
    """
    known = record(cluster)
    before = look(cluster, settings)
    # Who could not do it may have been mended since.
    wanted = [group for group in before.groups if known.get(group.kind.key, "unknown")]
    found = parallel(lambda group: _asked(cluster, settings, group, timeout), wanted)
    now = {group.kind.key: known[group.kind.key] for group in before.groups if group.kind.key in known}
    now |= {group.kind.key: why for group, why in zip(wanted, found, strict=True)}
    if now != known:
        _keep(cluster, now)
    return look(cluster, settings), now != known


def _keep(cluster: Cluster, data: Mapping[str, str]) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": RECORD, "namespace": SYSTEM_NAMESPACE, "labels": _LABELS},
        "data": dict(data),
    }
    query = {"fieldManager": FIELD_MANAGER, "force": "true"}
    path = f"{_CORE}/configmaps/{RECORD}"
    cluster.client.request("PATCH", path, body, query=query, content_type=APPLY_PATCH, what="keep what nodes can do")


def _asked(cluster: Cluster, settings: Settings, group: Group, timeout: float) -> str:
    """Run one probe to its end. A probe that does not get to its end is an answer too: no."""
    name = f"user-namespaces-{group.kind.key}"
    pod = node_profiles.probe_pod(settings, name, group.nodes[0], group.place)
    pod["metadata"]["labels"] |= _LABELS
    try:
        with _running(cluster, name, pod, timeout) as made:
            if made["spec"].get("hostUsers") is not False:
                return "the API server drops hostUsers (its feature gate UserNamespacesSupport is off)"
            return _outcome(cluster, name, timeout)
    except ApiError as error:
        if error.status in (400, 403, 422):  # a webhook or another policy of the cluster
            return f"the API server refused the probe: {error.server_message}"
        raise


@contextmanager
def _running(cluster: Cluster, name: str, pod: Mapping[str, Any], timeout: float) -> Iterator[dict[str, Any]]:
    """Make the pod, after one that a killed run may have left, and take it away in any case."""
    _delete(cluster, name, timeout)
    try:
        yield cluster.client.request("POST", f"{_CORE}/pods", pod, what=f"create Pod {SYSTEM_NAMESPACE}/{name}").body
    finally:
        _delete(cluster, name, timeout)


def _delete(cluster: Cluster, name: str, timeout: float) -> None:
    end, pods = time.monotonic() + timeout, cluster.resource("v1", "Pod")
    while cluster.get(pods, SYSTEM_NAMESPACE, name) is not None:
        if time.monotonic() > end:
            words = "is not gone; look at its node, delete the pod, then run again"
            raise BuildkeepError([f"Pod {SYSTEM_NAMESPACE}/{name} {words}"])
        try:
            cluster.client.request("DELETE", pods.path(SYSTEM_NAMESPACE, name), what=f"delete Pod {name}")
        except ApiError as error:
            if error.status != 404:
                raise
        threading.Event().wait(POLL_SECONDS)


def _outcome(cluster: Cluster, name: str, timeout: float) -> str:
    end, pods = time.monotonic() + timeout, cluster.resource("v1", "Pod")
    while True:
        status = (cluster.get(pods, SYSTEM_NAMESPACE, name) or {}).get("status", {})
        if status.get("phase") == "Succeeded":
            return user_namespaces.verdict(_said(status))
        trouble, final = judge(status, _events(cluster, name))
        if final or time.monotonic() > end:
            return trouble or f"the probe did not end within {timeout:g} s"
        threading.Event().wait(POLL_SECONDS)


def _events(cluster: Cluster, name: str) -> list[dict[str, Any]]:
    query = {"fieldSelector": f"involvedObject.name={name}"}
    body = cluster.client.request("GET", f"{_CORE}/events", query=query, what=f"list events of Pod {name}").body
    return list(body.get("items") or [])


def _said(status: Mapping[str, Any]) -> str:
    states = [one.get("state", {}).get("terminated") or {} for one in status.get("containerStatuses") or []]
    return "; ".join(str(one.get("message") or "") for one in states)


def judge(status: Mapping[str, Any], events: list[dict[str, Any]]) -> tuple[str, bool]:
    """Say what keeps a probe from its end, and whether waiting is of no use.

    Args:
        status: of the pod.
        events: about it, as the API gives them.
    """
    if status.get("phase") == "Failed":
        return f"the probe failed: {status.get('message') or _said(status) or 'no reason given'}", True
    waiting = [one.get("state", {}).get("waiting") or {} for one in status.get("containerStatuses") or []]
    told = [str(one.get("message") or "") for one in events if one.get("type") == "Warning"]
    told += [str(one["message"]) for one in waiting if one.get("message")]
    hopeless = [text for text in told if _HOPELESS.search(text)]
    if hopeless:
        return hopeless[-1], True
    return (told[-1] if told else ""), False

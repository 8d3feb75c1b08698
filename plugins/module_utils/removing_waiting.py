"""Waits until deleted objects are really gone."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster, Resource
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import Object, key_of

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0


def wait_gone(
    cluster: Cluster, resources: Mapping[tuple[str, str], Resource], items: Sequence[Object], timeout: float
) -> None:
    """Waits until these very objects (by uid) are gone.

    Args:
        cluster: where.
        resources: the kinds of the items, by (apiVersion, kind).
        items: whole objects.
        timeout: seconds without any of them going.

    Raises:
        BuildkeepError: naming those that stay, and what the API server says about why.
    """
    left = {item["metadata"]["uid"]: item for item in items}
    last_progress = time.monotonic()
    seconds = FIRST_PAUSE_SECONDS
    while now := _still_there(cluster, resources, left.values()):
        if len(now) < len(left):
            last_progress, seconds = time.monotonic(), FIRST_PAUSE_SECONDS
        left = {uid: left[uid] for uid in now}
        if time.monotonic() - last_progress > timeout:
            raise BuildkeepError([_stuck(cluster, resources, item, timeout) for item in left.values()])
        threading.Event().wait(seconds)
        seconds = min(seconds * 1.5, LONGEST_PAUSE_SECONDS)


def _still_there(
    cluster: Cluster, resources: Mapping[tuple[str, str], Resource], items: Collection[Object]
) -> set[str]:
    """The uids of those items that exist: one list for each kind and namespace."""
    places: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for item in items:
        key = key_of(item)
        places[key.api_version, key.kind, key.namespace].add(item["metadata"]["uid"])
    found: set[str] = set()
    for (api_version, kind, namespace), uids in places.items():
        listed = cluster.list(resources[api_version, kind], namespace=namespace, metadata_only=True)
        found |= uids & {item["metadata"]["uid"] for item in listed}
    return found


def _stuck(cluster: Cluster, resources: Mapping[tuple[str, str], Resource], item: Object, timeout: float) -> str:
    key = key_of(item)
    now = cluster.get(resources[key.api_version, key.kind], key.namespace, key.name) or item
    conditions = (now.get("status") or {}).get("conditions") or []
    why = "; ".join(each["message"] for each in conditions if each.get("status") == "True" and each.get("message"))
    finalizers = now["metadata"].get("finalizers") or (now.get("spec") or {}).get("finalizers") or []
    because = why or (f"finalizers {', '.join(finalizers)}" if finalizers else "the API server gives no reason")
    return f"{key} is not gone after {timeout:g} s without progress: {because}; remove what holds it, then run again"

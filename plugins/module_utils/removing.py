"""Takes objects away again: deletes what we made, puts back what we took over, keeps what holds something foreign."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence

from ansible_collections.buildkeep.ci.plugins.module_utils.applying import (
    DELETED,
    KEPT,
    RESTORED,
    Change,
    Options,
    in_stages,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.client import APPLY_PATCH, MERGE_PATCH
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster, Resource, parallel
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import (
    Key,
    Object,
    annotations_of,
    difference,
    key_of,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_adoption import (
    bare,
    is_ours,
    remembered,
    restoring,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.names import ANNOTATION_CREATED, FIELD_MANAGER

POLL_SECONDS = 0.5
MOST_NAMED = 10
# What the cluster itself puts into every namespace, or derives from other objects there.
_CLUSTER_MADE = {
    ("ServiceAccount", "default"),
    ("ConfigMap", "kube-root-ca.crt"),
    ("ConfigMap", "openshift-service-ca.crt"),
}
_DERIVED_KINDS = {"Event", "Endpoints", "EndpointSlice"}


def is_foreign(item: Object) -> bool:
    """Whether an object in a namespace is somebody's, so that deleting the namespace would lose it.

    Not so: ours, what the cluster makes in every namespace, and what a controller would make again or has made from
    another object of the same namespace (that one counts).
    """
    metadata = item["metadata"]
    owners = metadata.get("ownerReferences") or []
    return not (
        (is_ours(item) and remembered(item) is None)
        or (item["kind"], metadata["name"]) in _CLUSTER_MADE
        or item["kind"] in _DERIVED_KINDS
        or any(owner.get("controller") for owner in owners)
    )


def foreign_objects(cluster: Cluster, kinds: Sequence[Resource], silent: Sequence[str], namespace: str) -> list[str]:
    """What stays of others in a namespace, such as 'PersistentVolumeClaim cache'; sorted."""
    found = {
        f"{item['kind']} {item['metadata']['name']}"
        for kind in kinds
        if kind.kind not in _DERIVED_KINDS
        for item in cluster.list(kind, namespace=namespace, metadata_only=True)
        if is_foreign(item)
    }
    unknown = {f"whatever is of {version} (that API does not answer)" for version in silent}
    return sorted(found | unknown)


def wait_gone(
    cluster: Cluster, resources: dict[tuple[str, str], Resource], items: Sequence[Object], timeout: float
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
    pause = threading.Event()
    while True:
        groups: dict[tuple[str, str, str], set[str]] = defaultdict(set)
        for item in left.values():
            key = key_of(item)
            groups[key.api_version, key.kind, key.namespace].add(item["metadata"]["uid"])
        now: dict[str, Object] = {}
        for (api_version, kind, namespace), uids in groups.items():
            for item in cluster.list(resources[api_version, kind], namespace=namespace):
                if item["metadata"]["uid"] in uids:
                    now[item["metadata"]["uid"]] = item
        if not now:
            return
        if len(now) < len(left):
            last_progress = time.monotonic()
        left = now
        if time.monotonic() - last_progress > timeout:
            raise BuildkeepError([_stuck(item, timeout) for item in left.values()])
        pause.wait(POLL_SECONDS)


def _stuck(item: Object, timeout: float) -> str:
    conditions = (item.get("status") or {}).get("conditions") or []
    why = "; ".join(c["message"] for c in conditions if c.get("status") == "True" and c.get("message"))
    finalizers = item["metadata"].get("finalizers") or (item.get("spec") or {}).get("finalizers") or []
    because = why or (f"finalizers {', '.join(finalizers)}" if finalizers else "the API server gives no reason")
    left = f"{key_of(item)} is not gone after {timeout:g} s without progress"
    return f"{left}: {because}; remove what holds it, then run again"


class Remover:
    """Removes objects of one owner from one cluster."""

    def __init__(self, cluster: Cluster, options: Options, resources: dict[tuple[str, str], Resource]) -> None:
        self._cluster = cluster
        self._options = options
        self._resources = resources

    def run(self, targets: Sequence[Object]) -> list[Change]:
        """Removes all, in the reverse order of making, each stage gone before the next begins."""
        by_key = {key_of(item): item for item in targets}
        spaces = [item for item in targets if item["kind"] == "Namespace"]
        reasons = self._reasons_to_keep(spaces)
        doomed = {item["metadata"]["name"] for item in spaces} - reasons.keys()
        changes: list[Change] = []
        for keys in in_stages(by_key, self._resources, reverse=True):
            # What lives in a namespace that goes is deleted with it by the API server.
            mine = [key for key in keys if key.namespace not in doomed]
            done = parallel(lambda key: self._one(key, by_key[key], reasons), mine)
            if not self._options.check:
                gone = [by_key[change.key] for change in done if change.action == DELETED]
                wait_gone(self._cluster, self._resources, gone, self._options.timeout)
            changes += done
            changes += [self._change(key, DELETED, by_key[key], None) for key in keys if key.namespace in doomed]
        return changes

    def _reasons_to_keep(self, spaces: Sequence[Object]) -> dict[str, list[str]]:
        """Namespaces that must stay: the foreign objects in them; an empty list for one that we did not make."""
        if not spaces:
            return {}
        kinds, silent = self._cluster.everything_namespaced()

        def look(space: Object) -> tuple[str, list[str] | None]:
            name = space["metadata"]["name"]
            if remembered(space) is not None or annotations_of(space).get(ANNOTATION_CREATED) != "true":
                return name, []
            return name, foreign_objects(self._cluster, kinds, silent, name) or None

        return {name: found for name, found in parallel(look, spaces) if found is not None}

    def _one(self, key: Key, live: Object, reasons: dict[str, list[str]]) -> Change:
        if remembered(live) is not None:
            return self._send(key, live, RESTORED, "PATCH", restoring(live), MERGE_PATCH)
        if key.kind == "Namespace" and key.name in reasons:
            found = reasons[key.name]
            more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
            named = ", ".join(found[:MOST_NAMED]) + more
            why = f"it holds {named}" if found else "Buildkeep did not make it"
            note = f"{key} stays, without our labels: {why}; delete it yourself if nobody needs it"
            return self._send(key, live, KEPT, "PATCH", bare(live), APPLY_PATCH, note)
        precondition = {"preconditions": {"uid": live["metadata"]["uid"]}, "propagationPolicy": "Background"}
        return self._send(key, live, DELETED, "DELETE", precondition, "application/json")

    def _send(
        self, key: Key, live: Object, action: str, method: str, body: Object, content_type: str, note: str = ""
    ) -> Change:
        query = {"fieldManager": FIELD_MANAGER} if method == "PATCH" else {}
        if content_type == APPLY_PATCH:
            query["force"] = "true"
        if self._options.check:
            query["dryRun"] = "All"
        after: Object | None = None
        try:
            answer = self._cluster.client.request(
                method,
                self._resources[key.api_version, key.kind].path(key.namespace, key.name),
                body,
                query=query,
                content_type=content_type,
                what=f"remove {key}",
            )
            after = answer.body if method == "PATCH" else None
        except ApiError as error:
            # Gone already, or another object of that name by now: either way what we meant is not there.
            if not (error.status == 404 or (method == "DELETE" and error.status == 409)):
                raise
        return self._change(key, action, live, after, (note,) if note else ())

    def _change(
        self, key: Key, action: str, before: Object, after: Object | None, notes: tuple[str, ...] = ()
    ) -> Change:
        return Change(key, action, notes, difference(key, before, after) if self._options.diff else None)


def waiter(
    cluster: Cluster, resources: dict[tuple[str, str], Resource], timeout: float
) -> Callable[[Sequence[Object]], None]:
    """`wait_gone` for callers that know only the objects."""
    return lambda items: wait_gone(cluster, resources, items, timeout)

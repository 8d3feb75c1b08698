"""Takes objects away again: deletes what we made, gives back what we took over, keeps what holds something foreign."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.buildkeep.ci.plugins.module_utils.applying import (
    DELETED,
    KEPT,
    RELEASED,
    RESTORED,
    Change,
    Options,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.applying_live import Resources, in_stages
from ansible_collections.buildkeep.ci.plugins.module_utils.client import APPLY_PATCH, MERGE_PATCH
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster, parallel
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import (
    Key,
    Object,
    annotations_of,
    difference,
    key_of,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_adoption import (
    bare,
    is_adopted,
    remembered,
    restoring,
    traces,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.names import ANNOTATION_CREATED, FIELD_MANAGER
from ansible_collections.buildkeep.ci.plugins.module_utils.removing_foreign import foreign_objects
from ansible_collections.buildkeep.ci.plugins.module_utils.removing_waiting import wait_gone

MOST_NAMED = 10


class Remover:
    """Removes objects of one owner from one cluster."""

    def __init__(self, cluster: Cluster, options: Options, resources: Resources) -> None:
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
                going = [by_key[change.key] for change, gone in done if not gone]
                wait_gone(self._cluster, self._resources, going, self._options.timeout)
            changes += [change for change, _ in done]
            changes += [self._change(key, DELETED, by_key[key], None) for key in keys if key.namespace in doomed]
        return changes

    def _reasons_to_keep(self, spaces: Sequence[Object]) -> dict[str, list[str]]:
        """Namespaces that must stay: the foreign objects in them; an empty list for one that we did not make."""
        made, reasons = [], {}
        for space in spaces:
            name = space["metadata"]["name"]
            if remembered(space) is not None or annotations_of(space).get(ANNOTATION_CREATED) != "true":
                reasons[name] = list[str]()
            elif not space["metadata"].get("deletionTimestamp"):
                made.append(name)
        return reasons | (foreign_objects(self._cluster, made) if made else {})

    def _one(self, key: Key, live: Object, reasons: dict[str, list[str]]) -> tuple[Change, bool]:
        """The change, and whether nothing is left to wait for."""
        if remembered(live) is not None:
            return self._change(key, RESTORED, live, self._patch(key, restoring(live), MERGE_PATCH)), True
        if is_adopted(live):
            return self._change(key, RELEASED, live, self._release(key, live)), True
        if key.kind == "Namespace" and key.name in reasons:
            found = reasons[key.name]
            more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
            named = ", ".join(found[:MOST_NAMED]) + more
            why = f"it holds {named}" if found else "Buildkeep did not make it"
            note = f"{key} stays, without our labels: {why}; delete it yourself if nobody needs it"
            return self._change(key, KEPT, live, self._release(key, live), (note,)), True
        return self._delete(key, live)

    def _path(self, key: Key) -> str:
        return self._resources[key.api_version, key.kind].path(key.namespace, key.name)

    def _delete(self, key: Key, live: Object) -> tuple[Change, bool]:
        body: Object = {"preconditions": {"uid": live["metadata"]["uid"]}, "propagationPolicy": "Background"}
        if self._options.check:
            body["dryRun"] = ["All"]  # in the body: where there is one, the API server does not look at the query
        gone = False
        try:
            answer = self._cluster.client.request("DELETE", self._path(key), body, what=f"delete {key}").body
            # Objects with finalizers or a grace period come back with a time of deletion; namespaces go later.
            gone = not (answer.get("metadata") or {}).get("deletionTimestamp") and key.kind != "Namespace"
        except ApiError as error:
            # 404: gone already. 409: on its way, or another object of that name; waiting by uid tells.
            if error.status not in {404, 409}:
                raise
            gone = error.status == 404
        return self._change(key, DELETED, live, None), gone

    def _release(self, key: Key, live: Object) -> Object | None:
        """Gives up all fields of ours; by name those that somebody else wrote as well or made the server forget."""
        after = self._patch(key, bare(live), APPLY_PATCH)
        if after is not None:
            left = traces(after)
            if left["metadata"]["labels"] or left["metadata"]["annotations"]:
                after = self._patch(key, left, MERGE_PATCH)
        return after

    def _patch(self, key: Key, body: Object, content_type: str) -> Object | None:
        """The object after the patch, or None where this very object is gone: nothing to give back."""
        query = {"fieldManager": FIELD_MANAGER} | ({"force": "true"} if content_type == APPLY_PATCH else {})
        query |= {"dryRun": "All"} if self._options.check else {}
        try:
            return self._cluster.client.request(
                "PATCH", self._path(key), body, query=query, content_type=content_type, what=f"restore {key}"
            ).body
        except ApiError as error:
            if error.status == 404 or (error.status == 409 and not error.field_conflicts()):
                return None
            raise

    def _change(
        self, key: Key, action: str, before: Object, after: Object | None, notes: tuple[str, ...] = ()
    ) -> Change:
        return Change(key, action, notes, difference(key, before, after) if self._options.diff else None)

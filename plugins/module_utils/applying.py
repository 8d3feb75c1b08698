"""Makes objects be as wanted: server-side apply in stages, in parallel, and pruning of what is wanted no more."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from ansible_collections.buildkeep.ci.plugins.module_utils.client import APPLY_PATCH
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError, NotServed
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster, Resource, parallel
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import (
    Key,
    Object,
    annotations_of,
    comparable,
    difference,
    key_of,
    owner_selector,
    tenant_of,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_adoption import is_ours, plan
from ansible_collections.buildkeep.ci.plugins.module_utils.names import FIELD_MANAGER
from ansible_collections.buildkeep.ci.plugins.module_utils.removing_waiting import wait_gone

CREATED, CHANGED, ADOPTED, UNCHANGED = "created", "changed", "adopted", "unchanged"
DELETED, RESTORED, KEPT = "deleted", "restored", "kept"


@dataclass(frozen=True)
class Options:
    """How to apply. `tenants` None means all; `timeout` is in seconds without any progress."""

    owner: str
    check: bool = False
    diff: bool = False
    tenants: frozenset[str] | None = None
    timeout: float = 300.0

    def covers(self, item: Object) -> bool:
        """Whether pruning and removal may reach this object."""
        return self.tenants is None or tenant_of(item) in self.tenants


@dataclass(frozen=True)
class Change:
    """What became of one object. `notes` are sentences for the user; `diff` is one entry of Ansible's diff.

    `before` are the annotations that a Namespace had: they say what a tenant was allowed until now.
    """

    key: Key
    action: str
    notes: tuple[str, ...] = ()
    diff: dict[str, str] | None = None
    before: dict[str, str] | None = None

    @property
    def changed(self) -> bool:
        """Whether the API server changed something (or would)."""
        return self.action != UNCHANGED


@dataclass
class Live:
    """What is in the cluster: the owner's objects by key, and namespaces known to be new or (check mode) missing."""

    objects: dict[Key, Object] = field(default_factory=dict)
    new_namespaces: set[str] = field(default_factory=set)


def stage(kind: str, namespaced: bool) -> int:
    """The order of making things: namespaces, cluster-wide ones, namespaced ones; bindings after what they name."""
    if kind == "Namespace":
        return 0
    return (3 if namespaced else 1) + kind.endswith("Binding")


def checked_resources(cluster: Cluster, kinds: Collection[tuple[str, str]]) -> dict[tuple[str, str], Resource]:
    """Resources by (apiVersion, kind). Raises BuildkeepError naming all kinds that the API server does not serve."""
    ordered = sorted(kinds)
    return dict(zip(ordered, parallel(lambda kind: cluster.resource(*kind), ordered), strict=True))


def served_resources(cluster: Cluster, kinds: Collection[tuple[str, str]]) -> dict[tuple[str, str], Resource]:
    """Those of the kinds that the API server serves: of any other there is nothing to remove."""
    found: dict[tuple[str, str], Resource] = {}
    for api_version, kind in sorted(kinds):
        with contextlib.suppress(NotServed):
            found[api_version, kind] = cluster.resource(api_version, kind)
    return found


def read_live(cluster: Cluster, resources: Collection[Resource], owner: str) -> Live:
    """The owner's objects of these kinds: one list a kind."""
    lists = parallel(lambda resource: list(cluster.list(resource, selector=owner_selector(owner))), resources)
    return Live({key_of(item): item for items in lists for item in items})


def in_stages(
    keys: Collection[Key], resources: dict[tuple[str, str], Resource], reverse: bool = False
) -> list[list[Key]]:
    """Keys grouped into stages that follow each other."""
    stages: dict[int, list[Key]] = defaultdict(list)
    for key in keys:
        stages[stage(key.kind, resources[key.api_version, key.kind].namespaced)].append(key)
    return [stages[number] for number in sorted(stages, reverse=reverse)]


class Applier:
    """Applies wanted objects of one owner to one cluster."""

    def __init__(
        self,
        cluster: Cluster,
        options: Options,
        live: Live,
        resources: dict[tuple[str, str], Resource],
    ) -> None:
        self._cluster = cluster
        self._options = options
        self._live = live
        self._resources = resources

    def run(self, wanted: Sequence[Object]) -> list[Change]:
        """Applies all, stage by stage. Raises BuildkeepError with the problems of a whole stage."""
        by_key = {key_of(item): item for item in wanted}
        changes: list[Change] = []
        for keys in in_stages(by_key, self._resources):
            made = parallel(lambda key: self._one(key, by_key[key]), keys)
            self._live.new_namespaces |= {
                change.key.name for change in made if change.key.kind == "Namespace" and change.action == CREATED
            }
            changes += made
        return changes

    def _one(self, key: Key, wanted: Object) -> Change:
        resource = self._resources[key.api_version, key.kind]
        live = self._live.objects.get(key)
        if live is None and key.namespace not in self._live.new_namespaces:
            live = self._cluster.get(resource, key.namespace, key.name)
        if live is not None and live["metadata"].get("deletionTimestamp"):
            if self._options.check:
                return self._change(key, CREATED, None, wanted, ())
            wait_gone(self._cluster, self._resources, [live], self._options.timeout)
            live = None
        try:
            return self._apply(key, resource, live, wanted)
        except ApiError as error:
            # A first run in check mode: the namespace is to be made by this run or by a role before it.
            if self._options.check and (error.namespace_missing() or error.namespace_terminating()):
                return self._change(key, CREATED, None, wanted, ())
            raise

    def _apply(self, key: Key, resource: Resource, live: Object | None, wanted: Object) -> Change:
        planned = plan(live, wanted)
        notes: list[str] = []
        try:
            status, after, warnings = self._send(key, resource, planned, force=False)
        except ApiError as error:
            conflicts = error.field_conflicts()
            if not conflicts:
                raise
            if live is None:  # made by someone else since we looked
                live = self._cluster.get(resource, key.namespace, key.name)
                planned = plan(live, wanted)
            taken = ", ".join(sorted({f"{name} ({words})" for name, words in conflicts}))
            notes.append(f"{key}: took over fields that others had set: {taken}")
            status, after, warnings = self._send(key, resource, planned, force=True)
        if live is None and status == 200 and key.kind == "Namespace" and not self._options.check:
            # Someone made it since we looked. Nothing of theirs was overwritten, but it is not ours to delete.
            foreign = {**after, "metadata": {"name": key.name}}
            status, after, warnings = self._send(key, resource, plan(foreign, wanted), force=True)
        notes += warnings
        return self._change(key, _action(status, live, after), live, after, notes)

    def _send(self, key: Key, resource: Resource, item: Object, force: bool) -> tuple[int, Object, list[str]]:
        query = {"fieldManager": FIELD_MANAGER, "force": "true" if force else "false", "fieldValidation": "Strict"}
        if self._options.check:
            query["dryRun"] = "All"
        answer = self._cluster.client.request(
            "PATCH",
            resource.path(key.namespace, key.name),
            item,
            query=query,
            content_type=APPLY_PATCH,
            what=f"apply {key}",
        )
        return answer.status, answer.body, [f"{key}: {text}" for text in answer.warnings]

    def _change(self, key: Key, action: str, before: Object | None, after: Object, notes: Sequence[str]) -> Change:
        diff = difference(key, before, after) if self._options.diff and action != UNCHANGED else None
        return Change(
            key, action, tuple(notes), diff, annotations_of(before) if before and key.kind == "Namespace" else None
        )


def _action(status: int, live: Object | None, after: Object) -> str:
    if status == 201:  # also where the one that we listed went with its namespace meanwhile
        return CREATED
    if live is None:
        return ADOPTED
    # By content, not by version: a dry run never moves the version, and a status moves it without us.
    if comparable(live) == comparable(after):
        return UNCHANGED
    return CHANGED if is_ours(live) else ADOPTED


def validate(items: Sequence[Object], resources: dict[tuple[str, str], Resource]) -> None:
    """Raises BuildkeepError naming every object whose namespace is missing or does not belong."""
    problems = []
    for item in items:
        key = key_of(item)
        if resources[key.api_version, key.kind].namespaced and not key.namespace:
            problems.append(f"{key}: metadata.namespace is missing: this kind lives in a namespace, so name one")
        if not resources[key.api_version, key.kind].namespaced and key.namespace:
            problems.append(f"{key}: metadata.namespace must go: this kind lives in no namespace")
    if problems:
        raise BuildkeepError(problems)

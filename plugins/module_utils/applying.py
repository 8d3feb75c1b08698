"""Makes objects be as wanted, in stages and in parallel: server-side apply, or replacement for what must be exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.buildkeep.ci.plugins.module_utils.applying_live import Live, Resources, in_stages, look
from ansible_collections.buildkeep.ci.plugins.module_utils.applying_narrowing import Lists, marked, narrowed
from ansible_collections.buildkeep.ci.plugins.module_utils.applying_replacing import as_wanted, strangers
from ansible_collections.buildkeep.ci.plugins.module_utils.applying_replacing import replace as put
from ansible_collections.buildkeep.ci.plugins.module_utils.applying_settling import KINDS, POLICY, settle
from ansible_collections.buildkeep.ci.plugins.module_utils.client import APPLY_PATCH
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster, Resource, parallel
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import (
    Key,
    Object,
    comparable,
    difference,
    key_of,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_adoption import REPLACED, is_ours, plan, refusal
from ansible_collections.buildkeep.ci.plugins.module_utils.names import FIELD_MANAGER, LABEL_TENANT
from ansible_collections.buildkeep.ci.plugins.module_utils.removing_waiting import wait_gone

CREATED, CHANGED, ADOPTED, UNCHANGED = "created", "changed", "adopted", "unchanged"
DELETED, RESTORED, RELEASED, KEPT = "deleted", "restored", "released", "kept"


@dataclass(frozen=True)
class Options:
    """How to apply.

    Attributes:
        owner: the role's name.
        check: change nothing.
        diff: show what changes.
        tenants: those whose objects may be removed; None means all.
        timeout: seconds without any progress.
        settled: what was taken away earlier is known to be refused by now, and need not be remembered.
    """

    owner: str
    check: bool = False
    diff: bool = False
    tenants: frozenset[str] | None = None
    timeout: float = 300.0
    settled: bool = False

    def covers(self, tenant: str) -> bool:
        """Whether pruning and removal may reach objects of this tenant ('' for those of none)."""
        return self.tenants is None or tenant in self.tenants


@dataclass(frozen=True)
class Change:
    """What became of one object. `notes` are sentences for the user; `diff` is one entry of Ansible's diff.

    `narrowed` is what was taken away, by this run or by one that died, and is not yet known to be refused.
    """

    key: Key
    action: str
    notes: tuple[str, ...] = ()
    diff: dict[str, str] | None = None
    narrowed: Lists = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether the API server changed something (or would)."""
        return self.action != UNCHANGED


class Applier:
    """Applies wanted objects of one owner to one cluster."""

    def __init__(
        self,
        cluster: Cluster,
        options: Options,
        live: Live,
        resources: Resources,
    ) -> None:
        self._cluster = cluster
        self._options = options
        self._live = live
        self._resources = resources

    def run(self, wanted: Sequence[Object]) -> list[Change]:
        """Applies all, stage by stage.

        Raises:
            BuildkeepError: what of others is in the way, before anything is changed; or the problems of a whole stage.
        """
        by_key = {key_of(item): item for item in wanted}
        look(self._cluster, self._resources, self._live, list(by_key))
        self._refuse(by_key)
        changes: list[Change] = []
        stages = in_stages(by_key, self._resources)
        last = max((number for number, keys in enumerate(stages) if KINDS & {key.kind for key in keys}), default=-1)
        for number, keys in enumerate(stages):
            made = parallel(lambda key: self._one(key, by_key[key]), keys)
            if not self._options.check:
                new = {
                    change.key.name for change in made if change.key.kind == "Namespace" and change.action == CREATED
                }
                # What was in a namespace that went and came again is gone.
                for key in [key for key in self._live.objects if key.namespace in new]:
                    del self._live.objects[key]
            changes += made
            if number == last:
                changes = self._settled(changes)
        return changes

    def _settled(self, changes: list[Change]) -> list[Change]:
        """The same, once the API server answers by them: what follows in this run is judged by policies."""
        first = next((change for change in changes if change.changed and change.key.kind in KINDS), None)
        if first is None:
            return changes
        written = {change.key.name for change in changes if change.changed and change.key.kind == POLICY}
        notes = settle(self._cluster, self._options.owner, written, self._options.check)
        return [replace(one, notes=(*one.notes, *notes)) if one is first else one for one in changes]

    def _refuse(self, wanted: dict[Key, Object]) -> None:
        there = [key for key in wanted if key in self._live.objects and key.namespace not in self._live.missing]
        reasons = [refusal(self._live.objects[key], wanted[key]) for key in there]
        problems = [f"{key}: {reason}" for key, reason in zip(there, reasons, strict=True) if reason]
        if problems:
            raise BuildkeepError(problems)

    def _one(self, key: Key, wanted: Object) -> Change:
        resource = self._resources[key.api_version, key.kind]
        live = self._live.objects.get(key)
        if live is not None and live["metadata"].get("deletionTimestamp"):
            if self._options.check:
                return self._change(key, CREATED, None, wanted, ())
            wait_gone(self._cluster, self._resources, [live], self._options.timeout)
            live = None
        lost = {} if self._options.settled else narrowed(live, wanted)
        try:
            if live is not None and key.kind in REPLACED:
                change = self._replace(key, resource, live, marked(wanted, lost))
            else:
                change = self._apply(key, resource, live, wanted, lost)
            return replace(change, narrowed=lost)
        except ApiError as error:
            # A first run in check mode: the namespace is to be made by this run or by a role before it.
            if self._options.check and (error.namespace_missing() or error.namespace_terminating()):
                return self._change(key, CREATED, None, wanted, ())
            raise

    def _replace(self, key: Key, resource: Resource, live: Object, wanted: Object) -> Change:
        if as_wanted(live, wanted):
            return self._change(key, UNCHANGED, live, live, ())
        done = put(self._cluster, resource, key, live, wanted, self._options.check)
        if done is None:
            return self._apply(key, resource, None, wanted)
        before, answer = done
        action = _action(answer.status, before, answer.body)
        notes = [f"{key}: {text}" for text in answer.warnings]
        others = strangers(before)
        if others and before.get("spec") != answer.body.get("spec"):
            notes.append(f"{key}: replaced what others had set in its spec: {', '.join(others)}")
        return self._change(key, action, before, answer.body, notes)

    def _apply(
        self, key: Key, resource: Resource, live: Object | None, wanted: Object, lost: Lists | None = None
    ) -> Change:
        planned = marked(plan(live, wanted), lost or {})
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
                if live is not None and (reason := refusal(live, wanted)):
                    raise BuildkeepError([f"{key}: {reason}"]) from error
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
        return Change(key, action, tuple(notes), diff)


def _action(status: int, live: Object | None, after: Object) -> str:
    if status == 201:  # also where the one that we listed went with its namespace meanwhile
        return CREATED
    if live is None:
        return ADOPTED
    # By content, not by version: a dry run never moves the version, and a status moves it without us.
    if comparable(live) == comparable(after):
        return UNCHANGED
    return CHANGED if is_ours(live) else ADOPTED


def validate(items: Sequence[Object], resources: Resources) -> None:
    """Raises BuildkeepError naming every object whose namespace, or whose tenant, is missing or does not belong."""
    problems = []
    for item in items:
        key = key_of(item)
        if resources[key.api_version, key.kind].namespaced and not key.namespace:
            problems.append(f"{key}: metadata.namespace is missing: this kind lives in a namespace, so name one")
        if not resources[key.api_version, key.kind].namespaced and key.namespace:
            problems.append(f"{key}: metadata.namespace must go: this kind lives in no namespace")
        if key.kind == "Namespace" and not is_ours(item):
            problems.append(
                f"{key}: metadata.labels: {LABEL_TENANT} is missing: by it alone it is found again, so set it"
            )
    if problems:
        raise BuildkeepError(problems)

"""Objects that others made: which we take over, what is remembered of them, and how they are given back.

What we change in a Namespace is remembered in an annotation, a JSON merge patch (RFC 7386) that undoes our changes: old
values, null for what was not there. It is believed only of a Namespace with the tenant label, where only managers of
tenants may write it (policy buildkeep-namespaces), and only about labels and annotations. In a namespace anybody who
may write there can write annotations too, so nothing is ever put back from there: a mark says that an object was there
before us, and it is given back by giving up the fields that we set. Rights are not taken over at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import (
    Object,
    annotations_of,
    labels_of,
    tenant_of,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.names import (
    ANNOTATION_ADOPTED,
    ANNOTATION_BEFORE,
    ANNOTATION_CREATED,
    DOMAIN,
    FIELD_MANAGER,
    LABEL_MANAGED_BY,
    LABEL_ROLE,
    MANAGED_BY,
    ROLE_JENKINS,
)

# What gives rights: refused where somebody else made it.
RIGHTS = frozenset({"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"})
# Whose spec must be ours to the last field, for what others add there could switch off a wall: taken over for good.
REPLACED = frozenset({f"{kind}AdmissionPolicy{end}" for kind in ("Validating", "Mutating") for end in ("", "Binding")})
_MAPS = ("labels", "annotations")


def undo(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> Object:
    """The merge patch that leads from `wanted` laid over `live` back to `live`. Equal values are left out."""
    patch: Object = {}
    for name, value in wanted.items():
        old = live.get(name)
        if isinstance(value, dict) and (old is None or isinstance(old, dict)):
            # Leaf by leaf also where nothing was: others may add to the same mapping later.
            inner = undo(old or {}, value)
            if inner:
                patch[name] = inner
        elif old != value:
            patch[name] = old
    return patch


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> Object:
    """`above` laid over `below`, mappings merged. A null is a value here: it says that something was not there."""
    merged = {**below, **above}
    for name in below.keys() & above.keys():
        if isinstance(below[name], dict) and isinstance(above[name], dict):
            merged[name] = merge(below[name], above[name])
    return merged


def _values(patch: Mapping[str, Any]) -> Object:
    """The patch without its nulls, and without the mappings that this empties."""
    plain = {name: _values(value) if isinstance(value, dict) else value for name, value in patch.items()}
    return {name: value for name, value in plain.items() if value is not None and value != {}}


def remembered(live: Mapping[str, Any]) -> Object | None:
    """What was before we came to a Namespace; None for any other object, and for one that we made (or that forgot)."""
    text = annotations_of(live).get(ANNOTATION_BEFORE)
    if text is None or live["kind"] != "Namespace" or not is_ours(live):
        return None
    try:
        metadata = json.loads(text).get("metadata")
    except (ValueError, AttributeError):
        metadata = None
    maps = metadata if isinstance(metadata, dict) else {}
    return {"metadata": {name: _texts(maps[name]) for name in _MAPS if isinstance(maps.get(name), dict)}}


def _texts(values: Mapping[str, Any]) -> dict[str, str | None]:
    return {name: value for name, value in values.items() if value is None or isinstance(value, str)}


def is_ours(live: Mapping[str, Any]) -> bool:
    """Whether Buildkeep made or took over this object.

    Of a Namespace the guarded tenant label tells, whoever took another label off; the controller's, which is looked at
    only under its own name, has none. Of any other object this is no more than a hint, which whoever may write the
    object can give: nothing may follow from it that they could not do.
    """
    if live["kind"] == "Namespace":
        return bool(tenant_of(live)) or labels_of(live).get(LABEL_ROLE) == ROLE_JENKINS
    managers = live["metadata"].get("managedFields") or []
    return labels_of(live).get(LABEL_MANAGED_BY) == MANAGED_BY or any(
        entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply" for entry in managers
    )


def is_adopted(live: Mapping[str, Any]) -> bool:
    """Whether an object other than a Namespace was there before us, so that it stays when we go."""
    return live["kind"] not in RIGHTS | REPLACED | {"Namespace"} and ANNOTATION_ADOPTED in annotations_of(live)


def refusal(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> str | None:
    """Why this object of somebody else is not taken over, and the remedy; None where it may be."""
    if live["kind"] not in RIGHTS:
        return None
    if not is_ours(live):
        return "somebody else made it, and Buildkeep takes over no rights; delete it or give it another name"
    if live.get("roleRef", {}) != wanted.get("roleRef", {}):
        return "its roleRef is not ours and cannot be changed in place; delete it"
    return None


def plan(live: Mapping[str, Any] | None, wanted: Object) -> Object:
    """What to apply so that `wanted` holds and what was before is not forgotten.

    A new Namespace is marked as made by us. Of a foreign one the labels and annotations that we change are remembered;
    of one taken over earlier also those that we change only now, and one that we no longer want becomes again what it
    was. A foreign object of another kind is marked as such.
    """
    if wanted["kind"] != "Namespace":
        adopted = (
            live is not None and (is_adopted(live) or not is_ours(live)) and wanted["kind"] not in RIGHTS | REPLACED
        )
        return _annotated(wanted, {ANNOTATION_ADOPTED: "true"}) if adopted else wanted
    if live is None:
        return _annotated(wanted, {ANNOTATION_CREATED: "true"})
    before = remembered(live)
    if before is None and is_ours(live):
        created = annotations_of(live).get(ANNOTATION_CREATED)
        return _annotated(wanted, {ANNOTATION_CREATED: created}) if created else wanted
    maps = {name: wanted["metadata"].get(name) or {} for name in _MAPS}
    memory = merge(undo(live, {"metadata": maps}), before or {})
    text = json.dumps(memory, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return _annotated(merge(_values(memory), wanted), {ANNOTATION_BEFORE: text})


def traces(live: Mapping[str, Any]) -> Object:
    """The merge patch that takes every label and annotation of ours off this very object."""
    labels = {name: None for name in labels_of(live) if name.startswith(f"{DOMAIN}/")}
    if labels_of(live).get(LABEL_MANAGED_BY) == MANAGED_BY:
        labels[LABEL_MANAGED_BY] = None
    annotations = {name: None for name in annotations_of(live) if name.startswith(f"{DOMAIN}/")}
    return {"metadata": {"uid": live["metadata"]["uid"], "labels": labels, "annotations": annotations}}


def restoring(live: Mapping[str, Any]) -> Object:
    """The merge patch that puts a taken-over Namespace back as it was found; refused for another of its name."""
    return merge(traces(live), remembered(live) or {})


def bare(live: Mapping[str, Any]) -> Object:
    """An apply of nothing to this very object: the API server takes away what only we had set."""
    metadata = {name: live["metadata"][name] for name in ("name", "namespace", "uid") if name in live["metadata"]}
    return {"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": metadata}


def _annotated(item: Object, annotations: Mapping[str, str]) -> Object:
    metadata = item["metadata"]
    merged = {**(metadata.get("annotations") or {}), **annotations}
    return {**item, "metadata": {**metadata, "annotations": merged}}

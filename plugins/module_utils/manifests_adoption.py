"""Objects that others made: what we change in them is remembered in an annotation, so that it can be put back.

The memory is a JSON merge patch (RFC 7386) that undoes our changes: old values, null for what was not there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import Object, annotations_of, labels_of
from ansible_collections.buildkeep.ci.plugins.module_utils.names import (
    ANNOTATION_BEFORE,
    ANNOTATION_CREATED,
    LABEL_MANAGED_BY,
    MANAGED_BY,
)

_IDENTITY = ("apiVersion", "kind", "status")


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
    """What was before we came; None for an object that we made (or that forgot)."""
    text = annotations_of(live).get(ANNOTATION_BEFORE)
    if text is None:
        return None
    try:
        patch = json.loads(text)
    except ValueError:
        return {}
    return patch if isinstance(patch, dict) else {}


def is_ours(live: Mapping[str, Any]) -> bool:
    """Whether Buildkeep made or took over this object."""
    return labels_of(live).get(LABEL_MANAGED_BY) == MANAGED_BY


def plan(live: Mapping[str, Any] | None, wanted: Object) -> Object:
    """What to apply so that `wanted` holds and what was before is not forgotten.

    A new Namespace is marked as made by us. Of a foreign object the values that we change are remembered; of one taken
    over earlier also those that we change only now, and a value that we no longer want becomes again what it was.
    """
    if live is None:
        return _annotated(wanted, {ANNOTATION_CREATED: "true"}) if wanted["kind"] == "Namespace" else wanted
    before = remembered(live)
    if before is None and is_ours(live):
        created = annotations_of(live).get(ANNOTATION_CREATED)
        return _annotated(wanted, {ANNOTATION_CREATED: created}) if created else wanted
    plain = {name: value for name, value in wanted.items() if name not in _IDENTITY}
    memory = merge(undo(live, plain), before or {})
    text = json.dumps(memory, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return _annotated(merge(_values(memory), wanted), {ANNOTATION_BEFORE: text})


def restoring(live: Mapping[str, Any]) -> Object:
    """The merge patch that puts a taken-over object back as it was found; refused for another object of its name."""
    marks = {"metadata": {"annotations": {ANNOTATION_BEFORE: None, ANNOTATION_CREATED: None}}}
    patch = merge(remembered(live) or {}, marks)
    return merge(patch, {"metadata": {"uid": live["metadata"]["uid"]}})


def bare(live: Mapping[str, Any]) -> Object:
    """An apply of nothing: the API server takes away what only we had set."""
    metadata = {name: live["metadata"][name] for name in ("name", "namespace") if name in live["metadata"]}
    return {"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": metadata}


def _annotated(item: Object, annotations: Mapping[str, str]) -> Object:
    metadata = item["metadata"]
    merged = {**(metadata.get("annotations") or {}), **annotations}
    return {**item, "metadata": {**metadata, "annotations": merged}}

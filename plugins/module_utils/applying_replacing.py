"""Kinds whose spec must be ours to the last field: what others add there could switch off a wall.

Server-side apply keeps the fields of others and merges lists (validationActions is a set), so these are replaced whole,
in place. The API server fills in its defaults as it did at first, and stores nothing where the result is what it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.client_answers import Answer
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster, Resource
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import Key, Object, annotations_of, labels_of
from ansible_collections.buildkeep.ci.plugins.module_utils.names import ANNOTATION_NARROWED, FIELD_MANAGER

ATTEMPTS = 5
_MATCHING: Mapping[str, Any] = {"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}}
_RACED = frozenset({404, 409})  # gone, or another version: look again


def body_of(live: Mapping[str, Any], wanted: Object) -> Object:
    """`wanted` in the place of `live`: metadata of others stays, all the rest is as wanted.

    What the annotation of applying_narrowing remembers stays only where `wanted` has it.
    """
    metadata = {name: value for name, value in live["metadata"].items() if name != "managedFields"}
    metadata["labels"] = labels_of(live) | labels_of(wanted)
    kept = {name: value for name, value in annotations_of(live).items() if name != ANNOTATION_NARROWED}
    metadata["annotations"] = kept | annotations_of(wanted)
    return {**wanted, "metadata": metadata}


def as_wanted(live: Mapping[str, Any], wanted: Object) -> bool:
    """Whether a replacement would change nothing, so that none needs to be sent.

    The API server compiles every expression of a policy that it is sent, also where it then stores nothing. It stores
    specs with its defaults (kubernetes/kubernetes 1.37, pkg/apis/admissionregistration/v1/defaults.go); where a server
    has others, nothing is equal and the replacement is sent.
    """
    body = body_of(live, wanted)
    body["spec"] = _defaulted(body.get("spec") or {})
    found = {name: live.get(name) for name in body}
    return _told(body) == _told(found)


def _told(item: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {name: value for name, value in item["metadata"].items() if value and name != "managedFields"}
    return {**item, "metadata": metadata}


def _defaulted(spec: Mapping[str, Any]) -> dict[str, Any]:
    filled = dict(spec) if "policyName" in spec else {"failurePolicy": "Fail", **spec}
    for name in {"matchConstraints", "matchResources"} & filled.keys():
        rules = [{"scope": "*", **rule} for rule in filled[name].get("resourceRules") or ()]
        filled[name] = {**_MATCHING, **filled[name], **({"resourceRules": rules} if rules else {})}
    return filled


def strangers(live: Mapping[str, Any]) -> list[str]:
    """The field managers besides us that set something in the spec."""
    entries = live["metadata"].get("managedFields") or []
    names = {entry.get("manager", "") for entry in entries if "f:spec" in (entry.get("fieldsV1") or {})}
    return sorted(names - {FIELD_MANAGER})


def replace(
    cluster: Cluster, resource: Resource, key: Key, live: Object, wanted: Object, check: bool
) -> tuple[Object, Answer] | None:
    """Replaces an object: the object as it was just before, and the answer; None where it is gone.

    Raises ApiError: refused, or changed by others again and again.
    """
    query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"} | ({"dryRun": "All"} if check else {})
    path, what = resource.path(key.namespace, key.name), f"replace {key}"
    for attempt in range(1, ATTEMPTS + 1):
        try:
            answer = cluster.client.request("PUT", path, body_of(live, wanted), query=query, what=what)
        except ApiError as error:
            if error.status not in _RACED or attempt == ATTEMPTS:
                raise
            now = cluster.get(resource, key.namespace, key.name)
            if now is None:
                return None
            live = now
        else:
            return live, answer
    raise AssertionError("the loop above always returns or raises")

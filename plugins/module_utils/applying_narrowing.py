"""What a change takes away, remembered until it is seen to be refused.

The run that narrows an allowlist is done only when a canary of what was taken away is refused. A run that dies between
the two must not lose what to try: so the very request that narrows writes it into an annotation of the same object,
the next run carries it over, and it goes when the canaries have passed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import Object, annotations_of
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_adoption import is_ours
from ansible_collections.buildkeep.ci.plugins.module_utils.names import (
    ANNOTATION_BUILDERS,
    ANNOTATION_CLAIMS,
    ANNOTATION_CSI_DRIVERS,
    ANNOTATION_IMAGES,
    ANNOTATION_NARROWED,
    ANNOTATION_SECRETS,
    ANNOTATION_TEMPLATES,
    DOMAIN,
    POLICY_PODS,
)

# What was allowed, by word; the words are those of canary_narrowed.
Lists = dict[str, list[str]]
# Annotations of a Namespace whose entries each give something. `static` gives nothing that `any` does not.
_GIVING = (ANNOTATION_IMAGES, ANNOTATION_BUILDERS, ANNOTATION_CLAIMS, ANNOTATION_SECRETS, ANNOTATION_CSI_DRIVERS)
_ALLOWED = "allowed"


def entries_of(policy: Mapping[str, Any]) -> list[str]:
    """The cluster-wide allowlist in the policy about pods: its variable `allowed` begins with it, written as JSON."""
    for variable in policy["spec"].get("variables") or []:
        if variable["name"] == _ALLOWED:
            try:
                found, _ = json.JSONDecoder().raw_decode(variable["expression"])
            except ValueError:
                return []
            return [entry for entry in found if isinstance(entry, str)] if isinstance(found, list) else []
    return []


def _of_namespace(item: Mapping[str, Any]) -> Lists:
    notes = annotations_of(item)
    given = {key.removeprefix(f"{DOMAIN}/"): notes.get(key, "").split(",") for key in _GIVING}
    given["templates"] = ["any"] if notes.get(ANNOTATION_TEMPLATES, "any") == "any" else []
    return {word: [entry.strip() for entry in entries if entry.strip()] for word, entries in given.items()}


def _of_policy(item: Mapping[str, Any]) -> Lists:
    return {"images": entries_of(item)} if item["metadata"]["name"] == POLICY_PODS else {}


_GIVES: Mapping[str, Callable[[Mapping[str, Any]], Lists]] = {
    "Namespace": _of_namespace,
    "ValidatingAdmissionPolicy": _of_policy,
}


def pending(item: Mapping[str, Any]) -> Lists:
    """What the annotation of an object remembers; nothing where it is not one of ours, or is no such list."""
    if item["kind"] not in _GIVES or not is_ours(item):
        return {}
    try:
        found = json.loads(annotations_of(item).get(ANNOTATION_NARROWED, "{}"))
    except ValueError:
        return {}
    lists = found if isinstance(found, dict) else {}
    return {
        word: [entry for entry in entries if isinstance(entry, str)]
        for word, entries in lists.items()
        if isinstance(entries, list)
    }


def narrowed(live: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> Lists:
    """What `wanted` takes away of what `live` gives, and what was taken away before and is not given again."""
    gives = _GIVES.get(wanted["kind"])
    if live is None or gives is None or not is_ours(live):
        return {}
    old, new, waiting = gives(live), gives(wanted), pending(live)
    lost = {
        word: sorted({*old.get(word, ()), *waiting.get(word, ())} - {*new.get(word, ())}) for word in {*old, *waiting}
    }
    return {word: entries for word, entries in sorted(lost.items()) if entries}


def marked(wanted: Object, lost: Lists) -> Object:
    """A copy of `wanted` with the annotation that remembers; `wanted` itself where nothing was taken away."""
    if not lost:
        return wanted
    text = json.dumps(lost, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    notes = {**annotations_of(wanted), ANNOTATION_NARROWED: text}
    return {**wanted, "metadata": {**wanted["metadata"], "annotations": notes}}

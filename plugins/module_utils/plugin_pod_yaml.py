"""The `yaml` of a Kubernetes plugin's pod template, read as the plugin reads it.

A port of `PodTemplateUtils.parseFromYaml`, `Serialization2` and the merge strategies `Merge` and `Overrides`
(jenkinsci/kubernetes-plugin 4423.vb_59f230b_ce53): only the first document counts, of two equal keys the last one, and
an alias is a text, since Jackson does not follow it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import lru_cache
from typing import Any

import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_combine import JSON, combine_pods
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_template import Template
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_types import (
    CONVERSIONS,
    TYPES,
    Scalar,
    WrongTypeError,
)

# Both are safe; the one in C is not in every build of PyYAML.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
WHAT = "yaml of a pod template"
_FORMS = {
    **dict.fromkeys(("object", "text map", "amount map"), "a mapping"),
    "objects": "a list of mappings",
    "texts": "a list",
    "longs": "a list",
}
_ITEMS = {"texts": "text", "longs": "long", "objects": "object"}
_VALUES = {"text map": "text", "amount map": "amount"}
# Lists that the plugin walks through without asking whether they are there.
_NEVER_NULL = ("containers", "initContainers", "volumes", "imagePullSecrets")


def merged_yaml(template: Template) -> JSON | None:
    """Make a pod of a template's fragments, or None where it has none.

    Under `merge` all count (`Merge.merge`), under `override`, the default, the last one only (`Overrides.merge`).

    Raises:
        BuildkeepError: for YAML that is no pod, and for what the plugin cannot merge.
    """
    fragments = template["yamls"] if template["yamlMergeStrategy"] == "merge" else template["yamls"][-1:]
    result: JSON | None = None
    for fragment in fragments:
        pod = parse_pod(fragment)
        result = pod if result is None else combine_pods(result, pod)
    return result


def parse_pod(text: str) -> JSON:
    """Read one fragment; it has metadata and spec in any case.

    Raises:
        BuildkeepError: for YAML that is no pod.
    """
    return deepcopy(_parsed(text))


@lru_cache(maxsize=256)
def _parsed(text: str) -> JSON:
    """Read a fragment once: all tenants' templates of a builder have the same."""
    if not text.strip():
        return {"metadata": {}, "spec": {}}
    try:
        node = _document(yaml.parse(text, Loader=LOADER))
    except yaml.YAMLError as error:
        raise BuildkeepError([f"{WHAT}: {error}; write a Pod, or a part of one"]) from error
    if not isinstance(node, Mapping):
        raise BuildkeepError([f"{WHAT}: no Pod; write a mapping with metadata and spec"])
    problems: list[str] = []
    pod = _converted(node, "object", "", problems)
    problems += [f"{WHAT}: {where}: is null, at which the plugin fails; leave it out" for where in _nulls(pod)]
    if problems:
        raise BuildkeepError(problems)
    return {**pod, "metadata": pod.get("metadata") or {}, "spec": pod.get("spec") or {}}


def _nulls(pod: JSON) -> Iterator[str]:
    spec = pod.get("spec") or {}
    yield from (f"spec.{key}" for key in _NEVER_NULL if key in spec and spec[key] is None)
    for index, container in enumerate(spec.get("containers") or []):
        if (container or {}).get("volumeMounts", []) is None:
            yield f"spec.containers[{index}].volumeMounts"


def _document(events: Iterator[yaml.Event]) -> Any:
    """Read the first document, of scalars, lists and mappings."""
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            return _node(next(events), events)
    return None


def _node(event: yaml.Event, events: Iterator[yaml.Event]) -> Any:
    if isinstance(event, yaml.AliasEvent):
        return Scalar(str(event.anchor), "text")
    if isinstance(event, yaml.ScalarEvent):
        return Scalar.read(event.value, not event.style, event.tag)
    if isinstance(event, yaml.SequenceStartEvent):
        return _list(events)
    found: dict[str, Any] = {}
    for key in events:
        if isinstance(key, yaml.MappingEndEvent):
            return found
        name = _node(key, events)
        if not isinstance(name, Scalar):
            raise yaml.YAMLError("a key that is no text")
        found[name.text] = _node(next(events), events)
    raise yaml.YAMLError("a mapping that does not end")


def _list(events: Iterator[yaml.Event]) -> list[Any]:
    found: list[Any] = []
    for event in events:
        if isinstance(event, yaml.SequenceEndEvent):
            return found
        found.append(_node(event, events))
    raise yaml.YAMLError("a list that does not end")


def _converted(node: Any, kind: str, where: str, problems: list[str]) -> Any:
    """Give a node the type of its field; each problem names the field."""
    if " or " in kind:
        several, one = kind.split(" or ")
        kind = several if isinstance(node, list) or (several == "text" and isinstance(node, Scalar)) else one
    if isinstance(node, Scalar) and kind in CONVERSIONS:
        try:
            return CONVERSIONS[kind](node)
        except WrongTypeError as error:
            problems.append(f"{WHAT}: {where}: {node.text!r} {error}; write another value")
            return None
    if isinstance(node, Scalar) and node.kind == "null":
        return None
    if isinstance(node, list) and (kind in _ITEMS or kind == "natural"):
        items = [_converted(item, _ITEMS.get(kind, kind), f"{where}[{i}]", problems) for i, item in enumerate(node)]
        problems += [f"{WHAT}: {where}[{i}]: is null; leave it out" for i, item in enumerate(items)
                     if item is None and kind == "objects"]  # fmt: skip
        return items
    if isinstance(node, Mapping) and (kind in _VALUES or kind in ("object", "natural")):
        kinds = dict.fromkeys(node, _VALUES[kind]) if kind in _VALUES else TYPES if kind == "object" else {}
        return {
            key: _converted(value, kinds.get(key, "natural"), f"{where}.{key}".lstrip("."), problems)
            for key, value in node.items()
        }
    problems.append(f"{WHAT}: {where}: cannot stand there; write {_FORMS.get(kind, 'a value')}")
    return None

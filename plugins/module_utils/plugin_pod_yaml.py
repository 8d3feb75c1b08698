"""The `yaml` of a Kubernetes plugin's pod template, read as the plugin reads it.

A port of `PodTemplateUtils.parseFromYaml` and of the merge strategies `Merge` and `Overrides`
(jenkinsci/kubernetes-plugin 4423.vb_59f230b_ce53).
"""

from __future__ import annotations

from copy import deepcopy
from functools import lru_cache
from typing import Any

import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_combine import JSON, combine_pods
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_template import Template

# Both are safe; the one in C is not in every build of PyYAML.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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
    """Read one fragment.

    Raises:
        BuildkeepError: for YAML that is no pod.
    """
    return deepcopy(_parsed(text))


@lru_cache(maxsize=256)
def _parsed(text: str) -> JSON:
    """Read a fragment once: all tenants' templates of a builder have the same."""
    try:
        pod = yaml.load(text, Loader=LOADER) or {}  # noqa: S506
    except yaml.YAMLError as error:
        raise BuildkeepError([f"yaml of a pod template: {error}; write a Pod, or a part of one"]) from error
    if not isinstance(pod, dict) or not all(isinstance(pod.get(key) or {}, dict) for key in ("metadata", "spec")):
        raise BuildkeepError(["yaml of a pod template: no Pod; write a mapping with metadata and spec"])
    metadata, spec = pod["metadata"], pod["spec"] = pod.get("metadata") or {}, pod.get("spec") or {}
    # The plugin's model takes a number or boolean for text where only text can stand.
    _as_text(metadata, "labels", "annotations")
    _as_text(spec, "nodeSelector")
    for container in [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]:
        for key in ("command", "args"):
            if container.get(key):
                container[key] = [_text(item) for item in container[key]]
        for variable in container.get("env") or []:
            if "value" in variable:
                variable["value"] = _text(variable["value"])
    return pod


def _as_text(mapping: JSON, *keys: str) -> None:
    for key in keys:
        if mapping.get(key):
            mapping[key] = {name: _text(value) for name, value in mapping[key].items()}


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value

"""What the Jenkins Kubernetes plugin makes of clouds, templates and a Jenkinsfile's pod: the pod that it creates.

A port of the plugin's rules at 4423.vb_59f230b_ce53: it tells whether the pods that templates and Jenkinsfiles really
give are admitted, and lets a stand-in controller create them. Pure: nothing is read or sent here.
Modules: `jcasc` (clouds from JCasC), `plugin_pod_plan` (from cloud and request to a pod), `plugin_pod_request` (what a
Jenkinsfile may say), `plugin_pod_template`, `plugin_pod_attributes` (attributes, inheritance), `plugin_pod_yaml`,
`plugin_pod_combine` (yaml, merging pods and containers), `plugin_pod_build`, `plugin_pod_container`,
`plugin_pod_volumes` (fields), `plugin_pod_agent` (agent container, decorators), `plugin_pod_labels` (label
expressions), `plugin_pod_values`, `plugin_pod_types`, `plugin_pod_java` (helpers).

Limits. The chart pins the plugin's 4540.v612369217f87, whose source could not be had: nothing here was checked against
it. Refused by name: `nodeProperties`, the deprecated attributes that stand for the first container's, volumes by the
names of their classes. Not there at all: other plugins' PodDecorators and PodTemplateFilters, the plugin's system
properties, templates of other running builds, which in the plugin answer to their labels and names too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.jcasc import load_clouds
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_build import (
    ANNOTATION_REFRESH,
    controller_label,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_container import AgentInfo
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_labels import label_matches, sanitize_label
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_plan import (
    Cloud,
    Plan,
    dynamic_plan,
    dynamic_pod,
    static_plan,
    static_pod,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_request import (
    DECLARATIVE,
    DECLARATIVE_ATTRIBUTES,
    STEP,
    STEP_ATTRIBUTES,
    PodRequest,
    pod_request,
    without_effect,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_template import read_template

__all__ = [
    "ANNOTATION_REFRESH",
    "DECLARATIVE",
    "DECLARATIVE_ATTRIBUTES",
    "STEP",
    "STEP_ATTRIBUTES",
    "AgentInfo",
    "Cloud",
    "Plan",
    "PodRequest",
    "agent_name",
    "clouds",
    "controller_label",
    "dynamic_plan",
    "dynamic_pod",
    "label_matches",
    "pod_request",
    "sanitize_label",
    "static_plan",
    "static_pod",
    "template_for_label",
    "without_effect",
]
_AGENT_PREFIX = "jenkins-agent"
_POD_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def clouds(configmaps: Iterable[Mapping[str, Any]]) -> dict[str, Cloud]:
    """Read the clouds of JCasC ConfigMaps, by name, in the order in which Jenkins has them.

    Raises:
        BuildkeepError: with every problem: what Jenkins would refuse, two clouds of one name, what is not supported.
    """
    files: dict[str, str] = {}
    for configmap in configmaps:
        files.update(configmap.get("data") or {})
    result: dict[str, Cloud] = {}
    problems: list[str] = []
    for where, attributes in load_clouds(files):
        raw = attributes.pop("templates")
        templates = []
        for index, template in enumerate(raw):
            try:
                templates.append(read_template(template, f"{where}.templates[{index}]"))
            except BuildkeepError as error:
                problems.extend(error.problems)
        result[attributes["name"]] = Cloud(attributes["name"], attributes, tuple(templates))
    if problems:
        raise BuildkeepError(problems)
    return result


def template_for_label(cloud: Cloud, label: str) -> str | None:
    """Name the first template of the cloud that satisfies a label expression (`PodTemplateLabelFilter`).

    Args:
        cloud: whose templates are asked; those of running builds come after them in the plugin, and not here.
        label: the expression, or "" for a job without label, which only a template of the mode NORMAL takes.
    """
    for template in cloud.templates:
        if label_matches(label, template["label"]) if label else template["nodeUsageMode"] == "NORMAL":
            return str(template["name"])
    return None


def agent_name(base: str, suffix: str) -> str:
    """Name an agent and its pod, in 63 letters at most (`KubernetesSlave.getSlaveName`, `PodUtils`).

    Args:
        base: for `agent { label }` the template's name, else the request's name or label and five letters.
        suffix: random letters and digits.
    """
    name = _with_suffix(base or _AGENT_PREFIX, suffix)
    return name if _POD_NAME.fullmatch(name) else _with_suffix(_AGENT_PREFIX, suffix)


def _with_suffix(base: str, suffix: str) -> str:
    name = re.sub(r"[ _]", "-", base).lower()[: 62 - len(suffix)]
    return f"{name}-{suffix}"

"""What a Jenkinsfile may say about its pod: the podTemplate step and the declarative `agent { kubernetes { … } }`.

A port of `PodTemplateStep`, `PodTemplateStepExecution.start` and `KubernetesDeclarativeAgent.getAsArgs`
(jenkinsci/kubernetes-plugin 4423.vb_59f230b_ce53). `cloud`, `label` and `name`, and in a declarative agent also
`defaultContainer`, `yamlFile`, `customWorkspace` and `retries`, are the controller's business.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_template import Template, read_template
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_yaml import parse_pod

STEP, DECLARATIVE = "podTemplate", "kubernetes"
_BOTH = (
    *("yaml", "inheritFrom", "yamlMergeStrategy", "inheritYamlMergeStrategy", "namespace", "serviceAccount"),
    *("nodeSelector", "schedulerName", "activeDeadlineSeconds", "agentContainer", "agentInjection", "showRawYaml"),
    *("workspaceVolume", "idleMinutes", "instanceCap", "slaveConnectTimeout", "podRetention", "supplementalGroups"),
    "workingDir",
)
STEP_ATTRIBUTES = (
    *_BOTH,
    *("containers", "envVars", "volumes", "annotations", "imagePullSecrets", "nodeUsageMode"),
    *("hostNetwork", "runAsUser", "runAsGroup"),
)
DECLARATIVE_ATTRIBUTES = (*_BOTH, "containerTemplate", "containerTemplates")
_KNOWN = {STEP: STEP_ATTRIBUTES, DECLARATIVE: DECLARATIVE_ATTRIBUTES}
# Declared there, and read by nothing: `start()` copies neither, and `getAsArgs` leaves a third out.
_WITHOUT_EFFECT: Mapping[str, tuple[str, ...]] = {
    STEP: ("supplementalGroups", "workingDir"),
    DECLARATIVE: ("supplementalGroups", "workingDir", "schedulerName"),
}
_INHERIT_DEFAULT = "<default>"
_CONTAINER_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


@dataclass(frozen=True)
class PodRequest:
    """A pod that a Jenkinsfile describes.

    Attributes:
        label: label under which the build waits for the agent, such as `shop_hello_3-x7k2p`.
        run_url: the build's URL below Jenkins', such as `job/shop/job/hello/3/`.
        template: every attribute of the template that the step registers.
        inherits: whether it inherits the podTemplate step around it.
        name: what the step calls its template, or "".
    """

    label: str
    run_url: str
    template: Template
    inherits: bool = False
    name: str = ""


def pod_request(
    attributes: Mapping[str, Any], label: str, run_url: str, form: str = STEP, name: str = ""
) -> PodRequest:
    """Take what a Jenkinsfile says about its pod.

    Args:
        attributes: as the Jenkinsfile has them, without those that are the controller's business.
        label: under which the build waits.
        run_url: the build's URL below Jenkins'.
        form: `STEP` or `DECLARATIVE`; they do not take the same attributes.
        name: the step's `name`, or "".

    Raises:
        BuildkeepError: naming each attribute that this form does not have, and each value that is wrong.
    """
    where = "podTemplate" if form == STEP else "agent kubernetes"
    known = ", ".join(sorted(_KNOWN[form]))
    unknown = sorted(set(attributes) - set(_KNOWN[form]))
    if unknown:
        raise BuildkeepError([f"{where}: {key} is not supported; supported: {known}" for key in unknown])
    given = {key: value for key, value in attributes.items() if key not in _WITHOUT_EFFECT[form]}
    if form == DECLARATIVE:
        given = _as_step(given)
    inherit = None if given.get("inheritFrom") == _INHERIT_DEFAULT else given.get("inheritFrom")
    template = read_template({**given, "inheritFrom": inherit}, where)
    # `PodTemplateStep.setInstanceCap`
    if template["instanceCap"] is not None and template["instanceCap"] <= 0:
        template["instanceCap"] = None
    _check_names(template, where)
    return PodRequest(label, run_url, template, inherits=form == STEP and inherit is None, name=name)


def without_effect(attributes: Mapping[str, Any], form: str = STEP) -> list[str]:
    """Say which attributes the plugin takes and passes over, for the build's log."""
    return [
        f"{form}: {key} has no effect, the Kubernetes plugin passes it over; write it into yaml"
        for key in _WITHOUT_EFFECT[form]
        if attributes.get(key)
    ]


def _as_step(given: Mapping[str, Any]) -> dict[str, Any]:
    """`containerTemplate` counts only without `containerTemplates`; zeros and false are as good as absent."""
    step = {key: value for key, value in given.items() if not key.startswith("containerTemplate")}
    containers = given.get("containerTemplates") or [given[key] for key in ("containerTemplate",) if given.get(key)]
    return {**step, **({"containers": containers} if containers else {})}


def _check_names(template: Template, where: str) -> None:
    """Container names of the step's fields and of its own YAML (`PodTemplateUtils.validateYamlContainerNames`)."""
    names = [container["name"] for container in template["containers"]]
    for fragment in template["yamls"]:
        names += [container.get("name") for container in parse_pod(fragment)["spec"].get("containers") or []]
    wrong = [str(name) for name in names if name and not _CONTAINER_NAME.fullmatch(str(name))]
    if wrong:
        listed = ", ".join(wrong)
        problem = f"{where}: no name of a container: {listed}; write small letters, digits and hyphens between them"
        raise BuildkeepError([problem])

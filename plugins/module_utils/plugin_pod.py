"""What the Jenkins Kubernetes plugin makes of clouds, templates and a Jenkinsfile's pod: the pod that it creates.

A port of the plugin's rules at 4423.vb_59f230b_ce53, as far as Buildkeep needs them: it tells whether the pods that our
templates really give are admitted, and lets a stand-in controller create them. Pure: nothing is read or sent here.
Modules: `jcasc` (clouds from JCasC), `plugin_pod_template` (attributes, inheritance), `plugin_pod_combine` (pods and
containers), `plugin_pod_build` (fields, agent container, decorators).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.jcasc import load_clouds
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_build import build_pod, sanitize_label
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_combine import JSON
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_template import (
    Template,
    find,
    read_template,
    unwrap,
)

__all__ = [
    "AgentInfo",
    "Cloud",
    "PodRequest",
    "agent_name",
    "clouds",
    "dynamic_pod",
    "pod_request",
    "sanitize_label",
    "static_pod",
    "template_for_label",
]

# What a declarative `agent { kubernetes { … } }` may say about its pod. What else it may say (cloud, defaultContainer,
# yamlFile, customWorkspace, retries) is the controller's business; the plugin's other attributes are not supported.
REQUEST_ATTRIBUTES = (
    *("yaml", "inheritFrom", "yamlMergeStrategy", "inheritYamlMergeStrategy", "namespace", "serviceAccount"),
    *("nodeSelector", "schedulerName", "activeDeadlineSeconds", "agentContainer", "hostNetwork", "runAsUser"),
    *("runAsGroup", "workspaceVolume", "idleMinutes", "instanceCap", "slaveConnectTimeout", "podRetention"),
    *("showRawYaml", "containers"),
)


@dataclass(frozen=True)
class Cloud:
    """A Kubernetes cloud of Jenkins.

    Attributes:
        name: name of the cloud.
        attributes: every attribute of `jcasc.CLOUD`, `podLabels` as a mapping, `jenkinsUrl` with its slash at the end.
        templates: its templates, in order.
    """

    name: str
    attributes: Mapping[str, Any]
    templates: tuple[Template, ...]


@dataclass(frozen=True)
class AgentInfo:
    """One agent: its `name` is the pod's, `secret` lets it connect, `refreshed` is in milliseconds since 1970."""

    name: str
    secret: str
    refreshed: int = 0


@dataclass(frozen=True)
class PodRequest:
    """A pod that a Jenkinsfile describes.

    Attributes:
        label: label under which the build waits for the agent, such as `shop_hello_3-x7k2p`.
        run_url: the build's URL below Jenkins', such as `job/shop/job/hello/3/`.
        attributes: what `agent { kubernetes { … } }` says, keys of `REQUEST_ATTRIBUTES`.
    """

    label: str
    run_url: str
    attributes: Mapping[str, Any]


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
    """Name the first template of the cloud that offers one label; label expressions are not supported."""
    return next((template["name"] for template in cloud.templates if label in template["label"].split()), None)


def static_pod(cloud: Cloud, template_name: str, agent: AgentInfo) -> JSON:
    """Make the pod for `agent { label }`: a template of the cloud, which keeps its own namespace.

    Raises:
        BuildkeepError: when the cloud has no such template, or the template cannot become a pod.
    """
    template = find(cloud.templates, template_name)
    if template is None:
        known = ", ".join(one["name"] for one in cloud.templates)
        raise BuildkeepError([f"cloud {cloud.name} has no template {template_name}; it has: {known}"])
    return _pod(cloud, template, agent)


def pod_request(attributes: Mapping[str, Any], label: str, run_url: str) -> PodRequest:
    """Take what a Jenkinsfile says about its pod.

    Raises:
        BuildkeepError: naming each attribute that is not supported.
    """
    unknown = sorted(set(attributes) - set(REQUEST_ATTRIBUTES))
    if unknown:
        known = ", ".join(sorted(REQUEST_ATTRIBUTES))
        raise BuildkeepError([f"agent kubernetes: {key} is not supported; supported: {known}" for key in unknown])
    return PodRequest(label, run_url, dict(attributes))


def dynamic_pod(cloud: Cloud, request: PodRequest, agent: AgentInfo) -> JSON:
    """Make the pod for `agent { kubernetes { … } }` (`PodTemplateStepExecution.start`).

    Its template gets a namespace at once, the cloud's if the Jenkinsfile names none, so one of `inheritFrom` is lost;
    `metadata.namespace` in the YAML wins over both. The annotations tell such pods from those of `agent { label }`.

    Raises:
        BuildkeepError: for what cannot become a pod.
    """
    url = cloud.attributes["jenkinsUrl"]
    annotations = [{"key": "buildUrl", "value": url + request.run_url}, {"key": "runUrl", "value": request.run_url}]
    template = read_template(request.attributes, "agent kubernetes")
    template.update(name=request.label, label=request.label, annotations=annotations)
    template["namespace"] = template["namespace"] or cloud.attributes["namespace"]
    return _pod(cloud, template, agent)


def agent_name(base: str, suffix: str) -> str:
    """Name an agent and its pod, in 63 letters at most (`PodUtils.createNameWithRandomSuffix`).

    Args:
        base: for `agent { label }` the template's name, else the request's label and five letters.
        suffix: random letters and digits.
    """
    name = re.sub(r"[ _]", "-", base).lower()[: 62 - len(suffix)]
    return f"{name}-{suffix}"


def _pod(cloud: Cloud, template: Template, agent: AgentInfo) -> JSON:
    unwrapped = unwrap(template, cloud.attributes["defaultsProviderTemplate"], cloud.templates)
    return build_pod(cloud.attributes, unwrapped, agent.name, _environment(cloud, agent), agent.refreshed)


def _environment(cloud: Cloud, agent: AgentInfo) -> dict[str, str]:
    """List what the agent needs to dial the controller (`PodTemplateBuilder.agentEnvVars`), in plain text as there."""
    variables = {
        "JENKINS_SECRET": agent.secret,
        "JENKINS_NAME": agent.name,
        "JENKINS_AGENT_NAME": agent.name,
        "JENKINS_TUNNEL": cloud.attributes["jenkinsTunnel"],
        "JENKINS_URL": cloud.attributes["jenkinsUrl"],
        "JENKINS_WEB_SOCKET": "true" if cloud.attributes["webSocket"] else "",
        "REMOTING_OPTS": "-noReconnectAfter 1d",
    }
    return {key: value for key, value in variables.items() if value}

"""The pod that the Kubernetes plugin makes of a template whose parents are merged in.

A port of the rules of `PodTemplateBuilder.build` and of the four `PodDecorator`s that come with the plugin
(jenkinsci/kubernetes-plugin 4423.vb_59f230b_ce53).
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import lru_cache
from typing import Any

import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_combine import JSON, combine_pods
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_template import Template

AGENT_CONTAINER = "jnlp"
# First line of the plugin's resource Dockerfile.
AGENT_IMAGE = "jenkins/inbound-agent:3355.v388858a_47b_33-3-jdk21"
WORKING_DIR = "/home/jenkins/agent"
WORKSPACE = "workspace-volume"
LABEL_CONTROLLER = "kubernetes.jenkins.io/controller"
ANNOTATION_REFRESH = "kubernetes.jenkins.io/last-refresh"
# Both are safe; the one in C is not in every build of PyYAML.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_AGENT_REQUESTS = {"cpu": "100m", "memory": "256Mi"}
_RESOURCES = {"cpu": "Cpu", "memory": "Memory", "ephemeral-storage": "EphemeralStorage"}


def sanitize_label(text: str) -> str:
    """Make a label value of any text (`PodTemplateUtils.sanitizeLabel`): its last 57 characters, odd ones replaced."""
    text = re.sub(r"[^_a-zA-Z0-9-]", "_", text[-57:])
    return re.sub(r"[^a-zA-Z0-9]$", "x", re.sub(r"^[^a-zA-Z0-9]", "x", text))


def build_pod(
    cloud: Mapping[str, Any], template: Template, name: str, environment: Mapping[str, str], refreshed: int
) -> JSON:
    """Make the pod.

    Args:
        cloud: attributes of the cloud: namespace, podLabels, jenkinsUrl, jnlpregistry, restrictedPssSecurityContext.
        template: every attribute, parents merged in.
        name: of the pod and of the agent.
        environment: variables of the agent container.
        refreshed: milliseconds since 1970, for the annotation by which the plugin collects garbage.

    Raises:
        BuildkeepError: for YAML that is no pod, and for a workspace volume that is no emptyDir.
    """
    pod = _from_fields(cloud, template, name, environment, refreshed)
    base = _from_yaml(template)
    pod = {"apiVersion": "v1", "kind": "Pod", **(pod if base is None else combine_pods(base, pod))}
    pod["metadata"].setdefault("namespace", template["namespace"] or cloud["namespace"])
    spec = pod["spec"]
    _add_agent(cloud, template, spec, environment)
    _decorate(cloud, spec)
    return pod


def _from_yaml(template: Template) -> JSON | None:
    """Under `merge` all fragments count, under `override`, the default, the last one only."""
    fragments = template["yamls"] if template["yamlMergeStrategy"] == "merge" else template["yamls"][-1:]
    result: JSON | None = None
    for fragment in fragments:
        pod = _parse(fragment)
        result = pod if result is None else combine_pods(result, pod)
    return result


def _parse(text: str) -> JSON:
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


def _from_fields(
    cloud: Mapping[str, Any], template: Template, name: str, environment: Mapping[str, str], refreshed: int
) -> JSON:
    # The cloud's labels and the plugin's own; nothing in a Jenkinsfile comes after them.
    label = template["label"]
    labels = {
        **cloud["podLabels"],
        "jenkins/label": sanitize_label(label) if label else "slave-default",
        # A digest that the plugin puts there, not one that protects anything.
        "jenkins/label-digest": hashlib.sha1(label.encode(), usedforsecurity=False).hexdigest() if label else "0",
        LABEL_CONTROLLER: sanitize_label(cloud["jenkinsUrl"]),
    }
    annotations = {item["key"]: item["value"] for item in template["annotations"]}
    fields = {
        "activeDeadlineSeconds": template["activeDeadlineSeconds"],
        "serviceAccountName": template["serviceAccount"],
        "schedulerName": template["schedulerName"],
        "nodeSelector": _node_selector(template["nodeSelector"]),
        "securityContext": _pod_security(template),
    }
    spec: JSON = {key: value for key, value in fields.items() if value}
    if template["hostNetwork"] is not None:
        spec["hostNetwork"] = template["hostNetwork"]
    spec["containers"] = [_container(one, environment) for one in template["containers"]]
    spec["volumes"] = [{"name": WORKSPACE, "emptyDir": _workspace(template["workspaceVolume"])}]
    metadata = {"name": name, "labels": labels, "annotations": {**annotations, ANNOTATION_REFRESH: str(refreshed)}}
    return {"metadata": metadata, "spec": spec}


def _container(template: Template, environment: Mapping[str, str]) -> JSON:
    container: JSON = {"name": template["name"], "image": template["image"]}
    container["imagePullPolicy"] = "Always" if template["alwaysPullImage"] else "IfNotPresent"
    container["tty"] = template["ttyEnabled"]
    if template["name"] == AGENT_CONTAINER:
        container["env"] = _agent_variables(environment, template["workingDir"])
    for key in ("command", "args"):
        if template[key]:
            container[key] = shlex.split(template[key])
    if template["workingDir"]:
        container["workingDir"] = template["workingDir"]
        container["volumeMounts"] = [{"name": WORKSPACE, "mountPath": template["workingDir"]}]
    security = {key: template[key] for key in ("runAsUser", "runAsGroup") if template[key] is not None}
    if security or template["privileged"]:
        container["securityContext"] = {"privileged": template["privileged"], **security}
    container["resources"] = {}
    for kind in ("Request", "Limit"):
        amounts = {key: template[f"resource{kind}{suffix}"] for key, suffix in _RESOURCES.items()}
        if any(amounts.values()):
            container["resources"][f"{kind.lower()}s"] = {key: value for key, value in amounts.items() if value}
    return container


def _workspace(volume: Mapping[str, Any]) -> JSON:
    kind, settings = next(iter(volume.items()))
    if kind != "emptyDirWorkspaceVolume" or len(volume) != 1:
        raise BuildkeepError([f"workspaceVolume: {kind} is not supported; supported: emptyDirWorkspaceVolume"])
    empty = {"medium": "Memory" if settings.get("memory") else ""}
    return {**empty, "sizeLimit": settings["sizeLimit"]} if settings.get("sizeLimit") else empty


def _pod_security(template: Template) -> JSON:
    numbers = {key: template[key] for key in ("runAsUser", "runAsGroup") if template[key] is not None}
    groups = [int(group) for group in (template["supplementalGroups"] or "").split(",") if group.strip().isdigit()]
    return {**numbers, "supplementalGroups": groups} if groups else numbers


def _node_selector(text: str) -> dict[str, str]:
    pairs = (part.split("=") for part in text.split(","))
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2 and all(pair)}


def _add_agent(cloud: Mapping[str, Any], template: Template, spec: JSON, environment: Mapping[str, str]) -> None:
    """Add the agent container where there is none, and give it what an agent needs."""
    name = template["agentContainer"] or AGENT_CONTAINER
    containers = spec["containers"] = spec.get("containers") or []
    agent = next((container for container in containers if container.get("name") == name), None)
    if agent is None:
        agent = {"name": name}
        containers.append(agent)
    if agent.get("workingDir"):
        for container in containers:
            container.setdefault("workingDir", agent["workingDir"])
    registry = cloud["jnlpregistry"]
    prefix = f"{registry.rstrip('/')}/" if registry else ""
    agent["image"] = agent.get("image") or prefix + AGENT_IMAGE
    given = _agent_variables(environment, agent.get("workingDir"))
    agent["env"] = list({one["name"]: one for one in [*given, *(agent.get("env") or [])]}.values())
    if agent.get("resources") is None:
        agent["resources"] = {"requests": dict(_AGENT_REQUESTS)}


def _agent_variables(environment: Mapping[str, str], folder: str | None) -> list[JSON]:
    variables = {**environment, "JENKINS_AGENT_WORKDIR": folder or WORKING_DIR}
    return [{"name": key, "value": value} for key, value in variables.items()]


def _decorate(cloud: Mapping[str, Any], spec: JSON) -> None:
    """Default node selector, restart policy, workspace in every container, and the cloud's restricted context."""
    affinity = (spec.get("affinity") or {}).get("nodeAffinity")
    if spec.get("runtimeClassName") is None and not spec.get("nodeSelector") and affinity is None:
        spec["nodeSelector"] = {"kubernetes.io/os": "linux"}
    spec["restartPolicy"] = spec.get("restartPolicy") or "Never"
    for container in spec["containers"]:
        folder = container.get("workingDir") or WORKING_DIR
        mounts = container["volumeMounts"] = container.get("volumeMounts") or []
        if all(mount.get("mountPath") != folder for mount in mounts):
            mounts.append({"name": WORKSPACE, "mountPath": folder})
    if cloud["restrictedPssSecurityContext"]:
        _restrict([*(spec.get("initContainers") or []), *spec["containers"]])


def _restrict(containers: Sequence[JSON]) -> None:
    """Fill what a container leaves open (`RestrictedPssSecurityContextInjector`); what it says itself stays."""
    for container in containers:
        security = container["securityContext"] = container.get("securityContext") or {}
        defaults: JSON = {
            "allowPrivilegeEscalation": False,
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
            "capabilities": {"drop": ["ALL"]},
        }
        security.update({key: value for key, value in defaults.items() if security.get(key) is None})


def _as_text(mapping: JSON, *keys: str) -> None:
    for key in keys:
        if mapping.get(key):
            mapping[key] = {name: _text(value) for name, value in mapping[key].items()}


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value

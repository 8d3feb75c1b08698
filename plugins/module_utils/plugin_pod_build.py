"""The pod that the Kubernetes plugin makes of a template whose parents are merged in.

A port of the first half of `PodTemplateBuilder.build`, of `getNodeSelectorMap`, `parseSupplementalGroupList`,
`getAnnotationsMap`, and of `PodTemplate.recomputeLabelDerivedFields` (jenkinsci/kubernetes-plugin
4423.vb_59f230b_ce53). `SUBSTITUTE_ENV` is off there by default, and always here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_agent import add_agent, decorate
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_combine import JSON, combine_pods
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_container import AgentInfo, build_container
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_java import HashMap, in_hash_order, parse_long
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_labels import sanitize_label
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_template import Template
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_volumes import build_volumes
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_yaml import merged_yaml

LABEL_CONTROLLER = "kubernetes.jenkins.io/controller"
ANNOTATION_REFRESH = "kubernetes.jenkins.io/last-refresh"


def build_pod(cloud: Mapping[str, Any], template: Template, agent: AgentInfo) -> JSON:
    """Make the pod.

    Args:
        cloud: attributes of the cloud.
        template: every attribute, parents merged in.
        agent: name, secret and time of the agent.

    Raises:
        BuildkeepError: for YAML that is no pod, and for what the plugin cannot merge.
    """
    volumes, mounts = build_volumes(template["volumes"], template["workspaceVolume"], agent.name)
    mounts = in_hash_order(mounts.items())
    containers: HashMap[JSON] = HashMap()
    for container in template["containers"]:
        containers.put(container["name"], build_container(cloud, template, container, mounts, agent))
    spec = _spec(template)
    spec["containers"] = list(containers.ordered().values())
    spec["volumes"] = list(in_hash_order((volume["name"], volume) for volume in volumes).values())
    metadata = {"name": agent.name, "labels": _labels(cloud, template), "annotations": _annotations(template, agent)}
    pod: JSON = {"metadata": metadata, "spec": spec}
    base = merged_yaml(template)
    pod = {"apiVersion": "v1", "kind": "Pod", **(pod if base is None else combine_pods(base, pod))}
    # An empty one stays in the plugin's pod, but not in the path of its request (`KubernetesLauncher.launch`).
    if not pod["metadata"].get("namespace"):
        pod["metadata"]["namespace"] = template["namespace"] or cloud["namespace"]
    add_agent(cloud, template, pod["spec"], mounts, agent)
    decorate(cloud, pod["spec"])
    return pod


def controller_label(cloud: Mapping[str, Any]) -> str:
    """Name the controller as its pods' label does; garbage is collected by it."""
    return sanitize_label(cloud["jenkinsUrl"])


def _spec(template: Template) -> JSON:
    deadline = template["activeDeadlineSeconds"]
    fields = {
        "activeDeadlineSeconds": deadline if deadline > 0 else None,
        "serviceAccountName": template["serviceAccount"],
        "schedulerName": template["schedulerName"],
        "imagePullSecrets": [dict(secret) for secret in template["imagePullSecrets"]],
        "nodeSelector": _node_selector(template["nodeSelector"]),
        "securityContext": _pod_security(template),
    }
    spec: JSON = {key: value for key, value in fields.items() if value}
    for key in ("terminationGracePeriodSeconds", "hostNetwork"):
        if template[key] is not None:
            spec[key] = template[key]
    return spec


def _labels(cloud: Mapping[str, Any], template: Template) -> dict[str, str]:
    """The cloud's labels and the plugin's own; nothing in a Jenkinsfile comes after them."""
    label = template["label"]
    return {
        **cloud["podLabels"],
        "jenkins/label": sanitize_label(label) if label else "slave-default",
        # A digest that the plugin puts there, not one that protects anything.
        "jenkins/label-digest": hashlib.sha1(label.encode(), usedforsecurity=False).hexdigest() if label else "0",
        LABEL_CONTROLLER: controller_label(cloud),
    }


def _annotations(template: Template, agent: AgentInfo) -> dict[str, str]:
    given = {item["key"]: item["value"] for item in template["annotations"]}
    return {**given, ANNOTATION_REFRESH: str(agent.refreshed)}


def _pod_security(template: Template) -> JSON:
    numbers = {key: template[key] for key in ("runAsUser", "runAsGroup") if template[key] is not None}
    # `Long.parseLong` there takes no space around a number.
    given = (template["supplementalGroups"] or "").split(",")
    groups = [int(group) for group in given if group == group.strip() and parse_long(group) is not None]
    return {**numbers, "supplementalGroups": groups} if groups else numbers


def _node_selector(text: str) -> dict[str, str]:
    """Take `label=value` pairs; what is none is passed over."""
    pairs = (part.rstrip("=").split("=") for part in text.split(","))
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2 and all(pair)}

"""Whether what the Jenkins chart rendered keeps our promises: judged on the objects, whatever values led to them.

Each problem names the chart's value that changes it. Chart: jenkinsci/helm-charts, charts/jenkins 5.9.53.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_judging_casc import configuration
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_judging_pod import controller
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_pods import faults, nameless, resourceless
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_values import KEEP
from ansible_collections.buildkeep.ci.plugins.module_utils.schema import Problem

Object = Mapping[str, Any]
VALUES = "buildkeep_jenkins.values"
_RIGHTS = frozenset(("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"))
# Where the pod stands in each kind that holds one.
_PODS: Mapping[str, tuple[str, ...]] = {
    "Pod": (),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    **dict.fromkeys(
        ("StatefulSet", "Deployment", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"), ("spec", "template")
    ),
}
_SIDECAR = "controller.sidecars.configAutoReload"
# Which value makes a container's security context, and which its resources.
_CONTAINERS: Mapping[str, tuple[str, str]] = {
    "init": ("controller.containerSecurityContext", "controller.initContainerResources"),
    "jenkins": ("controller.containerSecurityContext", "controller.resources"),
    "config-reload-init": (f"{_SIDECAR}.containerSecurityContext", f"{_SIDECAR}.resources"),
    "config-reload": (f"{_SIDECAR}.containerSecurityContext", f"{_SIDECAR}.resources"),
}
_EXTRA = "controller.customInitContainers or controller.sidecars.additionalSidecarContainers"
_POD_FIELDS: Mapping[str, str] = {
    "hostNetwork": "controller.hostNetworking",
    "securityContext": "controller.podSecurityContextOverride",
    "volumes": "persistence.volumes",
    "annotation": "controller.podAnnotations",
}
# What each container takes from its pod.
_OF_POD = ("securityContext.runAsNonRoot", "securityContext.seccompProfile.type")
_OPEN = ("LoadBalancer", "NodePort")
_TEST = "test"


def judge(objects: Sequence[Object], settings: JenkinsSettings) -> list[str]:
    """Say what is wrong with the rendered objects, a sentence each with value and remedy; none where all is well.

    Args:
        objects: everything that `helm template` gave, hooks too.
        settings: what was wanted.
    """
    found = [problem for rule in _RULES for problem in rule(objects, settings)]
    return list(dict.fromkeys(f"{VALUES}.{problem}" for problem in found))


def pods(objects: Sequence[Object]) -> Iterator[tuple[Object, Object]]:
    """Yield each object that holds a pod, and the pod's template (`metadata`, `spec`)."""
    for item in objects:
        if item["kind"] in _PODS:
            template: Any = item
            for step in _PODS[item["kind"]]:
                template = template[step]
            yield item, template


def name_of(item: Object) -> str:
    """Name an object in words."""
    return f"{item['kind']} {item['metadata']['name']}"


def _pods(objects: Sequence[Object], settings: JenkinsSettings) -> Iterator[Problem]:
    for item, template in pods(objects):
        spec, annotations = template.get("spec") or {}, (template.get("metadata") or {}).get("annotations")
        if _TEST in ((item["metadata"].get("annotations") or {}).get("helm.sh/hook") or ""):
            text = f"{name_of(item)} is the chart's test, which no value can make restricted"
            yield Problem("controller.testEnabled", text, "Write false.")
            continue
        own = item["kind"] == "StatefulSet" and item["metadata"]["name"] == settings.name
        for fault in faults(spec, annotations):
            where = f'container "{fault.container}", ' if fault.container else ""
            text = f"{name_of(item)}, {where}{fault.field} {fault.text}"
            yield Problem(_value(fault.container, fault.field, own), text, "Pod Security `restricted` refuses it.")
        for fault in nameless(spec):
            text = f'{name_of(item)}, container "{fault.container}", {fault.field} {fault.text}'
            value = "controller.podSecurityContextOverride" if own else "extraObjects"
            yield Problem(value, text, "Write a number: kubelet cannot tell of a name that it is not root.")
        for fault in resourceless(spec):
            text = f'{name_of(item)}, container "{fault.container}", {fault.field} {fault.text}'
            value = _CONTAINERS.get(fault.container, (_EXTRA, _EXTRA))[1] if own else "extraObjects"
            yield Problem(value, text, "Give it requests and limits of cpu and memory.")


def _value(container: str, field: str, own: bool) -> str:
    if not own:
        return "extraObjects"
    if container and field not in _OF_POD:
        return _CONTAINERS.get(container, (_EXTRA, _EXTRA))[0]
    return next((value for part, value in _POD_FIELDS.items() if field.startswith(part)), "controller")


def _rights(objects: Sequence[Object], settings: JenkinsSettings) -> Iterator[Problem]:
    for item in objects:
        if item["kind"] in _RIGHTS:
            value = "rbac.create" if settings.name in item["metadata"]["name"] else "extraObjects"
            text = f"{name_of(item)} gives rights that Buildkeep's own roles do not need"
            yield Problem(value, text, "Write false: the roles `jenkins` and `rbac` give what is needed.")


def _secrets(objects: Sequence[Object], settings: JenkinsSettings) -> Iterator[Problem]:
    values = {
        settings.name: ("controller.admin.existingSecret", "Name an existing Secret, or leave it to Buildkeep."),
        f"{settings.name}-additional-secrets": (
            "controller.additionalSecrets",
            "Make the Secret yourself and name its keys in controller.additionalExistingSecrets.",
        ),
        f"{settings.name}-https-jks": ("controller.httpsKeyStore", "Name an existing Secret there."),
    }
    for item in objects:
        if item["kind"] == "Secret":
            value, remedy = values.get(item["metadata"]["name"], ("extraObjects", "Make the Secret yourself."))
            text = f"{name_of(item)} would be kept in the release, values and all"
            yield Problem(value, text, remedy)


def _places(objects: Sequence[Object], settings: JenkinsSettings) -> Iterator[Problem]:
    for item in objects:
        place = item["metadata"].get("namespace") or settings.namespace
        if place != settings.namespace:
            text = f"{name_of(item)} would be in namespace {place}, not in {settings.namespace}"
            remedy = "Leave it out; buildkeep_controller.namespace says where Jenkins is."
            yield Problem("namespaceOverride", text, remedy)


def _home(objects: Sequence[Object], settings: JenkinsSettings) -> Iterator[Problem]:
    for item in objects:
        kept = (item["metadata"].get("annotations") or {}).items() >= KEEP.items()
        if item["kind"] == "PersistentVolumeClaim" and not kept:
            text = f"{name_of(item)} has no annotation helm.sh/resource-policy: keep, and would go with the release"
            yield Problem("persistence.annotations", text, "Keep that annotation beside your own.")


def _doors(objects: Sequence[Object], settings: JenkinsSettings) -> Iterator[Problem]:
    encrypted = any("--httpsPort" in word for word in _words(objects))
    for item in objects:
        spec = item.get("spec") or {}
        if item["kind"] == "Service" and spec.get("type") in _OPEN:
            agents = item["metadata"]["name"].endswith("-agent")
            text = f"{name_of(item)} of the type {spec['type']} opens {'agents' if agents else 'plain http'} to outside"
            remedy = "Write ClusterIP, and let Jenkins be reached by buildkeep_jenkins.ingress or .route."
            if agents or not encrypted:
                yield Problem(f"controller.{'agentListenerS' if agents else 's'}erviceType", text, remedy)
        if item["kind"] == "Ingress" and not all(one.get("secretName") for one in spec.get("tls") or [{}]):
            value = "secondaryingress" if item["metadata"]["name"] != settings.name else "ingress"
            text = f"{name_of(item)} has no TLS, so passwords would cross the network in plain text"
            yield Problem(f"controller.{value}.tls", text, "Name a Secret with a certificate for each host.")
        if item["kind"] == "Service" and item["metadata"]["name"].endswith("-agent") and not settings.agent_port:
            text = f"{name_of(item)} opens a port for agents, which connect by WebSocket"
            yield Problem("controller.agentListenerEnabled", text, "Set buildkeep_controller.agentPort instead.")


def _words(objects: Sequence[Object]) -> Iterator[str]:
    for _, template in pods(objects):
        for container in (template.get("spec") or {}).get("containers") or ():
            yield from container.get("args") or ()


_RULES: Sequence[Callable[[Sequence[Object], JenkinsSettings], Iterator[Problem]]] = (
    _pods,
    controller,
    _rights,
    _secrets,
    _places,
    _home,
    _doors,
    configuration,
)

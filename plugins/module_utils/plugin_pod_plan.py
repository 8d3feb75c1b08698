"""The pods of a Kubernetes plugin's cloud: those of its templates and those that a Jenkinsfile describes.

A port of `PodTemplateStepExecution.start`, `KubernetesCloud.getUnwrappedTemplate` and the part of
`KubernetesLauncher.launch` that makes claims (jenkinsci/kubernetes-plugin 4423.vb_59f230b_ce53).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_build import build_pod
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_combine import JSON
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_container import AgentInfo
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_request import PodRequest
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_template import Template, find, unwrap
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_volumes import build_claim


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
class Plan:
    """A pod, and how the plugin goes on with it.

    Attributes:
        pod: to be created.
        template: every attribute of it, parents merged in.
        retention: when the pod stays: `never`, `always`, `onFailure` or `evicted`; a template's default is the cloud's.
    """

    pod: JSON
    template: Template
    retention: str

    @property
    def connect_timeout(self) -> int:
        """Seconds until the agent has to be connected."""
        return int(self.template["slaveConnectTimeout"])

    @property
    def idle_minutes(self) -> int:
        """Minutes that the agent stays for a next build; 0: it serves one build."""
        return int(self.template["idleMinutes"])

    @property
    def instance_cap(self) -> int | None:
        """How many agents of the template may be there at a time; None: any number."""
        return None if self.template["instanceCap"] is None else int(self.template["instanceCap"])

    @property
    def show_raw_yaml(self) -> bool:
        """Whether the build's log shows the pod."""
        return bool(self.template["showRawYaml"])

    def claims(self, created: Mapping[str, Any]) -> list[JSON]:
        """List the PersistentVolumeClaims to create beside the pod, after it (`KubernetesLauncher.launch`).

        Args:
            created: the pod as the API server answered.
        """
        volumes = (self.template["workspaceVolume"], *self.template["volumes"])
        return [build_claim(volume, created) for volume in volumes if volume["symbol"] == "dynamicPVC"]


def static_plan(cloud: Cloud, template_name: str, agent: AgentInfo) -> Plan:
    """Plan the pod for `agent { label }`: a template of the cloud, which keeps its own namespace.

    Raises:
        BuildkeepError: when the cloud has no such template, or the template cannot become a pod.
    """
    template = find(cloud.templates, template_name)
    if template is None:
        known = ", ".join(one["name"] for one in cloud.templates)
        raise BuildkeepError([f"cloud {cloud.name} has no template {template_name}; it has: {known}"])
    return _plan(cloud, template, cloud.templates, agent)


def static_pod(cloud: Cloud, template_name: str, agent: AgentInfo) -> JSON:
    """Make the pod of `static_plan`."""
    return static_plan(cloud, template_name, agent).pod


def dynamic_plan(
    cloud: Cloud, request: PodRequest, agent: AgentInfo, enclosing: Sequence[tuple[Cloud, PodRequest]] = ()
) -> Plan:
    """Plan the pod for a podTemplate step or `agent { kubernetes { … } }` (`PodTemplateStepExecution.start`).

    Its template gets a namespace at once: its own, that of the step around it, or the cloud's; so one of `inheritFrom`
    is lost. `metadata.namespace` in the YAML wins over all. Without own `inheritFrom` it inherits the step around it,
    which is looked up in this cloud: one of another cloud is passed over. The annotations tell such pods from those
    of `agent { label }`.

    Args:
        cloud: that makes the pod.
        request: what the Jenkinsfile says about it.
        agent: name and secret.
        enclosing: the podTemplate steps around it, the outermost first.

    Raises:
        BuildkeepError: for what cannot become a pod.
    """
    around: Template | None = None
    known: dict[str, list[Template]] = {}
    for index, (home, one) in enumerate((*enclosing, (cloud, request))):
        # In the plugin it ends with five random letters, so that nobody can name it; nor can they name this.
        name = f"{one.name or one.label}\n{index}"
        around = _registered(home, one, name, around)
        known.setdefault(home.name, []).append(around)
    if around is None:
        raise BuildkeepError(["podTemplate: nothing is asked for"])
    return _plan(cloud, around, (*cloud.templates, *known[cloud.name]), agent)


def dynamic_pod(
    cloud: Cloud, request: PodRequest, agent: AgentInfo, enclosing: Sequence[tuple[Cloud, PodRequest]] = ()
) -> JSON:
    """Make the pod of `dynamic_plan`."""
    return dynamic_plan(cloud, request, agent, enclosing).pod


def _registered(cloud: Cloud, request: PodRequest, name: str, around: Template | None) -> Template:
    template = dict(request.template)
    url = cloud.attributes["jenkinsUrl"]
    marks = [{"key": "buildUrl", "value": url + request.run_url}, {"key": "runUrl", "value": request.run_url}]
    inherited = around["name"] if around else ""
    template.update(
        name=name,
        label=request.label,
        annotations=[*template["annotations"], *marks],
        namespace=template["namespace"] or (around or {}).get("namespace") or cloud.attributes["namespace"],
        inheritFrom=inherited if request.inherits else template["inheritFrom"],
    )
    return template


def _plan(cloud: Cloud, template: Template, templates: Sequence[Template], agent: AgentInfo) -> Plan:
    whole = unwrap(template, cloud.attributes["defaultsProviderTemplate"], templates)
    retention = whole["podRetention"] if whole["podRetention"] != "default" else _retention(cloud)
    return Plan(build_pod(cloud.attributes, whole, agent), whole, retention)


def _retention(cloud: Cloud) -> str:
    """Take the cloud's own, whose default is to delete every pod (`Default.shouldDeletePod`)."""
    given = cloud.attributes.get("podRetention") or "never"
    name = next(iter(given)) if isinstance(given, Mapping) else str(given)
    return "never" if name == "default" else name

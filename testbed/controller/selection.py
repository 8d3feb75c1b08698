"""From an `agent` directive to a cloud and a pod. Pure; the pod itself is worked out by `plugin_pod`.

Messages after jenkinsci/kubernetes-plugin: PodTemplateStepExecution (cloud look-up and access) and
KubernetesFolderProperty (which clouds a folder may use).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import plugin_pod
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

from testbed.controller.build import Build
from testbed.controller.failures import BuildError
from testbed.controller.model import Agent, AnyAgent, KubernetesAgent, LabelAgent
from testbed.controller.steps import evaluate

Clouds = Mapping[str, plugin_pod.Cloud]
LETTERS = "bcdfghjklmnpqrstvwxz0123456789"


def random_letters() -> str:
    """Five letters and digits that spell no word."""
    return "".join(secrets.choice(LETTERS) for _ in range(5))


@dataclass(frozen=True)
class Choice:
    """A cloud and what of it: `pod(agent)` gives the pod, `template` is what the log calls it."""

    cloud: plugin_pod.Cloud
    template: str
    agent_name: str
    pod: Callable[[plugin_pod.AgentInfo], dict[str, Any]]
    default_container: str = ""


def choose(clouds: Clouds, build: Build, agent: Agent, env: Mapping[str, str]) -> Choice:
    """Finds cloud and template for an agent directive.

    Raises:
        BuildError: there is none, or the job's folder may not use it.
    """
    if isinstance(agent, KubernetesAgent):
        return _dynamic(clouds, build, {name: evaluate(value, env) for name, value in agent.options.items()})
    return _static(clouds, build, evaluate(agent.label, env) if isinstance(agent, LabelAgent) else "", agent)


def permitted(cloud: plugin_pod.Cloud, folder: str) -> bool:
    """Whether jobs of a folder may use a cloud: each folder permits the cloud of its own name."""
    return not cloud.attributes["usageRestricted"] or cloud.name == folder


def _static(clouds: Clouds, build: Build, label: str, agent: Agent) -> Choice:
    offers = [(cloud, name) for cloud in clouds.values() if (name := _offer(cloud, label, agent))]
    for cloud, name in offers:
        if permitted(cloud, build.folder):
            pod = partial(plugin_pod.static_pod, cloud, name)
            return Choice(cloud, name, plugin_pod.agent_name(name, random_letters()), pod)
    if offers:
        raise BuildError(f"Not authorized to use Kubernetes cloud: {offers[0][0].name}")
    if isinstance(agent, AnyAgent):
        raise BuildError("agent any: no template takes jobs without a label; write agent { label '...' }")
    labels = sorted(word for cloud in clouds.values() if permitted(cloud, build.folder)
                    for template in cloud.templates for word in template["label"].split())  # fmt: skip
    raise BuildError(f"There are no nodes with the label '{label}'; folder {build.folder} has: {', '.join(labels)}")


def _offer(cloud: plugin_pod.Cloud, label: str, agent: Agent) -> str | None:
    """The template of a cloud that a label asks for; for `agent any` the first that is not exclusive."""
    if not isinstance(agent, AnyAgent):
        return plugin_pod.template_for_label(cloud, label)
    return next((each["name"] for each in cloud.templates if each["nodeUsageMode"] not in ("EXCLUSIVE", None)), None)


def _dynamic(clouds: Clouds, build: Build, options: Mapping[str, str]) -> Choice:
    name = options.get("cloud")
    cloud = clouds.get(name) if name else next(iter(clouds.values()), None)
    if cloud is None:
        raise BuildError(f"Cloud does not exist: {name}" if name else "No Kubernetes cloud was found.")
    if not permitted(cloud, build.folder):
        raise BuildError(f"Not authorized to use Kubernetes cloud: {cloud.name}")
    label = options.get("label") or f"{build.folder}_{build.name}_{build.number}-{random_letters()}"
    own = ("cloud", "defaultContainer", "label", "yamlFile")
    attributes = {key: value for key, value in options.items() if key not in own}
    if "yamlFile" in options:
        attributes["yaml"] = _yaml_file(build, options["yamlFile"])
    try:
        request = plugin_pod.pod_request(attributes, label, build.run_url)
    except BuildkeepError as error:
        raise BuildError(str(error)) from error
    return Choice(
        cloud, label, plugin_pod.agent_name(f"{label}-{random_letters()}", random_letters()),
        partial(plugin_pod.dynamic_pod, cloud, request), options.get("defaultContainer", ""),
    )  # fmt: skip


def _yaml_file(build: Build, path: str) -> str:
    text = build.file(path)
    if text is None:
        raise BuildError(f"yamlFile: there is no file {path} in the workspace of {build.job}")
    return text

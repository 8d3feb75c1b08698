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
from testbed.controller.folders import Offers
from testbed.controller.model import Agent, AnyAgent, KubernetesAgent, LabelAgent, PodTemplateAgent
from testbed.controller.texts import evaluate

LETTERS = "bcdfghjklmnpqrstvwxz0123456789"


def random_letters() -> str:
    """Five letters and digits that spell no word."""
    return "".join(secrets.choice(LETTERS) for _ in range(5))


@dataclass(frozen=True)
class Choice:
    """A cloud and what of it.

    Attributes:
        cloud: that makes the pod.
        template: what the log calls it.
        agent_name: a new one.
        plan: gives the pod, and how the plugin goes on with it.
        dynamic: the Jenkinsfile describes the pod, so the plugin knows whose it is.
        default_container: where steps run that name none.
        notes: what the build's log says of what the Jenkinsfile asks for in vain.
    """

    cloud: plugin_pod.Cloud
    template: str
    agent_name: str
    plan: Callable[[plugin_pod.AgentInfo], plugin_pod.Plan]
    dynamic: bool = False
    default_container: str = ""
    notes: tuple[str, ...] = ()

    @property
    def caps(self) -> dict[Any, int]:
        """How many agents there may be at a time, of the cloud and of the template (Capacity.slot).

        Raises:
            BuildError: the template cannot become a pod.
        """
        given = str(self.cloud.attributes["containerCapStr"])
        caps: dict[Any, int] = {self.cloud.name: int(given)} if given.isdigit() and int(given) else {}
        try:
            cap = self.plan(plugin_pod.AgentInfo(self.agent_name, "")).instance_cap
        except BuildkeepError as error:
            raise BuildError(str(error)) from error
        return caps if cap is None else {**caps, (self.cloud.name, self.template): cap}


def choose(offers: Offers, build: Build, agent: Agent, env: Mapping[str, str]) -> Choice:
    """Finds cloud and template for an agent directive.

    Raises:
        BuildError: there is none, or the job's folder may not use it.
    """
    if isinstance(agent, KubernetesAgent):
        return _dynamic(offers, build, {name: evaluate(value, env) for name, value in agent.options.items()})
    if isinstance(agent, PodTemplateAgent):
        # A template of the configuration with that label goes before the one that is written around the step.
        known = any(plugin_pod.template_for_label(cloud, agent.label) for cloud in offers.clouds.values())
        return _static(offers, build, agent.label, agent) if known else _nested(offers, build, agent)
    return _static(offers, build, evaluate(agent.label, env) if isinstance(agent, LabelAgent) else "", agent)


def _static(offers: Offers, build: Build, label: str, agent: Agent) -> Choice:
    clouds = offers.clouds.values()
    found = [(cloud, name) for cloud in clouds if (name := plugin_pod.template_for_label(cloud, label))]
    for cloud, name in found:
        if offers.permitted(cloud, build.folder):
            plan = partial(plugin_pod.static_plan, cloud, name)
            return Choice(cloud, name, plugin_pod.agent_name(name, random_letters()), plan)
    if found:  # in Jenkins the build waits for ever, and this is why
        raise BuildError(f"Kubernetes cloud {found[0][0].name} is not allowed for folder containing job {build.job}")
    if isinstance(agent, AnyAgent):
        raise BuildError("agent any: no template takes jobs without a label; write agent { label '...' }")
    labels = sorted(word for cloud in clouds if offers.permitted(cloud, build.folder)
                    for template in cloud.templates for word in template["label"].split())  # fmt: skip
    raise BuildError(f"There are no nodes with the label '{label}'; folder {build.folder} has: {', '.join(labels)}")


def _cloud(offers: Offers, build: Build, name: str | None) -> plugin_pod.Cloud:
    """The cloud that a Jenkinsfile names, or the first."""
    cloud = offers.clouds.get(name) if name else next(iter(offers.clouds.values()), None)
    if cloud is None:
        raise BuildError(f"Cloud does not exist: {name}" if name else "No Kubernetes cloud was found.")
    if not offers.permitted(cloud, build.folder):  # the plugin prints what the step says, which may be nothing
        raise BuildError(f"Not authorized to use Kubernetes cloud: {name or 'null'}")
    return cloud


def _request(build: Build, attributes: Mapping[str, Any], label: str, form: str, name: str) -> plugin_pod.PodRequest:
    try:
        return plugin_pod.pod_request(attributes, label, build.run_url, form, name)
    except BuildkeepError as error:
        raise BuildError(str(error)) from error


def _dynamic(offers: Offers, build: Build, options: Mapping[str, str]) -> Choice:
    cloud = _cloud(offers, build, options.get("cloud"))
    label = options.get("label") or f"{build.folder}_{build.name}_{build.number}-{random_letters()}"
    own = ("cloud", "defaultContainer", "label", "yamlFile", "retries")
    attributes = {key: value for key, value in options.items() if key not in own}
    if "yamlFile" in options:
        attributes["yaml"] = _yaml_file(build, options["yamlFile"])
    request = _request(build, attributes, label, plugin_pod.DECLARATIVE, "")
    return Choice(
        cloud, label, plugin_pod.agent_name(f"{label}-{random_letters()}", random_letters()),
        partial(plugin_pod.dynamic_plan, cloud, request), True, options.get("defaultContainer", ""),
        tuple(plugin_pod.without_effect(attributes, plugin_pod.DECLARATIVE)),
    )  # fmt: skip


def _nested(offers: Offers, build: Build, agent: PodTemplateAgent) -> Choice:
    requests: list[tuple[plugin_pod.Cloud, plugin_pod.PodRequest]] = []
    notes: list[str] = []
    for template in agent.templates:
        cloud = _cloud(offers, build, template.get("cloud"))
        attributes = {key: value for key, value in template.items() if key not in ("cloud", "label", "name")}
        label, name = str(template["label"]), str(template["name"])
        requests.append((cloud, _request(build, attributes, label, plugin_pod.STEP, name)))
        notes += plugin_pod.without_effect(attributes)
    *enclosing, (cloud, request) = requests
    name = request.name or request.label
    return Choice(
        cloud, name, plugin_pod.agent_name(f"{name}-{random_letters()}", random_letters()),
        partial(plugin_pod.dynamic_plan, cloud, request, enclosing=enclosing), True, "", tuple(notes),
    )  # fmt: skip


def _yaml_file(build: Build, path: str) -> str:
    text = build.file(path)
    if text is None:
        raise BuildError(f"yamlFile: there is no file {path} in the workspace of {build.job}")
    return text

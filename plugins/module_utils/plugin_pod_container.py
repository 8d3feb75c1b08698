"""The containers that the Kubernetes plugin makes of a template's fields, and the variables of its agents.

A port of `PodTemplateBuilder.createContainer`, `agentEnvVars`, `defaultEnvVars` and `getResourcesMap`
(jenkinsci/kubernetes-plugin 4423.vb_59f230b_ce53).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_combine import JSON
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_java import HashMap, split_command
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_template import Template
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_volumes import WORKSPACE, build_variable

AGENT_CONTAINER = "jnlp"
WORKING_DIR = "/home/jenkins/agent"
_RESOURCES = {"memory": "Memory", "cpu": "Cpu", "ephemeral-storage": "EphemeralStorage"}
_PROBE = ("initialDelaySeconds", "timeoutSeconds", "failureThreshold", "periodSeconds", "successThreshold")


@dataclass(frozen=True)
class AgentInfo:
    """One agent.

    Attributes:
        name: of the agent and of its pod.
        secret: what lets it connect.
        refreshed: milliseconds since 1970, for the annotation by which the plugin collects garbage.
        proxy: the controller's `no_proxy` and `http_proxy`, which a cloud with `addMasterProxyEnvVars` hands on.
        direct: for a cloud with `directConnection`: host and port of the controller's agent port, and its identity.
    """

    name: str
    secret: str
    refreshed: int = 0
    proxy: Mapping[str, str] = field(default_factory=dict)
    direct: tuple[str, str] | None = None


def build_container(
    cloud: Mapping[str, Any], template: Template, container: Template, mounts: Mapping[str, JSON], agent: AgentInfo
) -> JSON:
    """Make a container of a template's fields.

    Args:
        cloud: attributes of the cloud.
        template: what it stands in, for `envVars`.
        container: its attributes.
        mounts: of the template's volumes, by path.
        agent: whose name and secret its args may ask for.

    Raises:
        BuildkeepError: for a quote that does not end.
    """
    name, folder = container["name"], container["workingDir"]
    result: JSON = {"name": name, "image": container["image"]}
    result["imagePullPolicy"] = "Always" if container["alwaysPullImage"] else "IfNotPresent"
    security = {key: container[key] for key in ("runAsUser", "runAsGroup") if container[key] is not None}
    if security or container["privileged"]:
        result["securityContext"] = {"privileged": container["privileged"], **security}
    if folder:
        result["workingDir"] = folder
    result["volumeMounts"] = [dict(mount) for mount in mounts.values()]
    if folder and folder not in mounts:
        result["volumeMounts"].append({"mountPath": folder, "name": WORKSPACE, "readOnly": False})
    variables: HashMap[JSON] = HashMap()
    if name == AGENT_CONTAINER:
        variables.put_all(agent_variables(cloud, agent, folder or None))
    variables.put_all(default_variables(cloud, agent, template["envVars"]))
    for variable in container["envVars"]:
        variables.put(variable["key"], build_variable(variable))
    result["env"] = list(variables.ordered().values())
    result["ports"] = [
        {key: value for key, value in port.items() if value not in (None, "")} for port in container["ports"]
    ]
    result["command"] = split_command(container["command"], f"command of container {name}")
    # `replaceAll` there: the agent's secret goes to whatever container asks for it.
    args = container["args"].replace("${computer.jnlpmac}", agent.secret).replace("${computer.name}", agent.name)
    result["args"] = split_command(args, f"args of container {name}") if container["args"] else []
    probe = container["livenessProbe"]
    if probe and probe["execArgs"]:
        command = split_command(probe["execArgs"], f"livenessProbe of container {name}")
        result["livenessProbe"] = {"exec": {"command": command}, **{key: probe[key] for key in _PROBE}}
    result["tty"] = container["ttyEnabled"]
    empty = [key for key in ("volumeMounts", "env", "ports", "command", "args") if not result[key]]
    result = {key: value for key, value in result.items() if key not in empty}
    # Present even when empty: the plugin's default requests are for an agent container without this field only.
    return {**result, "resources": _resources(container)}


def _resources(container: Template) -> JSON:
    result: JSON = {}
    for kind in ("Request", "Limit"):
        amounts = {key: container[f"resource{kind}{suffix}"] for key, suffix in _RESOURCES.items()}
        given = {key: value for key, value in amounts.items() if value.strip()}
        if given:
            result[f"{kind.lower()}s"] = given
    return result


def default_variables(
    cloud: Mapping[str, Any], agent: AgentInfo, variables: Iterable[Mapping[str, Any]]
) -> HashMap[JSON]:
    """Collect what each container made of fields gets, and the agent's: the controller's proxy and the template's."""
    result: HashMap[JSON] = HashMap()
    if cloud.get("addMasterProxyEnvVars"):
        for key in ("no_proxy", "http_proxy"):
            if agent.proxy.get(key, "").strip():
                result.put(key, {"name": key, "value": agent.proxy[key]})
    for variable in variables:
        result.put(variable["key"], build_variable(variable))
    return result


def agent_variables(cloud: Mapping[str, Any], agent: AgentInfo, folder: str | None) -> HashMap[JSON]:
    """Collect what the agent needs to dial the controller, in plain text as there.

    Raises:
        BuildkeepError: for a cloud with `directConnection` where it is not known to what.
    """
    variables: dict[str, str] = {
        "JENKINS_SECRET": agent.secret,
        "JENKINS_NAME": agent.name,
        "JENKINS_AGENT_NAME": agent.name,
        "JENKINS_AGENT_WORKDIR": WORKING_DIR if folder is None else folder,
    }
    if str(cloud.get("jenkinsTunnel") or "").strip():
        variables["JENKINS_TUNNEL"] = cloud["jenkinsTunnel"]
    if not cloud.get("directConnection"):
        variables["JENKINS_URL"] = cloud["jenkinsUrl"]
        if cloud.get("webSocket"):
            variables["JENKINS_WEB_SOCKET"] = "true"
    elif agent.direct is None:
        problem = f"cloud {cloud['name']}: directConnection needs the controller's agent port and identity; give both"
        raise BuildkeepError([problem])
    else:
        variables["JENKINS_DIRECT_CONNECTION"], variables["JENKINS_INSTANCE_IDENTITY"] = agent.direct
        variables["JENKINS_PROTOCOLS"] = "JNLP4-connect"
    variables["REMOTING_OPTS"] = "-noReconnectAfter 1d"
    result: HashMap[JSON] = HashMap()
    for key, value in variables.items():
        result.put(key, {"name": key, "value": value})
    return result

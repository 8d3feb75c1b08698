"""The agent in a Kubernetes plugin's pod, and what the plugin does last to the pod.

A port of the second half of `PodTemplateBuilder.build`, and of the `PodDecorator`s that come with the plugin:
`DefaultNodeSelector`, `DefaultRestartPolicy`, `DefaultWorkspaceVolume`, `RestrictedPssSecurityContextInjector`
(jenkinsci/kubernetes-plugin 4423.vb_59f230b_ce53).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_combine import JSON
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_container import (
    AGENT_CONTAINER,
    WORKING_DIR,
    AgentInfo,
    agent_variables,
    default_variables,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_java import HashMap
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_template import Template
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_volumes import WORKSPACE

# First line of the plugin's resource Dockerfile.
AGENT_IMAGE = "jenkins/inbound-agent:3355.v388858a_47b_33-3-jdk21"
_REQUESTS = {"cpu": "100m", "memory": "256Mi"}
_INJECTED = "/jenkins-agent"
_COPY = f"cp $(command -v jenkins-agent) {_INJECTED}/jenkins-agent;cp -R /usr/share/jenkins/. {_INJECTED}"
_RESTRICTED: JSON = {
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
    "capabilities": {"drop": ["ALL"]},
}


def add_agent(
    cloud: Mapping[str, Any], template: Template, spec: JSON, mounts: Mapping[str, JSON], info: AgentInfo
) -> None:
    """Add the agent container where there is none, and give it what an agent needs.

    Args:
        cloud: attributes of the cloud.
        template: every attribute, parents merged in.
        spec: of the pod; changed.
        mounts: of the template's volumes, by path.
        info: of the agent.
    """
    name = template["agentContainer"] or AGENT_CONTAINER
    containers = spec["containers"] = spec.get("containers") or []
    agent = next((container for container in containers if container.get("name") == name), None)
    if agent is None:
        agent = {"name": name, **({"volumeMounts": [dict(one) for one in mounts.values()]} if mounts else {})}
        containers.append(agent)
    folder = agent.get("workingDir")
    for container in containers:
        if container.get("workingDir") is None and folder is not None:
            container["workingDir"] = folder
    registry = cloud["jnlpregistry"]
    image = f"{registry if registry.endswith('/') else registry + '/'}{AGENT_IMAGE}" if registry else AGENT_IMAGE
    if not str(agent.get("image") or "").strip():
        agent["image"] = image
    variables: HashMap[JSON] = HashMap()
    variables.put_all(agent_variables(cloud, info, folder))
    variables.put_all(default_variables(cloud, info, template["envVars"]))
    for variable in agent.get("env") or []:
        variables.put(variable.get("name"), variable)
    if template["agentInjection"]:
        _inject(spec, agent, image)
        variables.put("JENKINS_AGENT_FILE", {"name": "JENKINS_AGENT_FILE", "value": f"{_INJECTED}/agent.jar"})
    agent["env"] = list(variables.ordered().values())
    if agent.get("resources") is None:
        agent["resources"] = {"requests": dict(_REQUESTS)}


def _inject(spec: JSON, agent: JSON, image: str) -> None:
    """Bring the agent's files into whatever image: an init container copies them to a volume."""
    mount = {"name": "jenkins-agent", "mountPath": _INJECTED}
    setup = {
        "name": "set-up-jenkins-agent",
        "image": image,
        "command": ["/bin/sh", "-c", _COPY],
        "volumeMounts": [mount],
    }
    spec["initContainers"] = [*(spec.get("initContainers") or []), setup]
    spec["volumes"] = [*(spec.get("volumes") or []), {"name": "jenkins-agent", "emptyDir": {}}]
    agent["volumeMounts"] = [*(agent.get("volumeMounts") or []), {**mount, "readOnly": True}]
    agent["workingDir"] = WORKING_DIR
    agent["command"] = [f"{_INJECTED}/jenkins-agent"]
    agent.pop("args", None)


def decorate(cloud: Mapping[str, Any], spec: JSON) -> None:
    """Set default node selector and restart policy, workspaces, and the cloud's restricted security context."""
    affinity = (spec.get("affinity") or {}).get("nodeAffinity")
    if spec.get("runtimeClassName") is None and not spec.get("nodeSelector") and affinity is None:
        spec["nodeSelector"] = {"kubernetes.io/os": "linux"}
    if not str(spec.get("restartPolicy") or "").strip():
        spec["restartPolicy"] = "Never"
    volumes = spec["volumes"] = spec.get("volumes") or []
    if all(volume.get("name") != WORKSPACE for volume in volumes):
        volumes.append({"name": WORKSPACE, "emptyDir": {}})
    for container in spec["containers"]:
        folder = container.get("workingDir") if container.get("workingDir") is not None else WORKING_DIR
        mounts = container["volumeMounts"] = container.get("volumeMounts") or []
        if all(mount.get("mountPath") != folder for mount in mounts):
            mounts.append({"name": WORKSPACE, "mountPath": folder, "readOnly": False})
    if cloud["restrictedPssSecurityContext"]:
        _restrict([*(spec.get("initContainers") or []), *spec["containers"]])


def _restrict(containers: Sequence[JSON]) -> None:
    """Fill what a container leaves open; what it says itself stays, and it gets no user."""
    for container in containers:
        security = container["securityContext"] = container.get("securityContext") or {}
        security.update({key: value for key, value in _RESTRICTED.items() if security.get(key) is None})

"""Honest agent pods, as the Kubernetes plugin makes them, and a way to change one field of them."""

from __future__ import annotations

import copy
from typing import Any

Object = dict[str, Any]
TENANT = "shop"
KANIKO = "ghcr.io/osscontainertools/kaniko"
JNLP = "docker.io/jenkins/inbound-agent"
BASE = "ghcr.io/acme/base"
_ROOTLESS = {"allowPrivilegeEscalation": False, "runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}}
RESTRICTED: Object = {**_ROOTLESS, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
WORKSPACE: Object = {"name": "workspace-volume", "mountPath": "/home/jenkins/agent", "readOnly": False}


def jnlp() -> Object:
    """The agent container that the plugin adds, with the rest filled in by restrictedPssSecurityContext."""
    names = ("JENKINS_SECRET", "JENKINS_AGENT_NAME", "JENKINS_NAME", "JENKINS_AGENT_WORKDIR", "JENKINS_URL")
    return {
        "name": "jnlp",
        "image": f"{JNLP}:3355.v388858a_47b_33-3-jdk21",
        "env": [*({"name": name, "value": "x"} for name in names), {"name": "JENKINS_WEB_SOCKET", "value": "true"}],
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"cpu": "500m", "memory": "512Mi"}},
        "securityContext": copy.deepcopy(RESTRICTED),
        "volumeMounts": [dict(WORKSPACE)],
    }


def tool(name: str = "tool") -> Object:
    """A container of a Jenkinsfile's own: an allowed image, secured by the plugin."""
    security = {key: value for key, value in RESTRICTED.items() if key != "runAsUser"}
    image = f"{BASE}/maven:3.9"
    mounts = [dict(WORKSPACE)]
    return {
        "name": name,
        "image": image,
        "command": ["cat"],
        "tty": True,
        "securityContext": security,
        "volumeMounts": mounts,
    }


def kaniko(name: str = "kaniko") -> Object:
    """The builder, as its profile says."""
    capabilities = {"drop": ["ALL"], "add": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETFCAP", "SETGID", "SETUID"]}
    security = {"runAsUser": 0, "runAsNonRoot": False, "allowPrivilegeEscalation": False, "capabilities": capabilities}
    return {
        "name": name,
        "image": f"{KANIKO}:v1.28.3-debug",
        "command": ["/busybox/sleep"],
        "args": ["infinity"],
        "securityContext": {**security, "seccompProfile": {"type": "RuntimeDefault"}},
        "volumeMounts": [dict(WORKSPACE), {"name": "ca", "mountPath": "/kaniko/ssl/buildkeep"}],
    }


def rootless(name: str = "rootless") -> Object:
    """A builder of the tests' own table, which may raise its privileges and has a seccomp profile on the node."""
    security = {
        "runAsUser": 1000,
        "allowPrivilegeEscalation": True,
        "capabilities": {"drop": ["ALL"], "add": ["SETUID"]},
    }
    profile = {"type": "Localhost", "localhostProfile": "buildkeep/rootless.json"}
    image = "ghcr.io/acme/rootless@sha256:" + 64 * "a"
    return {"name": name, "image": image, "securityContext": {**security, "seccompProfile": profile}}


def pod(account: str, *containers: Object, **annotations: str) -> Object:
    """A pod with what the plugin puts on every agent."""
    labels = {
        "buildkeep.dev/tenant": TENANT,
        "jenkins/label": "shop-kaniko",
        "jenkins/label-digest": "8ff2c1cf04b21d3b9f41b1b6a2f4b3f3b7a1c9d2",
        "kubernetes.jenkins.io/controller": "http___jenkins_jenkins_svc_cluster_local_8080x",
    }
    metadata = {
        "name": "agent-x1",
        "labels": labels,
        "annotations": {"kubernetes.jenkins.io/last-refresh": "1", **annotations},
    }
    volumes: list[Object] = [{"name": "workspace-volume", "emptyDir": {}}]
    if any(mount["name"] == "ca" for one in containers for mount in one.get("volumeMounts", ())):
        volumes.append({"name": "ca", "configMap": {"name": "buildkeep-ca", "optional": True}})
    spec = {
        "serviceAccountName": account,
        "restartPolicy": "Never",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "containers": [*copy.deepcopy(containers)],
        "volumes": volumes,
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def static_agent() -> Object:
    """The pod of `agent { label 'shop-kaniko' }`."""
    return pod("builder-kaniko", kaniko(), jnlp())


def dynamic_agent() -> Object:
    """The pod of `agent { kubernetes { yaml } }` with a container of the author's; it carries the build's address."""
    return pod("agent", tool(), jnlp(), buildUrl="http://jenkins/job/hello/1/", runUrl="job/hello/1/")


def rootless_agent() -> Object:
    """An agent with the other builder."""
    return pod("builder-rootless", rootless(), jnlp())


BASES = {"static": static_agent, "dynamic": dynamic_agent, "rootless": rootless_agent}


def put(target: Object, path: str, value: Any) -> Object:
    """A copy with a value at a path such as `spec/containers/0/image`, or without it where the value is None.

    Mappings on the way are made; `+` at the end of a path into a list appends.
    """
    made = copy.deepcopy(target)
    *steps, last = path.split("/")
    place: Any = made
    for step in steps:
        place = (
            place[int(step)]
            if isinstance(place, list)
            else place.setdefault(_key(step), [] if last == "+" and step == steps[-1] else {})
        )
    if isinstance(place, list):
        place.append(value) if last == "+" else place.__setitem__(int(last), value)
    elif value is None:
        place.pop(_key(last), None)
    else:
        place[_key(last)] = value
    return made


def get(target: Object, path: str) -> Any:
    """The value at a path."""
    place: Any = target
    for step in path.split("/"):
        place = place[int(step)] if isinstance(place, list) else place[_key(step)]
    return place


def _key(step: str) -> str:
    return step.replace("~", "/")

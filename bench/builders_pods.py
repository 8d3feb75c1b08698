"""The pods that builds run in: those of the agent templates, the same without their walls, and privileged ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod import AgentInfo, Cloud, clouds, static_pod

from bench.builders_work import Side
from tests.chart.rendering import template

JSON = dict[str, Any]
_CA = "buildkeep-ca"
_AGENT = "jnlp"
# A plain pod keeps what it runs, where its files are, and what it may use.
_PLAIN = ("name", "image", "command", "args", "resources", "workingDir", "env")
_WORKSPACE = "workspace-volume"


def rendered(tenant: str, builders: Sequence[str], images: Mapping[str, str], ca: str) -> tuple[Cloud, list[JSON]]:
    """The cloud of a tenant with these builders, and what the chart makes in its namespace.

    Args:
        tenant: its name.
        builders: its builders.
        images: images of builders that the profile table has none for.
        ca: certificates that builders shall trust.
    """
    values = {
        "tenants": [{"name": tenant, "builders": list(builders)}],
        "builders": {name: {"image": image} for name, image in images.items()},
        "trustedCA": ca,
    }
    made = template(values)
    (cloud,) = clouds(one for one in made.of_kind("ConfigMap") if one["metadata"]["name"] != _CA).values()
    return cloud, [
        item
        for item in made.objects
        if item["kind"] in ("ServiceAccount", "Role", "RoleBinding") or item["metadata"]["name"] == _CA
    ]


def hardened(cloud: Cloud, side: Side, name: str) -> JSON:
    """The pod of a side's template, whose agent has no controller and only waits."""
    pod = static_pod(cloud, f"{cloud.name}-{side.template}", AgentInfo(name, "none"))
    _container(pod, _AGENT).update(command=["sleep"], args=["infinity"])
    return pod


def plain(pod: Mapping[str, Any], namespace: str) -> JSON:
    """The same containers as somebody would write them who knows of no rule, in another namespace."""
    found: JSON = {"metadata": {"name": pod["metadata"]["name"], "namespace": namespace}}
    containers = [{key: one[key] for key in _PLAIN if key in one} for one in pod["spec"]["containers"]]
    for one in containers:
        one["volumeMounts"] = [{"name": _WORKSPACE, "mountPath": "/home/jenkins/agent"}]
    spec = {"containers": containers, "volumes": [{"name": _WORKSPACE, "emptyDir": {}}], "restartPolicy": "Never"}
    return {"apiVersion": "v1", "kind": "Pod", **found, "spec": spec}


def privileged(pod: Mapping[str, Any], side: Side, namespace: str) -> JSON:
    """A privileged side's pod: the plain one with every right, the same certificates, and a volume for its state."""
    made = plain(deepcopy(dict(pod)), namespace)
    container = _container(made, side.template)
    container["name"] = side.name
    container["image"] = side.image or container["image"]
    container["command"], container["args"] = ["sleep"], ["infinity"]
    container["securityContext"] = {"privileged": True, "runAsUser": 0, "runAsGroup": 0}
    # The rootless image's own name folders that only its user has.
    env = {"SSL_CERT_DIR": "/etc/buildkeep/ca", "HOME": "/root", "TMPDIR": side.state, "XDG_RUNTIME_DIR": "/run"}
    container["env"] = [{"name": name, "value": value} for name, value in env.items()]
    mounts = {_CA: "/etc/buildkeep/ca", "state": side.state}
    container["volumeMounts"] += [{"name": volume, "mountPath": path} for volume, path in mounts.items()]
    made["spec"]["volumes"] += [{"name": _CA, "configMap": {"name": _CA}}, {"name": "state", "emptyDir": {}}]
    return made


def _container(pod: Mapping[str, Any], name: str) -> JSON:
    found: JSON = next(one for one in pod["spec"]["containers"] if one["name"] == name)
    return found

"""Pods of podTemplate steps that say by fields, or in disguise, what no tenant's pod may have; and of some that may."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod import (
    AgentInfo,
    Cloud,
    clouds,
    dynamic_pod,
    pod_request,
)

from tests.api.api import Api
from tests.chart.rendering import template, tenants

AGENT = AgentInfo("agent-x1", "s3cr3t")
IMAGE = "ghcr.io/acme/base/maven:3.9"


def own(**fields: Any) -> dict[str, Any]:
    """A container of fields that inherits no merge strategy's fruits."""
    return {"containers": [{"name": "tool", "image": IMAGE, "command": "cat", **fields}]}


def builder(security: str) -> dict[str, Any]:
    """The builder's container, with this security context in the Jenkinsfile's YAML."""
    yaml = f"spec: {{containers: [{{name: kaniko, securityContext: {security}}}]}}"
    return {"inheritFrom": "shop-kaniko", "yaml": yaml}


# What the step says, and words of the answer.
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "privileged by a field": (own(privileged=True), "privileged"),
    "privileged by a field over the builder's yaml": (
        {"inheritFrom": "shop-kaniko", "containers": [{"name": "kaniko", "image": IMAGE, "privileged": True}]},
        "privileged",
    ),
    "privileged written as 1": (builder("{privileged: 1}"), "privileged"),
    "privileged written as a text": (builder("{privileged: 'true'}"), "privileged"),
    "capabilities emptied": (builder("{capabilities: {}}"), "capabilities"),
    "a port of the node": (own(ports=[{"name": "p", "containerPort": 1, "hostPort": 1}]), "hostPort"),
    "the node's network": ({"hostNetwork": True}, "hostNetwork"),
    "the user root": (own(runAsUser="0"), "runAsUser"),
    "a path of the node": ({"volumes": [{"hostPathVolume": {"mountPath": "/h", "hostPath": "/"}}]}, "hostPath"),
    "a workspace on the node": ({"workspaceVolume": {"hostPathWorkspaceVolume": {"hostPath": "/"}}}, "hostPath"),
    "a server of files": (
        {"volumes": [{"nfsVolume": {"mountPath": "/n", "serverAddress": "a", "serverPath": "/"}}]},
        "nfs",
    ),
    # Both are the plugin's own, but no claim that the tenant lists.
    "a claim of the pod's": ({"workspaceVolume": {"genericEphemeralVolume": {}}}, '"ephemeral" is not allowed'),
    "a claim made by the plugin": ({"workspaceVolume": {"dynamicPVC": {}}}, "persistentVolumeClaim.claimName"),
    "an agent in a foreign image": (
        {"agentInjection": True, "containers": [{"name": "jnlp", "image": "evil.example/agent:1"}]},
        "evil.example",
    ),
}
ADMITTED: dict[str, dict[str, Any]] = {
    "fields": own(ttyEnabled=True, workingDir="/work", livenessProbe={"execArgs": "true"}),
    "the builder": builder("{}"),
    "an injected agent": {"agentInjection": True, "containers": [{"name": "jnlp", "image": IMAGE}]},
    "a workspace in memory": {"workspaceVolume": {"emptyDirWorkspaceVolume": {"memory": True, "sizeLimit": "1Gi"}}},
}


@pytest.fixture(scope="module")
def cloud() -> Cloud:
    """The cloud that the chart renders for shop."""
    return clouds(template(tenants("shop")).of_kind("ConfigMap"))["shop"]


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_tenants_pod_may_have(admin: Api, shop: str, cloud: Cloud, name: str) -> None:
    attributes, words = REFUSED[name]
    answer = admin.pod("ci-shop", dynamic_pod(cloud, pod_request(attributes, "shop_1-x", "job/shop/1/"), AGENT))
    assert not answer.ok, "it was admitted"
    assert words in answer.message


@pytest.mark.parametrize("name", ADMITTED)
def test_what_it_may(admin: Api, shop: str, cloud: Cloud, name: str) -> None:
    request = pod_request(ADMITTED[name], "shop_1-x", "job/shop/1/")
    answer = admin.pod("ci-shop", dynamic_pod(cloud, request, AGENT))
    assert answer.ok, answer.message

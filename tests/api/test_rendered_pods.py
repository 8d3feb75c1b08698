"""The pods of the chart's templates, sent to an API server with Pod Security Admission and our policies."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod import (
    AgentInfo,
    clouds,
    dynamic_pod,
    pod_request,
    static_pod,
)

from tests.api.api import Api, Object
from tests.chart.rendering import template, tenants

AGENT = AgentInfo("agent-x1", "s3cr3t")
VALUES = tenants("shop")
CA = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
# What a Jenkinsfile's pod says itself, and the strictest Pod Security level that admits what becomes of it.
OWN = "spec: {containers: [{name: tool, image: 'ghcr.io/acme/base/maven:3.9', command: [cat], tty: true}]}"
JENKINSFILES = {
    "an agent alone": ({}, "restricted"),
    "a container of its own": ({"yaml": OWN}, "restricted"),
    "a container of its own, all merging refused": ({"yaml": OWN, "yamlMergeStrategy": "override"}, "restricted"),
    "a builder": ({"inheritFrom": "shop-kaniko"}, "baseline"),
    "a builder and a container of its own": ({"inheritFrom": "shop-kaniko", "yaml": OWN}, "baseline"),
}


@pytest.fixture(scope="module")
def levels(admin: Api) -> None:
    """A namespace that enforces each Pod Security level, and has none of our labels."""
    for level in ("restricted", "baseline"):
        labels = {"pod-security.kubernetes.io/enforce": level, "pod-security.kubernetes.io/enforce-version": "v1.37"}
        admin.create("/api/v1/namespaces", {"metadata": {"name": f"psa-{level}", "labels": labels}}).done()
        for account in ("agent", "builder-kaniko"):
            admin.create(f"/api/v1/namespaces/psa-{level}/serviceaccounts", {"metadata": {"name": account}}).done()


def moved(pod: Object, namespace: str) -> Object:
    """The pod in another namespace."""
    pod = copy.deepcopy(pod)
    pod["metadata"]["namespace"] = namespace
    return pod


def check(admin: Api, pod: Object, level: str) -> None:
    """Our policies admit the pod, and this Pod Security level does, and no stricter one."""
    answer = admin.pod("ci-shop", moved(pod, "ci-shop"))
    assert answer.ok, answer.message
    answer = admin.pod(f"psa-{level}", moved(pod, f"psa-{level}"))
    assert answer.ok, answer.message
    if level != "restricted":
        assert "violates PodSecurity" in admin.pod("psa-restricted", moved(pod, "psa-restricted")).message


@pytest.mark.parametrize("ca", ["", CA], ids=["public CAs", "a private CA"])
def test_the_pod_of_a_template_is_admitted(admin: Api, shop: str, levels: None, ca: str) -> None:
    rendered = template({**VALUES, "trustedCA": ca})
    configmaps = [item for item in rendered.of_kind("ConfigMap") if item["metadata"]["name"] != "buildkeep-ca"]
    check(admin, static_pod(clouds(configmaps)["shop"], "shop-kaniko", AGENT), "baseline")


@pytest.mark.parametrize("name", JENKINSFILES)
def test_the_pod_of_a_jenkinsfile_is_admitted(admin: Api, shop: str, levels: None, name: str) -> None:
    attributes, level = JENKINSFILES[name]
    cloud = clouds(template(VALUES).of_kind("ConfigMap"))["shop"]
    check(admin, dynamic_pod(cloud, pod_request(attributes, "shop_1-x", "job/shop/1/"), AGENT), level)


def test_the_pod_of_helm_test_is_admitted(admin: Api, shop: str, levels: None) -> None:
    (pod,) = template(VALUES).of_kind("Pod")
    check(admin, pod, "baseline")

"""The pods of all builders' templates, as Pod Security Admission of an API server judges them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod import AgentInfo, clouds, static_pod

from tests.api.api import Api, Object
from tests.chart.rendering import template
from tests.chart.test_pods import PROFILES, every_builder

ENFORCE = "pod-security.kubernetes.io/enforce"
AGENT = AgentInfo("agent-x1", "s3cr3t")
CA = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"


@pytest.fixture(scope="module")
def namespaces(admin: Api) -> Mapping[str, str]:
    """A namespace for each Pod Security level, with the builders' ServiceAccounts and none of our labels."""
    found = {}
    for level in ("restricted", "baseline"):
        found[level] = f"builders-{level}"
        labels = {ENFORCE: level, f"{ENFORCE}-version": "v1.37"}
        admin.create("/api/v1/namespaces", {"metadata": {"name": found[level], "labels": labels}}).done()
        for one in PROFILES.values():
            account = {"metadata": {"name": one.service_account}}
            admin.create(f"/api/v1/namespaces/{found[level]}/serviceaccounts", account).done()
    return found


@pytest.fixture(scope="module")
def pods() -> Mapping[str, Object]:
    """The pod of each builder's template, as the plugin sends it."""
    rendered = template({**every_builder(), "userNamespaces": True, "trustedCA": CA})
    configmaps = [item for item in rendered.of_kind("ConfigMap") if item["metadata"]["name"] != "buildkeep-ca"]
    return {name: static_pod(clouds(configmaps)["shop"], f"shop-{name}", AGENT) for name in PROFILES}


@pytest.mark.parametrize("name", PROFILES)
def test_it_is_admitted_at_its_level_and_at_none_stricter(
    name: str, admin: Api, namespaces: Mapping[str, str], pods: Mapping[str, Object]
) -> None:
    for level, namespace in namespaces.items():
        pod = {**pods[name], "metadata": {**pods[name]["metadata"], "namespace": namespace}}
        answer = admin.pod(namespace, pod)
        if level == "restricted" and PROFILES[name].pss_level == "baseline":
            assert "violates PodSecurity" in answer.message
        else:
            assert answer.ok, answer.message

"""The clouds that the chart writes: held against the strict schema, and what they say of ways to Jenkins and back."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod import clouds

from tests.chart.rendering import CHART, CI_VALUES, Rendered, cloud, template, tenants

SCHEMA = jsonschema.Draft7Validator(json.loads((CHART / "clouds.schema.json").read_text(encoding="utf-8")))
BUILDERS: dict[str, Any] = yaml.safe_load((CHART / "profiles.yaml").read_text(encoding="utf-8"))["builders"]
OUTSIDE = {
    "url": "https://kubernetes.example.com:6443",
    "credentialsId": "cluster-token",
    "ca": "-----BEGIN CERTIFICATE-----\nMIIB${x}\n-----END CERTIFICATE-----\n",
}
# Tenants that have together whatever a template of ours can hold.
ALL: dict[str, Any] = {
    "builders": {name: {"image": f"ghcr.io/acme/{name}:v1"} for name in BUILDERS},
    "trustedCA": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    "userNamespaces": True,
    "appArmor": True,
    "tenants": [
        {"name": "every", "builders": list(BUILDERS), "push": "ghcr.io/acme/every", "limits": {"pods": 3}},
        {"name": "open", "builders": list(BUILDERS), "seccomp": "unconfined"},
        {"name": "claims", "builders": ["kaniko", "buildkit"], "cache": {"claims": {"kaniko": "k", "buildkit": "b"}}},
        {"name": "none", "builders": []},
    ],
}


def of_tenants(rendered: Rendered) -> dict[str, Any]:
    found = [cloud(one) for one in rendered.of_kind("ConfigMap") if one["metadata"]["name"] != "buildkeep-ca"]
    return {one["name"]: one for one in found}


def shop(**controller: Any) -> Any:
    return of_tenants(template({**tenants("shop"), "controller": controller}))["shop"]


@pytest.mark.parametrize("values", [ALL, *CI_VALUES], ids=lambda values: getattr(values, "stem", "all"))
def test_every_cloud_is_what_the_plugin_takes(values: Any) -> None:
    for name, one in of_tenants(template(values)).items():
        assert [error.message for error in SCHEMA.iter_errors(one)] == [], name


def test_agents_connect_by_websocket_unless_there_is_a_port() -> None:
    assert (shop()["webSocket"], "jenkinsTunnel" in shop()) == (True, False)
    made = shop(agentPort=50000, name="ci", namespace="tools")
    assert (made["webSocket"], made["jenkinsTunnel"]) == (False, "ci-agent.tools.svc.cluster.local:50000")


def test_each_cloud_collects_its_own_garbage_and_no_other() -> None:
    assert shop(garbageCollection=120)["garbageCollection"] == {"namespaces": "ci-shop", "timeout": 120}
    assert "garbageCollection" not in shop(garbageCollection=0)


def test_a_jenkins_outside_of_the_cluster_knows_the_way_and_proves_it() -> None:
    made = shop(cluster=OUTSIDE, url="https://jenkins.example.com/", agentPort=50000)
    SCHEMA.validate(made)
    assert (made["serverUrl"], made["credentialsId"]) == (OUTSIDE["url"], OUTSIDE["credentialsId"])
    assert made["serverCertificate"] == OUTSIDE["ca"].replace("${", "^${"), "a secret of the controller"
    assert made.get("skipTlsVerify", False) is False
    # Jenkins itself says where its port is: no Service of this cluster leads there.
    assert (made["webSocket"], "jenkinsTunnel" in made) == (False, False)
    assert not shop().keys() & {"serverUrl", "serverCertificate", "credentialsId"}


def test_what_is_missing_for_a_jenkins_outside_is_told_at_once() -> None:
    refused = template({**tenants("shop"), "controller": {"cluster": {"ca": "-----BEGIN PRIVATE KEY-----\nMIIE"}}})
    assert refused.code != 0
    told = [line.partition(": ")[0] for line in refused.errors.splitlines() if line.startswith("controller.")]
    assert told == ["controller.cluster.url", "controller.cluster.credentialsId", "controller.url",
                    "controller.cluster.ca"]  # fmt: skip
    assert "MIIE" not in refused.errors


@pytest.mark.parametrize(
    "controller", [{"garbageCollection": 60}, {"agentPort": 70000}, {"cluster": {**OUTSIDE, "skipTlsVerify": True}}]
)
def test_the_values_schema_refuses(controller: dict[str, Any]) -> None:
    refused = template({**tenants("shop"), "controller": controller})
    assert refused.code != 0
    assert "at '/controller/" in refused.errors


def test_a_file_by_itself_is_what_jenkins_loads() -> None:
    (found,) = template(tenants("shop")).of_kind("ConfigMap")
    (text,) = found["data"].values()
    assert list(clouds([{"data": {"any-name.yaml": text}}])) == ["shop"]

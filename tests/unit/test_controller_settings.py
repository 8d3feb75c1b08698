"""`buildkeep_controller`: where Jenkins runs and how it and its agents reach each other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.agent_templates import CHART, chart_values
from ansible_collections.buildkeep.ci.plugins.module_utils.controller import CONTROLLER, read_controller, values_of
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings

OUTSIDE = {"url": "https://kubernetes.example.com:6443", "credentialsId": "cluster-token"}


def settings(**controller: Any) -> Any:
    return read_settings({"tenants": [{"name": "shop"}], "controller": controller})


def refused(**controller: Any) -> list[str]:
    with pytest.raises(BuildkeepError) as caught:
        settings(**controller)
    return list(caught.value.problems)


def test_every_key_of_the_chart_is_read_and_said_to_the_chart_again() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())["properties"]["controller"]["properties"]
    assert set(CONTROLLER) == set(schema)
    given = {
        "namespace": "n",
        "name": "j",
        "serviceAccount": "s",
        "url": "https://j.example.com",
        "agentPort": 50000,
        "garbageCollection": 300,
        "dynamicClaims": True,
        "cluster": OUTSIDE,
    }
    assert set(given) == set(CONTROLLER)
    assert values_of(read_controller(given)) == given
    assert chart_values(settings(**given), 60)["controller"] == given


def test_the_controllers_own_address_is_its_services() -> None:
    assert read_controller({"name": "ci"}).url == "http://ci.jenkins.svc.cluster.local:8080"


def test_what_is_switched_on_needs_rights_of_its_own() -> None:
    assert read_controller({"garbageCollection": 0}).features == {"always"}
    assert read_controller({"garbageCollection": 300, "dynamicClaims": True}).features == {
        *("always", "garbage_collection", "dynamic_claims")
    }


def test_a_jenkins_outside_of_the_cluster_says_how_both_reach_each_other() -> None:
    assert settings(cluster=OUTSIDE, url="https://j.example.com").controller.cluster == OUTSIDE
    problems = refused(cluster={"ca": "/etc/ca.pem"})
    assert [problem.partition(": ")[0] for problem in problems] == [
        *("buildkeep_controller.cluster.url", "buildkeep_controller.cluster.credentialsId"),
        *("buildkeep_controller.url", "buildkeep_controller.cluster.ca"),
    ]


def test_a_key_in_place_of_the_certificate_is_not_shown() -> None:
    (problem,) = refused(cluster={**OUTSIDE, "ca": "-----BEGIN PRIVATE KEY-----\nMIIE"}, url="https://j.example.com")
    assert problem.startswith("buildkeep_controller.cluster.ca: holds a private key")
    assert "MIIE" not in problem


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("garbageCollection", 119),
        ("garbageCollection", -1),
        ("agentPort", 65536),
        ("agentPort", "50000"),
        ("dynamicClaims", "yes"),
        ("cluster", {**OUTSIDE, "url": "http://kubernetes.example.com"}),
        ("cluster", {**OUTSIDE, "url": "https://${TOKEN}"}),
        ("cluster", {**OUTSIDE, "skipTlsVerify": True}),
        ("cluster", {**OUTSIDE, "credentialsId": "${TOKEN}"}),
    ],
)
def test_the_schema_refuses(key: str, value: Any) -> None:
    (problem,) = refused(**{key: value, "url": "https://j.example.com"})
    assert problem.startswith(f"buildkeep_controller.{key}")

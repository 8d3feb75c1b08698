"""The pods of `bench builders`: a template's, the same without its walls, and a privileged one."""

from __future__ import annotations

import pytest

from bench.builders_pods import JSON, hardened, plain, privileged, rendered
from bench.builders_work import DOCKER_IMAGE, SIDES, WORKSPACE
from tests.chart.test_pods import container

SIDE = {side.name: side for side in SIDES}


@pytest.fixture(scope="module")
def pods() -> dict[str, JSON]:
    """The pod of each side, and a plain one of kaniko's."""
    cloud, made = rendered("bench-x", ["kaniko", "buildkit"], {}, "-----BEGIN CERTIFICATE-----")
    assert {one["kind"] for one in made} == {"ServiceAccount", "Role", "RoleBinding", "ConfigMap"}
    assert {one["metadata"]["namespace"] for one in made} == {"ci-bench-x"}
    found = {name: hardened(cloud, SIDE[name], f"{name}-0") for name in ("kaniko", "buildkit")}
    found["plain"] = plain(found["kaniko"], "home")
    docker = hardened(cloud, SIDE["docker"], "docker-0")
    return {**found, "docker": privileged(docker, SIDE["docker"], "home")}


def test_a_template_is_measured_as_it_is_but_for_its_agent(pods: dict[str, JSON]) -> None:
    for name in ("kaniko", "buildkit"):
        spec = pods[name]["spec"]
        assert (pods[name]["metadata"]["namespace"], spec["serviceAccountName"]) == ("ci-bench-x", f"builder-{name}")
        assert container(pods[name], "jnlp")["command"] == ["sleep"]
        assert container(pods[name], name)["securityContext"]["capabilities"]["drop"] == ["ALL"]


def test_a_plain_pod_runs_the_same_without_walls(pods: dict[str, JSON]) -> None:
    walled, bare = container(pods["kaniko"], "kaniko"), container(pods["plain"], "kaniko")
    assert {key: bare[key] for key in ("image", "command", "resources")} == {
        key: walled[key] for key in ("image", "command", "resources")
    }
    assert "securityContext" not in bare and "securityContext" not in pods["plain"]["spec"]
    assert [one["mountPath"] for one in bare["volumeMounts"]] == [WORKSPACE]


def test_the_privileged_side_has_every_right_and_the_same_limits(pods: dict[str, JSON]) -> None:
    docker = container(pods["docker"], "docker")
    assert docker["image"] == DOCKER_IMAGE and docker["securityContext"]["privileged"] is True
    assert docker["resources"] == container(pods["buildkit"], "buildkit")["resources"]
    assert "/var/lib/docker" in [one["mountPath"] for one in docker["volumeMounts"]]

"""Mode audit: what would be refused is only warned about; back and forth changes nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.canary_pods import agent_pod
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import load_profiles

from tests.play.playbook import Cluster

CONTROLLER = "system:serviceaccount:jenkins:jenkins"
BAD = agent_pod(load_profiles(), "shop", "docker.io/library/foreign:1")
BAD["spec"]["hostNetwork"] = True


@pytest.fixture(scope="module")
def audited(cluster: Cluster) -> Iterator[Cluster]:
    """Give a cluster whose one tenant is in mode audit."""
    cluster.run("site.yml", {"buildkeep_tenants": [{"name": "shop"}], "buildkeep_mode": "audit"}).ok()
    yield cluster
    cluster.run("buildkeep.ci.remove", {}).ok()


def test_audit_warns_then_enforce_refuses(audited: Cluster) -> None:
    """The same pod by the same path: admitted with both walls' warnings, then refused."""
    answer = audited.create_pod("ci-shop", BAD, CONTROLLER)
    assert answer.returncode == 0, answer.stderr
    assert "would violate PodSecurity" in answer.stderr
    assert "[images]" in answer.stderr
    done = audited.run("site.yml", {"buildkeep_tenants": [{"name": "shop"}], "buildkeep_mode": "enforce"}).ok()
    assert done.changed == 1, done.text[-3000:]
    answer = audited.create_pod("ci-shop", BAD, CONTROLLER)
    assert answer.returncode != 0
    assert "violates PodSecurity" in answer.stderr
    labels = audited.get("namespace", "ci-shop")["metadata"]["labels"]
    assert labels["buildkeep.dev/mode"] == "enforce"

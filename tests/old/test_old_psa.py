"""A cluster without ValidatingAdmissionPolicy, under Pod Security Admission alone: a real 1.24, its PSP plugin off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.canary_pods import agent_pod
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import load_profiles

from testbed.apiserver import ApiServer
from tests.play.playbook import Cluster, lived_in
from tests.servers import controllers

CONTROLLER = "system:serviceaccount:jenkins:jenkins"
SHOP: dict[str, Any] = {"buildkeep_tenants": [{"name": "shop"}], "buildkeep_backend": "psa"}
ACCEPTED = {**SHOP, "buildkeep_unenforced": "accept"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Give a cluster without nodes."""
    folder = tmp_path_factory.mktemp("psa")
    with ApiServer(version="1.24") as server, controllers(server, folder / "log"):
        yield lived_in(server, folder)


def test_what_is_not_enforced_is_refused_until_it_is_accepted(cluster: Cluster) -> None:
    found = cluster.everything()
    refused = cluster.run("site.yml", SHOP)
    assert (refused.failed, refused.changed) == (1, 0)
    assert "buildkeep_unenforced" in refused.text
    assert cluster.everything() == found
    accepted = cluster.run("site.yml", ACCEPTED).ok()
    assert accepted.changed > 0
    assert cluster.run("site.yml", ACCEPTED).ok().changed == 0
    assert "RoleBinding ci-shop/buildkeep-controller" in cluster.everything()
    bad = agent_pod(load_profiles(), "shop")
    assert cluster.create_pod("ci-shop", bad, CONTROLLER).returncode == 0
    bad["spec"]["hostNetwork"] = True
    assert "violates PodSecurity" in cluster.create_pod("ci-shop", bad, CONTROLLER).stderr
    assert cluster.run("buildkeep.ci.remove", ACCEPTED).ok().changed > 0
    assert cluster.everything() == found

"""SecurityContextConstraints as the only wall, on a server from before admission policies, and without the plugin.

It is what an OpenShift would be whose plugin is off: everything can be made, and nothing is enforced.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from testbed import openshift
from testbed.apiserver import ApiServer
from tests.play.playbook import Cluster, lived_in
from tests.scc.published import publish
from tests.servers import controllers

SHOP: dict[str, Any] = {"buildkeep_tenants": [{"name": "shop"}]}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Give a server of Kubernetes 1.24 with the types from before user namespaces."""
    folder = tmp_path_factory.mktemp("alone")
    with ApiServer(version="1.24") as server, controllers(server, folder / "log"):
        made = lived_in(server, folder)
        publish(server, openshift.OLDER)
        yield made


def test_what_is_not_enforced_has_to_be_accepted(cluster: Cluster) -> None:
    before = cluster.everything()
    run = cluster.run("site.yml", SHOP)
    assert run.code != 0 and "buildkeep_unenforced" in run.text
    assert "SecurityContextConstraints judge pods, not containers" in run.text
    assert cluster.everything() == before


def test_constraints_that_nothing_enforces_are_found_out(cluster: Cluster) -> None:
    """A run fails at its canaries, names the cause, and gives the controller no rights."""
    found = cluster.everything()
    run = cluster.run("site.yml", {**SHOP, "buildkeep_unenforced": "accept"})
    made = cluster.everything()
    assert run.code != 0 and "SecurityContextConstraints" in run.text
    assert "none was asked: the API server knows the kind, but its admission plugin is off" in run.text
    assert "SecurityContextConstraints /buildkeep-kaniko" in made
    assert "userNamespaceLevel" not in made["SecurityContextConstraints /buildkeep-kaniko"]
    assert "RoleBinding buildkeep-canary/buildkeep-scc-kaniko" in made
    assert not [name for name in made if name.endswith("/buildkeep-controller")]
    assert cluster.run("buildkeep.ci.remove", SHOP).ok().changed > 0
    assert cluster.everything() == found

"""site.yml and remove.yml on a real server of Kubernetes 1.30: made, proven by its canaries, and taken away again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from testbed.apiserver import ApiServer
from tests.old.conftest import OLDEST
from tests.play.playbook import Cluster, lived_in
from tests.servers import controllers

TENANTS: list[dict[str, Any]] = [
    {"name": "shop", "images": ["ghcr.io/acme/tool"], "limits": {"pods": 20, "cpu": "4", "memory": "8Gi"}},
    {"name": "old"},
]
# Told where policies changed.
FAULT = "kubernetes/kubernetes#135757"
FULL: dict[str, Any] = {"buildkeep_tenants": TENANTS, "buildkeep_images": ["ghcr.io/acme/base/"]}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Give a cluster without nodes whose server is as its version comes, no feature switched on."""
    folder = tmp_path_factory.mktemp("site")
    with ApiServer(version=OLDEST) as server, controllers(server, folder / "log"):
        yield lived_in(server, folder)


def test_site_runs_twice_and_remove_leaves_nothing(cluster: Cluster) -> None:
    assert '"minor": "30"' in cluster.kubectl("get", "--raw", "/version").stdout
    found = cluster.everything()
    first = cluster.run("site.yml", FULL).ok()
    assert first.changed > 0
    assert FAULT in first.text
    made = cluster.everything(exact=True)
    assert "RoleBinding ci-shop/buildkeep-controller" in made
    again = cluster.run("site.yml", FULL).ok()
    assert again.changed == 0
    assert FAULT not in again.text
    assert cluster.everything(exact=True) == made
    assert cluster.run("buildkeep.ci.remove", FULL).ok().changed > 0
    assert cluster.everything() == found

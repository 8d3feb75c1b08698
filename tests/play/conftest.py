"""A cluster without nodes: a bare API server, and the two controllers without which namespaces neither fill nor go."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testbed.apiserver import ApiServer
from tests.play.playbook import Cluster, lived_in
from tests.servers import controllers

POOR = "poor"


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Give a running API server with these controllers, each under its own ServiceAccount as in a real cluster."""
    log = tmp_path_factory.mktemp("controllers") / "log"
    with ApiServer(users={POOR: []}) as server, controllers(server, log):
        yield server


@pytest.fixture(scope="session")
def cluster(api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """Give that cluster with the controller's namespace, and one that had a life before Buildkeep came."""
    return lived_in(api_server, tmp_path_factory.mktemp("play"))

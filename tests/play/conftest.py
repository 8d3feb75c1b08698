"""A cluster without nodes: a bare API server, and the two controllers without which namespaces neither fill nor go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.apiserver import ApiServer
from tests.play.playbook import Cluster, lived_in
from tests.servers import controllers

POOR = "poor"
# What the tests ask of the server's own record: who tried to create pods, and who bound roles, in this order.
AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "Metadata", "verbs": ["create"], "resources": [{"group": "", "resources": ["pods"]}]},
        {
            "level": "Metadata",
            "verbs": ["create", "patch"],
            "resources": [{"group": "rbac.authorization.k8s.io", "resources": ["rolebindings"]}],
        },
        {"level": "None"},
    ],
}


@pytest.fixture(scope="session")
def audit_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file in which the API server records requests."""
    return tmp_path_factory.mktemp("audit") / "log"


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory, audit_log: Path) -> Iterator[ApiServer]:
    """Give a running API server with these controllers, each under its own ServiceAccount as in a real cluster."""
    policy = audit_log.with_name("policy")
    policy.write_text(json.dumps(AUDIT), encoding="utf-8")
    flags = [f"--audit-policy-file={policy}", f"--audit-log-path={audit_log}"]
    log = tmp_path_factory.mktemp("controllers") / "log"
    with ApiServer(users={POOR: []}, flags=flags) as server, controllers(server, log):
        yield server


@pytest.fixture(scope="session")
def cluster(api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """Give that cluster with the controller's namespace, and one that had a life before Buildkeep came."""
    return lived_in(api_server, tmp_path_factory.mktemp("play"))

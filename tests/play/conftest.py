"""A cluster without nodes: a bare API server, and the two controllers without which namespaces neither fill nor go."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from testbed.apiserver import ApiServer
from testbed.tools import tool
from tests.play.playbook import Cluster

CONTROLLERS = "namespace-controller,serviceaccount-controller"
POOR = "poor"


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Give a running API server with these controllers, each under its own ServiceAccount as in a real cluster."""
    log = tmp_path_factory.mktemp("controllers") / "log"
    with ApiServer(users={POOR: []}) as server, log.open("w") as output:
        command = [
            str(tool("kube-controller-manager")), f"--kubeconfig={server.kubeconfig()}", f"--controllers={CONTROLLERS}",
            "--leader-elect=false", "--use-service-account-credentials", "--secure-port=0",
        ]  # fmt: skip
        controllers = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield server
        finally:
            controllers.terminate()
            controllers.wait(timeout=20)


@pytest.fixture(scope="session")
def cluster(api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """Give that cluster with the controller's namespace, and one that had a life before Buildkeep came."""
    made = Cluster(api_server.kubeconfig(), tmp_path_factory.mktemp("play"))
    for namespace in ("jenkins", "ci-old"):
        assert made.kubectl("create", "namespace", namespace).returncode == 0
    label = "pod-security.kubernetes.io/enforce=privileged"
    assert made.kubectl("label", "namespace", "ci-old", label, "team=old").returncode == 0
    assert made.kubectl("-n", "ci-old", "create", "secret", "generic", "theirs", "--from-literal=a=b").returncode == 0
    wait = ("wait", "--for=create", "serviceaccount/default", "--timeout=60s")
    for namespace in ("jenkins", "ci-old", "default"):
        assert made.kubectl("-n", namespace, *wait).returncode == 0
    return made

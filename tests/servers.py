"""Running API servers of several versions, for the tests of every folder that needs one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testbed.apiserver import ApiServer
from testbed.tools import tool

# Without these two, namespaces neither fill nor go.
CONTROLLERS = ("namespace-controller", "serviceaccount-controller")
# Writes down what the typed check of a policy's expressions found.
TYPE_CHECKER = "validatingadmissionpolicy-status-controller"


@contextmanager
def controllers(server: ApiServer, log: Path, names: tuple[str, ...] = CONTROLLERS) -> Iterator[None]:
    """Run controllers beside a server, each under its own ServiceAccount as in a real cluster.

    They are those of the newest Kubernetes, whatever the server's version: all that they ask is older than both.

    Args:
        server: a running server.
        log: the file of their output.
        names: which controllers.
    """
    command = [
        str(tool("kube-controller-manager")), f"--kubeconfig={server.kubeconfig()}",
        f"--controllers={','.join(names)}", "--leader-elect=false", "--use-service-account-credentials",
        "--secure-port=0",
    ]  # fmt: skip
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=20)

"""Writes down the state of a cluster after a failure: `python -m tests.cluster.dump` prints the file's name."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence

from testbed import paths
from testbed.tools import tool

COMMANDS: Sequence[Sequence[str]] = (
    ("get", "pods,quota,configmaps,serviceaccounts,roles,rolebindings", "--all-namespaces", "--output=wide"),
    ("get", "validatingadmissionpolicies,validatingadmissionpolicybindings", "--output=yaml"),
    ("get", "namespaces", "--output=yaml"),
    ("get", "events", "--all-namespaces", "--sort-by=.lastTimestamp"),
    ("describe", "pods", "--all-namespaces"),
    ("logs", "deployment/jenkins", "--namespace=jenkins", "--all-containers", "--tail=2000"),
)


# What lets an agent connect stands in its pod in plain text, as the Kubernetes plugin writes it.
SECRET = re.compile(r"(JENKINS_SECRET:\s+)\S+")


def without_secrets(text: str) -> str:
    """The text with an agent's secret masked."""
    return SECRET.sub(r"\1****", text)


def main() -> None:
    """Runs every command against the cluster that BUILDKEEP_CLUSTER names; one that fails leaves its own words."""
    cluster = paths.cluster_name()
    file = paths.logs() / f"{cluster}-state.log"
    with file.open("w", encoding="utf-8") as log:
        for command in COMMANDS:
            words = [str(tool("kubectl")), f"--kubeconfig={paths.kubeconfig(cluster)}", *command]
            done = subprocess.run(
                words,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                check=False,
                timeout=60,
            )
            log.write(f"\n$ kubectl {' '.join(command)}\n{without_secrets(done.stdout)}")
    print(f"The state of the cluster is in {file}")


if __name__ == "__main__":
    main()

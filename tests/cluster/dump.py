"""Writes down the state of a cluster after a failure: `python -m tests.cluster.dump` prints the file's name."""

from __future__ import annotations

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


def main() -> None:
    """Runs every command against the cluster that BUILDKEEP_CLUSTER names; one that fails leaves its own words."""
    cluster = paths.cluster_name()
    file = paths.logs() / f"{cluster}-state.log"
    with file.open("w", encoding="utf-8") as log:
        for command in COMMANDS:
            log.write(f"\n$ kubectl {' '.join(command)}\n")
            log.flush()
            words = [str(tool("kubectl")), f"--kubeconfig={paths.kubeconfig(cluster)}", *command]
            subprocess.run(words, stdout=log, stderr=subprocess.STDOUT, check=False, timeout=60)
    print(f"The state of the cluster is in {file}")


if __name__ == "__main__":
    main()

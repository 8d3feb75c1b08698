"""What is left of a cluster after `down`: `python -m testbed.leftovers` names it, and ends with 1 if there is any."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from testbed import engine, paths
from testbed.cluster import KIND_LABEL, Cluster, named


def leftovers(cluster: Cluster) -> list[str]:
    """The containers, volumes and network of a cluster, and the folder of its state, as far as they exist.

    The engine is asked, not what `down` remembers. Raises CalledProcessError where it does not answer.
    """
    questions = {
        "container": ("ps", "--all", "--filter", f"label={KIND_LABEL}={cluster.kind}", "--format", "{{.Names}}"),
        "volume": ("volume", "ls", "--filter", f"label={cluster.node}", "--format", "{{.Name}}"),
        "network": ("network", "ls", "--filter", f"name={engine.network(cluster.kind)}", "--format", "{{.Name}}"),
    }
    found = []
    # Without the engine nothing was ever made.
    for what, words in questions.items() if shutil.which(cluster.engine.command) else ():
        environment = {**os.environ, **cluster.engine.environment}
        answer = subprocess.run(
            [cluster.engine.command, *words], env=environment, capture_output=True, text=True, timeout=30, check=True
        )
        found += [f"{what} {name}" for name in answer.stdout.split()]
    return found + ([f"folder {cluster.state}"] if cluster.state.exists() else [])


if __name__ == "__main__":
    there = leftovers(named(paths.cluster_name()))
    print("\n".join(there) or "nothing is left")
    sys.exit(1 if there else 0)

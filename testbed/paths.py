"""Where the testbed keeps things: the cache outside the checkout, the state of a cluster inside it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTBED = ROOT / "testbed"


def cache() -> Path:
    """The folder of all that is made once: BUILDKEEP_CACHE, else the user's cache folder (as tools/venv does)."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("BUILDKEEP_CACHE") or Path(home) / "buildkeep")


def logs() -> Path:
    """The folder of the steps' logs, made if missing."""
    folder = cache() / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def cluster_name() -> str:
    """The cluster's name: BUILDKEEP_CLUSTER, else `buildkeep`."""
    return os.environ.get("BUILDKEEP_CLUSTER") or "buildkeep"


def machine_name(cluster: str) -> str:
    """A cluster's name among all of the machine: two checkouts never take each other's cluster for their own."""
    return f"{cluster}-{hashlib.sha256(os.fsencode(ROOT)).hexdigest()[:6]}"


def state(cluster: str) -> Path:
    """The folder of a running cluster's kubeconfig, ca.crt and registry files; not made here."""
    return ROOT / ".buildkeep" / cluster


def kubeconfig(cluster: str | None = None) -> Path:
    """The administrator's kubeconfig of a cluster (default: `cluster_name()`); the user's own is never touched."""
    return state(cluster or cluster_name()) / "kubeconfig"

"""The objects that `site.yml` made, as a file that `kubectl apply` takes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.names import LABEL_MANAGED_BY, MANAGED_BY

KINDS = (
    "namespaces",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "clusterroles",
    "clusterrolebindings",
    "serviceaccounts",
    "resourcequotas",
    "limitranges",
    "roles",
    "rolebindings",
    "configmaps",
)
# What the server adds; server-side apply refuses some of it.
SERVER_FIELDS = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid", "selfLink")


def as_applied(live: Mapping[str, Any]) -> dict[str, Any]:
    """A live object as somebody would have written it."""
    metadata = {key: value for key, value in live["metadata"].items() if key not in SERVER_FIELDS}
    return {**{key: value for key, value in live.items() if key != "status"}, "metadata": metadata}


def export(kubectl: Path, env: Mapping[str, str], target: Path) -> int:
    """Writes every object of ours to a file, namespaces first.

    Returns:
        How many there are.
    """
    command = [str(kubectl), "get", ",".join(KINDS), "-A", "-o", "json", "-l", f"{LABEL_MANAGED_BY}={MANAGED_BY}"]
    listed = subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout
    found = [as_applied(item) for item in json.loads(listed)["items"]]
    found.sort(key=lambda item: item["kind"] != "Namespace")
    target.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": found}), encoding="utf-8")
    return len(found)

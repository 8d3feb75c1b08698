"""Whether an agent's pod is deleted when its build is over. Pure.

After jenkinsci/kubernetes-plugin, pod/retention: `podRetention` of the template, `default` meaning the cloud's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def deletes(retention: str, pod: Mapping[str, Any] | None) -> bool:
    """Whether the pod goes.

    Args:
        retention: never, always, onFailure or evicted; what it says is what is KEPT.
        pod: as it is now; None when it could not be read.
    """
    status = (pod or {}).get("status") or {}
    if retention == "always":
        return False
    if retention == "onFailure":
        return bool(status) and str(status.get("phase")).lower() not in ("failed", "unknown")
    if retention == "evicted":
        return str(status.get("reason")).lower() != "evicted"
    return True


def needs_status(retention: str) -> bool:
    """Whether the pod has to be looked at first."""
    return retention in ("onFailure", "evicted")

"""What the policy about pods of `buildkeep-system` allows: exactly the pods of the role's own templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.cel import literal

# Fields of a pod that say where and how long it runs, and what the API server fills in.
_FREE = (
    *("activeDeadlineSeconds", "affinity", "containers", "dnsPolicy", "initContainers", "nodeName", "nodeSelector"),
    *("preemptionPolicy", "priority", "priorityClassName", "restartPolicy", "schedulerName"),
    *("terminationGracePeriodSeconds", "tolerations", "volumes"),
)


def shapes(workloads: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Give what the policy's template inserts: CEL literals of containers, volumes and fields, and names of fields.

    Args:
        workloads: pods, and workloads with a template of a pod.
    """
    specs: list[Mapping[str, Any]] = [item["spec"].get("template", item)["spec"] for item in workloads]
    containers = [one for spec in specs for part in ("initContainers", "containers") for one in spec.get(part, ())]
    # What the API server fills in, of whatever pod.
    fixed: dict[str, Any] = {"serviceAccount": specs[0]["serviceAccountName"], "securityContext": {}}
    for spec in specs:
        fixed |= {key: value for key, value in spec.items() if key not in _FREE}
    return {
        "containers": _mixed(containers),
        "volumes": _mixed([one for spec in specs for one in spec["volumes"]]),
        "fixed": _mixed(fixed),
        "required": [key for key in fixed if all(key in spec for spec in specs)],
        "free": list(_FREE),
    }


def _mixed(value: Any) -> str:
    """Write a value as a CEL literal; an API server takes maps and lists of several types only as dynamic ones."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{literal(key)}: dyn({_mixed(one)})' for key, one in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(f'dyn({_mixed(one)})' for one in value)}]"
    return literal(value)

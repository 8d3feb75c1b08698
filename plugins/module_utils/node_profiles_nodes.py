"""Which nodes pods of tenants can land on, and what a pod needs to land there too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings
from ansible_collections.buildkeep.ci.plugins.module_utils.tenants import Tenant

Object = Mapping[str, Any]
_OS = "kubernetes.io/os"
_REFUSING = ("NoSchedule", "NoExecute")
# What a node carries while it cannot be used, or not yet; it says nothing about who may use it.
_PASSING = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/", "ToBeDeletedByClusterAutoscaler")


@dataclass(frozen=True)
class Place:
    """What sends pods to nodes: labels to select by, and taints that they tolerate (as pods have tolerations)."""

    selector: tuple[tuple[str, str], ...] = ()
    tolerations: tuple[Mapping[str, str], ...] = ()

    def reaches(self, node: Object) -> bool:
        """Whether a pod with these can be sent to a node (as the API gives it), when the node is well."""
        labels = node["metadata"].get("labels") or {}
        taints = (node.get("spec") or {}).get("taints") or []
        return (
            labels.get(_OS, "linux") == "linux"
            and all(labels.get(key) == value for key, value in self.selector)
            and all(_tolerated(taint, self.tolerations) for taint in taints if taint.get("effect") in _REFUSING)
        )


def places(settings: Settings, tenants: Iterable[Tenant]) -> list[Place]:
    """Give the places of these tenants' pods, each once; where they say nothing it is every node without taints."""
    found: list[Place] = []
    for tenant in tenants:
        nodes = tenant.nodes
        place = Place(tuple(sorted(nodes.selector.items())), tuple(dict(one) for one in nodes.tolerations))
        if place not in found:
            found.append(place)
    return found or [Place(tuple(sorted(settings.nodes.selector.items())), tuple(settings.nodes.tolerations))]


def affinity(every: Sequence[Place]) -> dict[str, Any]:
    """Give the affinity of a pod that may go to the nodes of any of these places, taints apart."""
    terms = [
        {"matchExpressions": [_is(_OS, "linux"), *(_is(key, value) for key, value in place.selector)]}
        for place in every
    ]
    once = [term for number, term in enumerate(terms) if term not in terms[:number]]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": once}}}


def reached(nodes: Iterable[Object], every: Sequence[Place]) -> list[tuple[Object, Place]]:
    """Give each node that pods of these places can land on, with the first of the places that reaches it."""
    pairs = ((node, [place for place in every if place.reaches(node)]) for node in nodes)
    return [(node, found[0]) for node, found in pairs if found]


def is_ready(node: Object) -> bool:
    """Whether a node says that it is ready and is open for pods."""
    conditions = (node.get("status") or {}).get("conditions") or []
    ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
    return ready and not (node.get("spec") or {}).get("unschedulable", False)


def _is(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "operator": "In", "values": [value]}


def _tolerated(taint: Object, tolerations: Sequence[Mapping[str, str]]) -> bool:
    """As kubernetes, core/v1 Toleration.ToleratesTaint."""
    if str(taint["key"]).startswith(_PASSING):
        return True
    return any(
        one.get("effect", taint["effect"]) in ("", taint["effect"])
        and one.get("key", "") in ("", taint["key"])
        and (one.get("operator") == "Exists" or one.get("value", "") == taint.get("value", ""))
        and (one.get("key") or one.get("operator") == "Exists")
        for one in tolerations
    )

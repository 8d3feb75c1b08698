"""What is in the cluster: which namespaces are ours, and the objects of one role in them.

Labels on objects in a namespace are written by whoever may write there, so they are believed only in namespaces that
are ours. Those are known by the tenant label of the Namespace, which only managers of tenants may set (policy
buildkeep-namespaces), and by what the task names.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import NotServed
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster, Resource, parallel
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import (
    Key,
    Object,
    key_of,
    labels_of,
    owner_selector,
    tenant_of,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.names import LABEL_ROLE, LABEL_TENANT, POLICY_PODS_TENANT

NAMESPACE = ("v1", "Namespace")
Resources = dict[tuple[str, str], Resource]


@dataclass
class Live:
    """What is in the cluster.

    `objects` are the owner's by key, `tenants` the tenant of each namespace that is ours, and `missing` the namespaces
    that are known not to be there, or not for long.
    """

    objects: dict[Key, Object] = field(default_factory=dict)
    tenants: dict[str, str] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)

    def tenant(self, item: Object) -> str:
        """The tenant that an object belongs to, or ''. In a tenant's namespace its own label counts for nothing."""
        return self.tenants.get(item["metadata"].get("namespace", "")) or tenant_of(item)


def stage(kind: str, namespaced: bool, name: str = "") -> int:
    """The order of making things: namespaces, cluster-wide ones, namespaced ones; bindings after what they name.

    The policy that judges ordinary pods comes with its bindings before the one that leaves them to it.
    """
    if kind == "Namespace":
        return 0
    if name.startswith(POLICY_PODS_TENANT):
        return 1 + kind.endswith("Binding")
    return (5 if namespaced else 3) + kind.endswith("Binding")


def in_stages(keys: Collection[Key], resources: Resources, reverse: bool = False) -> list[list[Key]]:
    """Keys grouped into stages that follow each other."""
    stages: dict[int, list[Key]] = defaultdict(list)
    for key in keys:
        stages[stage(key.kind, resources[key.api_version, key.kind].namespaced, key.name)].append(key)
    return [stages[number] for number in sorted(stages, reverse=reverse)]


def checked_resources(cluster: Cluster, kinds: Collection[tuple[str, str]]) -> Resources:
    """Resources by (apiVersion, kind). Raises BuildkeepError naming all kinds that the API server does not serve."""
    ordered = sorted(kinds)
    return dict(zip(ordered, parallel(lambda kind: cluster.resource(*kind), ordered), strict=True))


def served_resources(cluster: Cluster, kinds: Collection[tuple[str, str]]) -> Resources:
    """Those of the kinds that the API server serves: of any other there is nothing to remove."""
    found: Resources = {}
    for api_version, kind in sorted(kinds):
        with contextlib.suppress(NotServed):
            found[api_version, kind] = cluster.resource(api_version, kind)
    return found


def read_live(cluster: Cluster, resources: Resources, owner: str, namespaces: Collection[str] = ()) -> Live:
    """The owner's objects of these kinds, as far as they are in namespaces that are ours: one list a kind.

    Args:
        cluster: where.
        resources: the kinds.
        owner: the role's name.
        namespaces: those that are the owner's to look into, besides tenants' namespaces.
    """
    spaces = list(cluster.list(cluster.resource(*NAMESPACE), selector=LABEL_TENANT))
    tenants = {space["metadata"]["name"]: tenant_of(space) for space in spaces}
    reach = {*tenants, *namespaces}
    kinds = [resource for kind, resource in resources.items() if kind != NAMESPACE]
    lists = parallel(lambda kind: list(cluster.list(kind, selector=owner_selector(owner))), kinds)
    found = [
        item
        for kind, items in zip(kinds, lists, strict=True)
        for item in items
        if not kind.namespaced or item["metadata"]["namespace"] in reach
    ]
    if NAMESPACE in resources:  # whoever took another label off: these two are guarded
        named = [cluster.get(cluster.resource(*NAMESPACE), "", name) for name in namespaces if name not in tenants]
        spaces += [space for space in named if space is not None]
        found += [space for space in spaces if labels_of(space).get(LABEL_ROLE) == owner]
    return Live({key_of(item): item for item in found}, tenants)


def look(cluster: Cluster, resources: Resources, live: Live, keys: Sequence[Key]) -> None:
    """Adds to `live` what is there under these keys and was in no list: what others made."""
    first = [key for key in keys if key.kind == "Namespace" and key not in live.objects]
    _add(cluster, resources, live, first)
    spaces = [key for key in keys if key.kind == "Namespace"]
    live.missing |= {
        key.name for key in spaces if key not in live.objects or live.objects[key]["metadata"].get("deletionTimestamp")
    }
    rest = [key for key in keys if key not in live.objects and key.namespace not in live.missing]
    _add(cluster, resources, live, [key for key in rest if key.kind != "Namespace"])


def _add(cluster: Cluster, resources: Resources, live: Live, keys: Sequence[Key]) -> None:
    found = parallel(lambda key: cluster.get(resources[key.api_version, key.kind], key.namespace, key.name), keys)
    live.objects |= {key: item for key, item in zip(keys, found, strict=True) if item is not None}

"""What in a namespace is somebody else's, so that the namespace must stay."""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain

from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster, Resource, parallel
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import Object
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_adoption import is_adopted, is_ours
from ansible_collections.buildkeep.ci.plugins.module_utils.scc_found import made_by_openshift
from ansible_collections.buildkeep.ci.plugins.module_utils.scc_served import is_openshift

FEW = 10
# What the cluster itself puts into every namespace, or derives from other objects there.
_CLUSTER_MADE = {
    ("ServiceAccount", "default"),
    ("ConfigMap", "kube-root-ca.crt"),
    ("ConfigMap", "openshift-service-ca.crt"),
}
_CLAIM = "PersistentVolumeClaim"
_DERIVED_KINDS = {"Event", "Endpoints", "EndpointSlice"}


def is_foreign(item: Object, openshift: bool = False) -> bool:
    """Whether an object in a namespace is somebody's, so that deleting the namespace would lose it.

    Not so: ours, but for claims, whose content nobody can make again; what the cluster makes in every namespace; and
    what a controller would make again or has made from another object of the same namespace (that one counts).

    Args:
        item: the object; kind and metadata are enough.
        openshift: whether the cluster is one, which puts more into every namespace.
    """
    metadata = item["metadata"]
    owners = metadata.get("ownerReferences") or []
    return not (
        (is_ours(item) and not is_adopted(item) and item["kind"] != _CLAIM)
        or (item["kind"], metadata["name"]) in _CLUSTER_MADE
        or item["kind"] in _DERIVED_KINDS
        or (openshift and made_by_openshift(item))
        or any(owner.get("controller") for owner in owners)
    )


def foreign_objects(cluster: Cluster, namespaces: Collection[str]) -> dict[str, list[str]]:
    """What stays of others in each of the namespaces, such as 'PersistentVolumeClaim cache'.

    What cannot be looked at counts as foreign: a namespace goes only when it is known to hold nothing of others.

    Raises:
        BuildkeepError: the API server lists no kinds at all.
    """
    kinds, silent = cluster.everything_namespaced()
    openshift = is_openshift(cluster)
    # Many namespaces: one list of all is cheaper for the API server than one for each.
    places = list(namespaces) if len(namespaces) <= FEW else [""]
    lookups = [(kind, place) for kind in kinds if kind.kind not in _DERIVED_KINDS for place in places]

    def look(lookup: tuple[Resource, str]) -> list[tuple[str, str]]:
        kind, place = lookup
        try:
            items = list(cluster.list(kind, namespace=place, metadata_only=True))
        except ApiError as error:
            unknown = f"whatever there is of {kind.plural} ({error.reason}: they cannot be listed)"
            return [(name, unknown) for name in ([place] if place else namespaces)]
        return [
            (item["metadata"]["namespace"], f"{item['kind']} {item['metadata']['name']}")
            for item in items
            if is_foreign(item, openshift)
        ]

    found: dict[str, set[str]] = {
        name: {f"whatever there is of {version} (that API does not answer)" for version in silent}
        for name in namespaces
    }
    for name, words in chain.from_iterable(parallel(look, lookups)):
        if name in found:
            found[name].add(words)
    return {name: sorted(words) for name, words in found.items() if words}

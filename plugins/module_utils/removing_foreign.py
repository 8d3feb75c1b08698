"""What in a namespace is somebody else's, so that the namespace must stay."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster, Resource
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import Object
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_adoption import is_ours, remembered

# What the cluster itself puts into every namespace, or derives from other objects there.
_CLUSTER_MADE = {
    ("ServiceAccount", "default"),
    ("ConfigMap", "kube-root-ca.crt"),
    ("ConfigMap", "openshift-service-ca.crt"),
}
_DERIVED_KINDS = {"Event", "Endpoints", "EndpointSlice"}


def is_foreign(item: Object) -> bool:
    """Whether an object in a namespace is somebody's, so that deleting the namespace would lose it.

    Not so: ours, what the cluster makes in every namespace, and what a controller would make again or has made from
    another object of the same namespace (that one counts).
    """
    metadata = item["metadata"]
    owners = metadata.get("ownerReferences") or []
    return not (
        (is_ours(item) and remembered(item) is None)
        or (item["kind"], metadata["name"]) in _CLUSTER_MADE
        or item["kind"] in _DERIVED_KINDS
        or any(owner.get("controller") for owner in owners)
    )


def foreign_objects(cluster: Cluster, kinds: Sequence[Resource], silent: Sequence[str], namespace: str) -> list[str]:
    """What stays of others in a namespace, such as 'PersistentVolumeClaim cache'; sorted."""
    found = {
        f"{item['kind']} {item['metadata']['name']}"
        for kind in kinds
        if kind.kind not in _DERIVED_KINDS
        for item in cluster.list(kind, namespace=namespace, metadata_only=True)
        if is_foreign(item)
    }
    unknown = {f"whatever is of {version} (that API does not answer)" for version in silent}
    return sorted(found | unknown)

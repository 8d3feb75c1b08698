"""What the SecurityContextConstraints of a cluster can say, by the schema that its API server publishes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster

GROUP_VERSION = "security.openshift.io/v1"
KIND = "SecurityContextConstraints"
FIELD = "userNamespaceLevel"
_KINDS = "x-kubernetes-group-version-kind"


def has_user_namespaces(document: Mapping[str, Any]) -> bool:
    """Whether SCCs have the field about user namespaces (OpenShift 4.20 and newer).

    Args:
        document: the OpenAPI v3 document of the group version, as `/openapi/v3/apis/security.openshift.io/v1` gives it.
    """
    schemas = document.get("components", {}).get("schemas", {}).values()
    return any(
        FIELD in schema.get("properties", {})
        for schema in schemas
        if any(entry.get("kind") == KIND for entry in schema.get(_KINDS, []))
    )


def user_namespaces(cluster: Cluster) -> bool:
    """Ask a cluster. Without the kind, or without OpenAPI v3 (before Kubernetes 1.24), the field is not there.

    Raises ApiError for another answer than 404, Unreachable for none.
    """
    try:
        what = f"read the schema of {GROUP_VERSION}"
        return has_user_namespaces(cluster.client.request("GET", f"/openapi/v3/apis/{GROUP_VERSION}", what=what).body)
    except ApiError as error:
        if error.status != 404:
            raise
        return False


def is_openshift(cluster: Cluster) -> bool:
    """Whether a cluster has SCCs at all. Raises ApiError for another answer than 404, Unreachable for none."""
    try:
        return KIND in cluster.resources(GROUP_VERSION)
    except ApiError as error:
        if error.status != 404:
            raise
        return False

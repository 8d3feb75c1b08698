"""What OpenShift puts into every namespace by itself, and makes again where it is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.scc_bindings import OPENSHIFT

# Empty ServiceAccounts for its own builds and deployments (openshift-controller-manager, pkg/cmd/controller/
# serviceaccount.go).
_ACCOUNTS = frozenset({"builder", "deployer"})
_DESCRIPTION = "openshift.io/description"
# On Secrets for its own registry, one for each ServiceAccount (pkg/internalregistry/controllers); the last two, up to
# OpenShift 4.15, on those that came in pairs.
_SECRETS = (
    ("openshift.io/internal-registry-auth-token.service-account", ""),
    ("openshift.io/token-secret.name", ""),
    ("kubernetes.io/created-by", "openshift.io/create-dockercfg-secrets"),
)


def made_by_openshift(item: Mapping[str, Any]) -> bool:
    """Whether an object of a namespace is one of these.

    Args:
        item: kind and metadata are enough.
    """
    name, annotations = item["metadata"]["name"], item["metadata"].get("annotations") or {}
    if item["kind"] == "Secret":
        return any(key in annotations and value in ("", annotations[key]) for key, value in _SECRETS)
    if item["kind"] == "RoleBinding":
        return name in OPENSHIFT and _DESCRIPTION in annotations
    return item["kind"] == "ServiceAccount" and name in _ACCOUNTS

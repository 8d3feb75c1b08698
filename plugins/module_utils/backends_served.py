"""What an API server serves of all that can enforce pod security or an allowlist, by discovery."""

from __future__ import annotations

from ansible_collections.buildkeep.ci.plugins.module_utils.backends import Served
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster
from ansible_collections.buildkeep.ci.plugins.module_utils.scc_served import user_namespaces

_KINDS = {
    "policies": ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"),
    "mutations": ("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicy"),
    "psp": ("policy/v1beta1", "PodSecurityPolicy"),
    "scc": ("security.openshift.io/v1", "SecurityContextConstraints"),
    "kyverno": ("kyverno.io/v1", "ClusterPolicy"),
    "gatekeeper": ("templates.gatekeeper.sh/v1", "ConstraintTemplate"),
}


def served(cluster: Cluster, version: tuple[int, int]) -> Served:
    """Ask an API server what it serves. Raises ApiError when discovery fails, Unreachable when it does not answer."""
    found = {name: _serves(cluster, *kind) for name, kind in _KINDS.items()}
    return Served(version, user_namespaces=found["scc"] and user_namespaces(cluster), **found)


def _serves(cluster: Cluster, api_version: str, kind: str) -> bool:
    try:
        return kind in cluster.resources(api_version)
    except ApiError as error:
        if error.status != 404:
            raise
        return False

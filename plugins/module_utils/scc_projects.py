"""Who may make projects on OpenShift, which become namespaces whatever the guard of tenants' names says.

A ProjectRequest, and the deletion of a Project, reach the API server as openshift-apiserver, a cluster administrator
(openshift/openshift-apiserver, pkg/project/apiserver/registry), so as somebody with the verb `manage`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster
from ansible_collections.buildkeep.ci.plugins.module_utils.scc_served import is_openshift

_ROLE = "self-provisioner"
_BINDING = "self-provisioners"


def warnings(bindings: Sequence[Mapping[str, Any]], prefix: str) -> list[str]:
    """One warning for each ClusterRoleBinding that lets somebody make projects, with the remedy.

    Args:
        bindings: ClusterRoleBindings.
        prefix: what the namespace of a tenant begins with.
    """
    return [
        _warning(binding, prefix) for binding in bindings if binding["roleRef"]["name"] == _ROLE and _subjects(binding)
    ]


def look(cluster: Cluster, prefix: str) -> list[str]:
    """Warn about a cluster; elsewhere than on OpenShift there is nothing to say."""
    if not is_openshift(cluster):
        return []
    return warnings(list(cluster.list(cluster.resource("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"))), prefix)


def _subjects(binding: Mapping[str, Any]) -> str:
    return ", ".join(f"{subject['kind']} {subject['name']}" for subject in binding.get("subjects") or [])


def _warning(binding: Mapping[str, Any], prefix: str) -> str:
    name = binding["metadata"]["name"]
    # The API server gives the one that OpenShift comes with its subjects back, unless it is told not to.
    kept = (
        f" and `oc annotate --overwrite clusterrolebinding {name} rbac.authorization.kubernetes.io/autoupdate=false`"
        if name == _BINDING
        else ""
    )
    return (
        f"cluster: the ClusterRoleBinding {name} lets {_subjects(binding)} make projects, which OpenShift does with "
        f"its own rights: they may take a name such as {prefix}NAME before a tenant has it, or once it is deleted, and "
        f"own that namespace. Take the subjects away with `oc patch clusterrolebinding {name} -p "
        "'{\"subjects\": null}'`" + kept
    )

"""Rights that somebody has already and that lead around the walls: read from the cluster, judged, put into words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import (
    preflight_admins,
    preflight_elsewhere,
    preflight_foreign,
    scc_projects,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster
from ansible_collections.buildkeep.ci.plugins.module_utils.names import LABEL_TENANT
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight_bindings import belongs

ARGUMENTS: dict[str, Any] = {
    "user": {"type": "str", "required": True},
    "elsewhere": {"type": "str", "required": True, "choices": ["refuse", "warn"]},
    "prefix": {"type": "str", "required": True},
    "tenants": {"type": "dict", "required": True},
    "verbs": {"type": "dict", "required": True},
}
_RBAC = "rbac.authorization.k8s.io/v1"


def reserved_warning(live: Sequence[Mapping[str, str]], tenants: Sequence[str], prefix: str) -> list[str]:
    """A warning about namespaces that only look like a tenant's.

    Args:
        live: for each namespace its labels, and its name under "".
        tenants: namespaces that this run makes tenants of.
        prefix: what a tenant's namespace begins with.
    """
    found = [one[""] for one in live if one[""].startswith(prefix) and LABEL_TENANT not in one]
    left = sorted(set(found) - set(tenants))
    if not left:
        return []
    return [
        f"cluster: {', '.join(left)}: begins with {prefix}, but is no tenant's namespace, so no wall stands there. "
        "Make it a tenant, or name it otherwise"
    ]


def look(cluster: Cluster, access: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Problems and warnings about rights that are there already.

    Args:
        cluster: to read and ask.
        access: `user` of the controller, `elsewhere` (refuse or warn), `prefix`, `tenants` (mode by namespace) and
            `verbs` (what the controller may hold, by resource).
    """
    user, tenants = access["user"], access["tenants"]
    enforced = {namespace for namespace, mode in tenants.items() if mode == "enforce"}
    live = [
        {**(item["metadata"].get("labels") or {}), "": item["metadata"]["name"]}
        for item in cluster.list(cluster.resource("v1", "Namespace"), metadata_only=True)
    ]
    names = preflight_elsewhere.foreign_namespaces(live, list(tenants), user.split(":")[2])
    # All are listed, which costs less than a request for each namespace.
    all_bindings, all_roles, cluster_roles, cluster_bindings = (
        list(cluster.list(cluster.resource(_RBAC, kind)))
        for kind in ("RoleBinding", "Role", "ClusterRole", "ClusterRoleBinding")
    )
    bound = preflight_foreign.bound(all_bindings, [*all_roles, *cluster_roles], user)
    admins = preflight_admins.admins(all_bindings, cluster_bindings, [*all_roles, *cluster_roles], user)
    outside = preflight_elsewhere.problem(user, preflight_elsewhere.find(cluster, user, names, list(tenants), bound))
    problems = [outside] if outside and enforced and access["elsewhere"] == "refuse" else []
    warnings = [outside] if outside and not problems else []
    bindings = [one for one in all_bindings if one["metadata"]["namespace"] in tenants and not belongs(one)]
    roles = [one for one in all_roles if one["metadata"]["namespace"] in tenants]
    foreign = preflight_foreign.find(roles, bindings, user, access["verbs"])
    grave = [one for one in foreign if one.grave and one.namespace in enforced]
    problems += preflight_foreign.sentences(grave)
    warnings += preflight_foreign.sentences([one for one in foreign if one not in grave])
    warnings += preflight_admins.warning(admins, user.split(":")[2])
    warnings += reserved_warning(live, list(tenants), access["prefix"])
    return problems, warnings + scc_projects.look(cluster, access["prefix"])

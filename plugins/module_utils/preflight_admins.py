"""Who is administrator of Jenkins by what they may do beside the controller, found in the RBAC objects.

A pod in the controller's namespace can mount its home, its Secrets and the token of its ServiceAccount.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.preflight import Right
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight_elsewhere import gives
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight_foreign import subject_name
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight_questions import EVERYTHING

Object = Mapping[str, Any]
# By the words for it: what makes somebody administrator of Jenkins.
WAYS: Mapping[str, tuple[Right, ...]] = {
    "create pods": (
        Right("create", "", "pods"),
        *(Right("create", "apps", kind) for kind in ("deployments", "statefulsets", "daemonsets", "replicasets")),
        *(Right("create", "batch", kind) for kind in ("jobs", "cronjobs")),
        Right("create", "", "replicationcontrollers"),
    ),
    "read Secrets": tuple(Right(verb, "", "secrets") for verb in ("get", "list", "watch")),
    "run commands in pods": (
        *(Right(verb, "", "pods/exec") for verb in ("create", "get")),
        *(Right(verb, "", "pods/attach") for verb in ("create", "get")),
        *(Right(verb, "", "pods/ephemeralcontainers") for verb in ("patch", "update")),
    ),
    "take tokens of ServiceAccounts": (Right("create", "", "serviceaccounts/token"),),
}
# Of the cluster itself, but for the groups that strangers are in.
_EVERYBODY = ("system:authenticated", "system:unauthenticated", "system:serviceaccounts", "system:anonymous")
_ACCOUNT = "system:serviceaccount:"
_OF_CLUSTER = (f"{_ACCOUNT}kube-system:", f"{_ACCOUNT}openshift-")
_GROUP = "Group "
_SHOWN = 10


def admins(
    bindings: Sequence[Object], cluster_bindings: Sequence[Object], roles: Sequence[Object], user: str
) -> dict[str, list[str]]:
    """Find who may do what makes them administrator of Jenkins, and is not of the cluster.

    Left out are the controller itself, the cluster's own components, and whoever may do everything everywhere. A rule
    with `resourceNames` counts for nothing. What another authorizer allows, such as a cloud's IAM, is in no object.

    Args:
        bindings: RoleBindings of all namespaces.
        cluster_bindings: ClusterRoleBindings.
        roles: all Roles and ClusterRoles.
        user: of the controller, `system:serviceaccount:<namespace>:<name>`.

    Returns:
        by subject, the keys of WAYS; both sorted.
    """
    own = user.split(":")[2]
    rules = {(one["metadata"].get("namespace", ""), one["metadata"]["name"]): one.get("rules") or [] for one in roles}
    found: dict[str, set[str]] = {}
    masters: set[str] = set()
    for binding in (*cluster_bindings, *(one for one in bindings if one["metadata"]["namespace"] == own)):
        namespace = binding["metadata"].get("namespace", "")
        reference = binding["roleRef"]
        given = rules.get((namespace if reference["kind"] == "Role" else "", reference["name"]), [])
        subjects = [subject_name(subject, namespace) for subject in binding.get("subjects") or []]
        if not namespace and any(gives(rule, EVERYTHING) for rule in given):
            masters |= set(subjects)
        ways = set(_ways(given))
        for subject in subjects if ways else ():
            found.setdefault(subject, set()).update(ways)
    left = {subject for subject in found if subject not in masters and subject != user and not _of_cluster(subject)}
    return {subject: sorted(found[subject]) for subject in sorted(left)}


def _ways(rules: Sequence[Object]) -> Iterator[str]:
    unnamed = [rule for rule in rules if not rule.get("resourceNames")]
    return (words for words, rights in WAYS.items() if any(gives(rule, right) for rule in unnamed for right in rights))


def _of_cluster(subject: str) -> bool:
    name = subject.removeprefix(_GROUP)
    if name.startswith(_EVERYBODY):  # with `system:serviceaccounts:<namespace>`
        return False
    return name.startswith("system:") and (not name.startswith(_ACCOUNT) or name.startswith(_OF_CLUSTER))


def warning(found: Mapping[str, Sequence[str]], namespace: str) -> list[str]:
    """One sentence, or none: who they are, what they may do, and the remedy.

    Args:
        found: what `admins` gives.
        namespace: of the controller.
    """
    by_ways: dict[str, list[str]] = {}
    for subject, ways in found.items():
        by_ways.setdefault(", ".join(ways), []).append(subject)
    if not by_ways:
        return []
    told = [f"{_some(subjects)} may {ways}" for ways, subjects in by_ways.items()]
    return [
        f"controller: in namespace {namespace} {'; '.join(told)}: each of that is as good as administering Jenkins, "
        "and with it every tenant. Give these rights to nobody who is no administrator of Jenkins; who has them by "
        "which binding tells `kubectl get rolebindings,clusterrolebindings -A -o wide`"
    ]


def _some(subjects: Sequence[str]) -> str:
    more = f" and {len(subjects) - _SHOWN} more" if len(subjects) > _SHOWN else ""
    return ", ".join(subjects[:_SHOWN]) + more

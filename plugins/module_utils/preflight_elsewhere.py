"""What the controller may do in namespaces that are no tenants, where no wall stands.

A Jenkinsfile names the namespace of its pod, and the controller creates it there if it may.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster, parallel
from ansible_collections.buildkeep.ci.plugins.module_utils.names import LABEL_TENANT
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight import Right
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight_questions import (
    CLUSTER_WIDE,
    EVERYTHING,
    FURTHER,
    TELLING,
    manage,
)

_REVIEW = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
# What the controller's own Role is often for: its credentials provider reads Secrets beside it. With no right to create
# pods there, no Jenkinsfile comes near them.
_OWN = frozenset({"secrets"})
_SHOWN = 10

Finding = tuple[Right, str]
Rules = Mapping[str, Sequence[Mapping[str, Any]]]


def real_groups(user: str) -> tuple[str, ...]:
    """The groups that the API server gives a ServiceAccount (`system:serviceaccount:<namespace>:<name>`)."""
    namespace = user.split(":")[2]
    return "system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"


def foreign_namespaces(live: Sequence[Mapping[str, str]], tenants: Sequence[str], own: str) -> list[str]:
    """Name the namespaces without walls, the controller's own first.

    Args:
        live: for each namespace its labels, and its name under "".
        tenants: namespaces that this run makes tenants of.
        own: the controller's namespace.
    """
    found = [one[""] for one in live if LABEL_TENANT not in one and one[""] not in tenants]
    return sorted(found, key=lambda name: (name != own, name))


def gives(rule: Mapping[str, Any], right: Right) -> bool:
    """Whether a rule of a Role is about this right (component-helpers, auth/rbac/validation/policy_comparator.go).

    Args:
        rule: PolicyRule; one of `resourceNames` gives nothing without a name, which only the API server judges.
        right: its namespace does not matter.
    """
    _, slash, subresource = right.resource.partition("/")
    wanted = {"*", right.resource, f"*/{subresource}" if slash else ""}
    return (
        not {"*", right.verb}.isdisjoint(rule.get("verbs") or ())
        and not {"*", right.group}.isdisjoint(rule.get("apiGroups") or ())
        and not wanted.isdisjoint(rule.get("resources") or ())
    )


def questions(namespaces: Sequence[str], own: str, everywhere: Sequence[Right], bound: Rules) -> list[Right]:
    """List what is still to be asked, once the rights that hold in all namespaces are known.

    Args:
        namespaces: those without walls.
        own: the controller's.
        everywhere: rights that hold in all namespaces.
        bound: rules that RoleBindings give to the controller, see preflight_foreign.bound(). In most clusters they are
            few and harmless, so what no rule is about is not asked; the API server decides about the rest.
    """
    return [
        replace(right, namespace=namespace)
        for namespace in namespaces
        for right in (*TELLING, *_given(bound.get(namespace, ())))
        if right not in everywhere and not (namespace == own and right.resource in _OWN)
    ]


def _given(rules: Sequence[Mapping[str, Any]]) -> list[Right]:
    return [right for right in FURTHER if any(gives(rule, right) for rule in rules)]


def ask(cluster: Cluster, user: str, right: Right) -> str:
    """Why somebody has a right, in the API server's words ('RBAC: allowed by ...'); empty where they do not have it."""
    spec = {"user": user, "groups": list(real_groups(user)), "resourceAttributes": right.attributes}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    answer = cluster.client.request("POST", _REVIEW, body, what=f"ask whether {user} may {right.verb} {right.target}")
    status = answer.body["status"]
    return str(status.get("reason") or "allowed") if status.get("allowed") else ""


def _granted(cluster: Cluster, user: str, rights: Sequence[Right]) -> list[Finding]:
    reasons = parallel(lambda right: ask(cluster, user, right), rights)
    return [(right, reason) for right, reason in zip(rights, reasons, strict=True) if reason]


def find(cluster: Cluster, user: str, namespaces: Sequence[str], tenants: Sequence[str], bound: Rules) -> list[Finding]:
    """The rights that the controller has outside of tenants, and on the cluster as a whole, each with the reason.

    Args:
        cluster: to ask.
        user: `system:serviceaccount:<namespace>:<name>`.
        namespaces: what foreign_namespaces() gives.
        tenants: namespaces of tenants.
        bound: what preflight_foreign.bound() gives.
    """
    if whole := _granted(cluster, user, [EVERYTHING]):
        return whole
    everywhere = _granted(cluster, user, [*TELLING, *FURTHER, *CLUSTER_WIDE])
    known = [right for right, _ in everywhere]
    single = [] if CLUSTER_WIDE[0] in known else manage(tenants)
    left = questions(namespaces, user.split(":")[2], known, bound)
    return everywhere + _granted(cluster, user, [*single, *left])


def _place(right: Right) -> str:
    if right.namespace:
        return f"in namespace {right.namespace}"
    return "in all namespaces" if right in (EVERYTHING, *TELLING, *FURTHER) else "in the cluster"


def _words(rights: Sequence[Right]) -> Iterator[str]:
    """Rights in words, those that are alike but for the verb as one."""
    if EVERYTHING in rights:
        return iter(["do everything"])
    verbs: dict[str, list[str]] = {}
    for right in rights:
        named = f' "{right.name}"' if right.name else ""
        verbs.setdefault(right.resource + named, []).append(right.verb)
    return (f"{'/'.join(given)} {target}" for target, given in verbs.items())


def _listed(texts: Sequence[str], between: str) -> str:
    more = f"{between}and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return between.join(texts[:_SHOWN]) + more


def problem(user: str, findings: Sequence[Finding]) -> str:
    """One sentence that names rights, places, reasons and remedy; empty where there is no finding."""
    places: dict[tuple[str, str], list[Right]] = {}
    for right, reason in findings:
        places.setdefault((_place(right), reason), []).append(right)
    if not places:
        return ""
    found = [f"{_listed(list(_words(rights)), ', ')} {place} ({reason})" for (place, reason), rights in places.items()]
    return (
        f"controller: {user} may {_listed(found, '; ')}: a Jenkinsfile may name any namespace, so these "
        "rights lead around every wall. Take the bindings away (the Jenkins chart's with `rbac.create: false`, and "
        "give its side-car a Role as in docs/operations.md), or, while agents still run there, accept them with "
        "`buildkeep_controller_elsewhere: warn`"
    )

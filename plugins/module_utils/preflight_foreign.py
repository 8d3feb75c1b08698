"""Roles and RoleBindings found in tenants' namespaces that the policies about them would not let in today.

Policies judge requests, not what is there already. Pure functions; the rules are those of the two policies
(roles/pod_security/templates/roles.yaml.j2 and rolebindings.yaml.j2).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.names import CANARY_GROUP, CANARY_ROLE, CONTROLLER_ROLE
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight_elsewhere import real_groups

Object = Mapping[str, Any]
Verbs = Mapping[str, Sequence[str]]
# This run writes the objects of these names anew.
OURS = frozenset({CONTROLLER_ROLE, CANARY_ROLE})
_GROUP = "Group "


@dataclass(frozen=True)
class Foreign:
    """One object that does not belong there. `grave`: it gives the controller, or anybody at all, a way around."""

    namespace: str
    text: str
    grave: bool


def subject_name(subject: Mapping[str, str], namespace: str) -> str:
    """A subject of a RoleBinding as one text: a user's name, or `Group` and the group's."""
    if subject["kind"] == "ServiceAccount":
        return f"system:serviceaccount:{subject.get('namespace') or namespace}:{subject['name']}"
    return subject["name"] if subject["kind"] == "User" else f"{subject['kind']} {subject['name']}"


def bound(bindings: Sequence[Object], roles: Sequence[Object], controller: str) -> dict[str, list[Object]]:
    """The rules that RoleBindings give to the controller or one of its groups, by namespace.

    Args:
        bindings: RoleBindings of all namespaces.
        roles: all Roles and ClusterRoles; those of no namespace are ClusterRoles.
        controller: its user name.
    """
    names = {controller, *(_GROUP + group for group in real_groups(controller))}
    rules = {(role["metadata"].get("namespace", ""), role["metadata"]["name"]): role.get("rules") for role in roles}
    found: dict[str, list[Object]] = {}
    for binding in bindings:
        namespace, reference = binding["metadata"]["namespace"], binding["roleRef"]
        if names & {subject_name(subject, namespace) for subject in binding.get("subjects") or []}:
            key = (namespace if reference["kind"] == "Role" else "", reference["name"])
            found.setdefault(namespace, []).extend(rules.get(key) or [])
    return found


def excess(rules: Sequence[Mapping[str, Any]], verbs: Verbs) -> list[str]:
    """What rules of a Role give beyond the verbs allowed on each resource, as `verbs resources`."""
    return [
        f"{' '.join(rule['verbs'])} {' '.join(rule.get('resources') or rule.get('nonResourceURLs') or [])}".strip()
        for rule in rules
        if rule.get("apiGroups") != [""]
        or any(
            resource not in verbs or not set(rule["verbs"]) <= set(verbs[resource])
            for resource in rule.get("resources") or []
        )
    ]


def find(roles: Sequence[Object], bindings: Sequence[Object], controller: str, verbs: Verbs) -> list[Foreign]:
    """Judge what is in tenants' namespaces.

    Args:
        roles: Roles of these namespaces.
        bindings: RoleBindings of these namespaces.
        controller: its user name, `system:serviceaccount:<namespace>:<name>`.
        verbs: what the controller may hold, by resource.
    """
    too_much = {
        (role["metadata"]["namespace"], role["metadata"]["name"]): excess(role.get("rules") or [], verbs)
        for role in roles
        if role["metadata"]["name"] not in OURS
    }
    found = [one for binding in bindings for one in _of_binding(binding, controller, too_much)]
    return found + [
        Foreign(namespace, f"Role {name} gives {', '.join(wrong)}", False)
        for (namespace, name), wrong in too_much.items()
        if wrong
    ]


def _of_binding(
    binding: Object, controller: str, too_much: Mapping[tuple[str, str], Sequence[str]]
) -> Iterator[Foreign]:
    name, namespace = binding["metadata"]["name"], binding["metadata"]["namespace"]
    reference = binding["roleRef"]
    if name in OURS:
        return
    is_role = reference["kind"] == "Role"
    fits = is_role and reference["name"] != CANARY_ROLE and not too_much.get((namespace, reference["name"]))
    subjects = [subject_name(subject, namespace) for subject in binding.get("subjects") or []]
    wrong = [subject for subject in subjects if not (fits and subject == controller)]
    if wrong:
        text = f"RoleBinding {name} gives {reference['kind']} {reference['name']} to {', '.join(wrong)}"
        yield Foreign(namespace, text, bool(_anybody(controller) & set(wrong)))


def _anybody(controller: str) -> frozenset[str]:
    """The controller, and groups that it, or everybody, belongs to."""
    groups = (*real_groups(controller), "system:unauthenticated", CANARY_GROUP)
    return frozenset({controller, "system:anonymous", *(_GROUP + group for group in groups)})


def sentences(found: Sequence[Foreign]) -> list[str]:
    """One sentence for each namespace, with the remedy."""
    by_namespace: dict[str, list[str]] = {}
    for one in found:
        by_namespace.setdefault(one.namespace, []).append(one.text)
    return [
        f"tenant's namespace {namespace}: {'; '.join(texts)}: rights that the policies would not let in now were there "
        f"before. Delete them with `kubectl -n {namespace} delete role,rolebinding NAME`"
        for namespace, texts in by_namespace.items()
    ]

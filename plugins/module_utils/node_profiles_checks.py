"""Builders, and ways to give nodes their profiles, that cannot work in certain clusters.

They are written down by conditions() as plain data, for the task that has asked the cluster, and judged there by
cluster_problems(). What the inventory alone tells is in node_profiles_ways.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.backends import ADMISSION, SCC, Backend
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles import needing
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles_ways import (
    DAEMONSET,
    INSTALLED,
    OVER_CONNECTION,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings

# Pods have the field from here on; before, an annotation said it (KEP-24).
APPARMOR_SINCE = (1, 30)


@dataclass(frozen=True)
class Condition:
    """A problem of an inventory in certain clusters: those for which all that is given here holds.

    Attributes:
        text: the problem, with field and remedy.
        policies: whether ValidatingAdmissionPolicies are used, where it matters.
        backends: names of backends; any where there is none.
        before: the first Kubernetes version without the problem, or (0, 0).
        user_namespaces: only where SecurityContextConstraints know user namespaces.
    """

    text: str
    policies: bool | None = None
    backends: tuple[str, ...] = ()
    before: tuple[int, int] = (0, 0)
    user_namespaces: bool = False

    def holds(self, backend: Backend, version: tuple[int, int]) -> bool:
        """Whether it is a problem in a cluster."""
        return (
            self.policies in (None, backend.policies)
            and (not self.backends or backend.name in self.backends)
            and (self.before == (0, 0) or version < self.before)
            and (not self.user_namespaces or backend.user_namespaces)
        )


def conditions(settings: Settings) -> list[dict[str, Any]]:
    """Give what would be a problem of this inventory in some clusters, as plain data for cluster_problems()."""
    return [vars(one) for find in (_daemonset, _unconfined, _escalation, _apparmor) for one in find(settings)]


def legacy(settings: Settings) -> list[str]:
    """Warn of each tenant's builders that nobody maintains any more."""
    builders = settings.profiles.builders
    return [
        f"buildkeep_tenants: {tenant.name}.builders: {name}: {builders[name].legacy}"
        for tenant in settings.present
        for name in tenant.builders
        if name in builders and builders[name].legacy
    ]


def unheld(settings: Settings) -> list[str]:
    """Warn of tenants where a break-glass group is held by nothing: Pod Security is `privileged` there."""
    return [
        f"buildkeep_break_glass: {tenant.name} has `seccomp: unconfined`, where Pod Security holds nothing: "
        f"members of {settings.break_glass} can make pods there that own the node"
        for tenant in settings.present
        if settings.break_glass and tenant.pss_level == "privileged"
    ]


def cluster_problems(found: Sequence[Mapping[str, Any]], backend: Backend, version: tuple[int, int]) -> list[str]:
    """Give the problems of an inventory in this cluster; `found` is what conditions() gave, as JSON keeps it."""
    fixed = [{**one, "backends": tuple(one["backends"]), "before": tuple(one["before"])} for one in found]
    return [one["text"] for one in fixed if Condition(**one).holds(backend, version)]


def _daemonset(settings: Settings) -> Iterator[Condition]:
    if settings.node_profiles != DAEMONSET or not needing(settings):
        return
    remedy = f"Set it to {OVER_CONNECTION} or {INSTALLED}"
    fence = "only ValidatingAdmissionPolicies (Kubernetes 1.30 and newer) can fence pods that write to nodes"
    yield Condition(f"buildkeep_node_profiles: {DAEMONSET}: {fence}. {remedy}.", policies=False)
    text = "OpenShift's SELinux lets no pod write to the kubelet's folder that is not privileged"
    operators = "the Security Profiles Operator or a MachineConfig can see to it"
    known = Condition(f"buildkeep_node_profiles: {DAEMONSET}: {text}. {remedy}; {operators}.", backends=(SCC,))
    yield replace(known, policies=True)


def _unconfined(settings: Settings) -> Iterator[Condition]:
    for tenant in settings.present:
        builders = settings.profiles.builders
        free = [
            name for name in tenant.builders if name in builders and builders[name].seccomp.startswith("Localhost/")
        ]
        if tenant.seccomp != "unconfined" or not free:
            continue
        text = (
            f"buildkeep_tenants: {tenant.name}.seccomp: unconfined ({', '.join(free)}): only the backend {ADMISSION} "
            "still holds all else about such a pod. Leave it out, and set buildkeep_node_profiles"
        )
        yield Condition(f"{text}.", backends=("psp", "psa", SCC))


def _escalation(settings: Settings) -> Iterator[Condition]:
    for tenant in settings.present:
        for name in tenant.builders:
            profile = settings.profiles.builders.get(name)
            if profile and profile.allow_privilege_escalation and not profile.user_namespace:
                others = [one.name for one in settings.profiles.builders.values() if one.user_namespace]
                text = (
                    f"buildkeep_tenants: {tenant.name}.builders: {name} gains privileges by setuid programs, for which "
                    "OpenShift 4.20 and newer wants a user namespace, and it cannot live in one of 65,536 ids"
                )
                yield Condition(f"{text}. Take {' or '.join(others)}.", backends=(SCC,), user_namespaces=True)


def _apparmor(settings: Settings) -> Iterator[Condition]:
    if settings.apparmor:
        oldest = ".".join(map(str, APPARMOR_SINCE))
        text = f"buildkeep_apparmor: pods can name a profile by a field from Kubernetes {oldest} on. Leave it out"
        yield Condition(f"{text}.", before=APPARMOR_SINCE)

"""The ways in which profiles reach nodes, and what of an inventory's choice cannot work in any cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from ansible_collections.buildkeep.ci.plugins.module_utils.schema import Problem
from ansible_collections.buildkeep.ci.plugins.module_utils.tenants import DEFAULT_BUILDERS

NONE, DAEMONSET, OVER_CONNECTION, INSTALLED = "none", "daemonset", "connection", "installed"
_WAYS = (
    f"Set buildkeep_node_profiles to {DAEMONSET} (a DaemonSet puts it there; Kubernetes 1.30 and newer), "
    f"{OVER_CONNECTION} (over SSH, to the hosts of the group buildkeep_nodes) or {INSTALLED} (you see to it), or write "
    "`seccomp: unconfined` for this tenant."
)


class Subject(Protocol):
    """An inventory under examination, as settings_checks has it."""

    @property
    def table(self) -> Mapping[str, Any]:
        """The profile table."""

    def get(self, key: str, default: Any) -> Any:
        """Return a variable where it is sound, else the default."""

    def tenants(self, key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield path and entry of each tenant whose `key` is sound."""


def way_problems(subject: Subject) -> Iterator[Problem]:
    """Find builders whose profiles reach no node, and AppArmor profiles that nobody loads."""
    way, builders = subject.get("node_profiles", INSTALLED), subject.table["builders"]
    for path, entry in subject.tenants("builders"):
        if way != NONE or entry.get("seccomp") == "unconfined" or entry.get("state") == "absent":
            continue
        for place, builder in enumerate(entry.get("builders", DEFAULT_BUILDERS)):
            if builders.get(builder, {}).get("seccompProfile") == "Localhost":
                text = f'"{builder}" needs a seccomp profile on the nodes, and buildkeep_node_profiles is {NONE}'
                yield Problem(f"{path}.builders[{place}]", text, _WAYS)
    if subject.get("apparmor", False) and way not in (OVER_CONNECTION, INSTALLED):
        text = f"is true, and with buildkeep_node_profiles {way} nobody loads AppArmor profiles on the nodes"
        remedy = f"Set buildkeep_node_profiles to {OVER_CONNECTION} or {INSTALLED}, or leave it out."
        yield Problem("apparmor", text, remedy)

"""The ways in which profiles reach nodes, and what of an inventory's choice cannot work in any cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.schema import Problem

NONE, DAEMONSET, OVER_CONNECTION, INSTALLED = "none", "daemonset", "connection", "installed"
_WAYS = (
    f"Set buildkeep_node_profiles to {DAEMONSET} (a DaemonSet puts it there; Kubernetes 1.30 and newer), "
    f"{OVER_CONNECTION} (over SSH, to the hosts of the group buildkeep_nodes) or {INSTALLED} (you see to it), or write "
    "`seccomp: unconfined` for this tenant."
)


def way_problems(
    tenants: Sequence[tuple[str, Mapping[str, Any]]],
    table: Mapping[str, Any],
    default_builders: Sequence[str],
    *,
    way: str = NONE,
    apparmor: bool = False,
    hosts: Sequence[str] | None = None,
) -> Iterator[Problem]:
    """Find builders whose profiles reach no node, and AppArmor profiles that nobody loads.

    Args:
        tenants: path and entry of each tenant whose `builders` have the right form.
        table: the profile table, `profiles.yaml`.
        default_builders: those of tenants that name none.
        way: `buildkeep_node_profiles`.
        apparmor: `buildkeep_apparmor`.
        hosts: the cluster's nodes in the inventory; None where that is not known.
    """
    for path, entry in tenants:
        if way != NONE or entry.get("seccomp") == "unconfined" or entry.get("state") == "absent":
            continue
        for place, builder in enumerate(entry.get("builders", default_builders)):
            if table["builders"].get(builder, {}).get("seccompProfile") == "Localhost":
                field = f"{path}.builders[{place}]" if "builders" in entry else f"{path}.builders"
                text = f'"{builder}" needs a seccomp profile on the nodes, and buildkeep_node_profiles is {NONE}'
                yield Problem(field, text, _WAYS)
    if apparmor and way not in (OVER_CONNECTION, INSTALLED):
        text = f"is true, and by buildkeep_node_profiles {way} nobody loads AppArmor profiles on the nodes"
        yield Problem(
            "apparmor", text, f"Set buildkeep_node_profiles to {OVER_CONNECTION} or {INSTALLED}, or leave it out."
        )
    if way == OVER_CONNECTION and hosts is not None and not hosts:
        text = f"is {OVER_CONNECTION}, and the inventory has no group buildkeep_nodes with a host in it"
        yield Problem("node_profiles", text, "List the cluster's nodes in that group, or take another way.")

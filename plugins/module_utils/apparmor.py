"""AppArmor profiles of builders: one template, and the rules that a builder's further system calls need.

On a node with AppArmor a container without a profile of its own runs under its runtime's, which forbids every mount. A
source holds a placeholder for the profile's name, since that is made of a hash of the source.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

CHART = Path(__file__).resolve().parents[2] / "charts" / "agent-templates"
NAME = "@NAME@"
_BUILDER, _RULES = "@BUILDER@", "@RULES@"
# AppArmor's rules for a system call that seccomp alone decides elsewhere (apparmor.d(5), MOUNT and PIVOT_ROOT RULES).
_ALLOWED: Mapping[str, tuple[str, ...]] = {
    "mount": ("mount,", "remount,"),
    "pivot_root": ("pivot_root,",),
    "umount2": ("umount,",),
}


def load_template(chart_dir: Path | None = None) -> str:
    """Read the template of all sources; of the collection's own chart where `chart_dir` is None."""
    return ((chart_dir or CHART) / "apparmor" / "template.txt").read_text(encoding="utf-8")


def allowed(system_calls: Iterable[str]) -> tuple[str, ...]:
    """Name the rules that these system calls need, keys of the table's `systemCalls`."""
    calls = {key.partition(" ")[0] for key in system_calls}
    return tuple(rule for call, rules in _ALLOWED.items() if call in calls for rule in rules)


def apparmor_source(builder: str, template: str, system_calls: Iterable[str]) -> str:
    """Write the source of a builder's profile, in which `@NAME@` stands for its name.

    Args:
        builder: its name.
        template: see `load_template`.
        system_calls: the keys of the table's `systemCalls`.

    Raises:
        BuildkeepError: for a builder none of whose calls AppArmor has a say in: the runtime's own profile is narrower.
    """
    rules = allowed(system_calls)
    if not rules:
        raise BuildkeepError(
            [f"profiles.yaml: builders.{builder}.appArmorProfile: it mounts nothing; write RuntimeDefault"]
        )
    return template.replace(_BUILDER, builder).replace(_RULES, "\n".join(f"  {rule}" for rule in rules))


def profile_name(builder: str, source: str) -> str:
    """Name the profile as nodes and pods know it, after its source, so that a change never alters a loaded one."""
    return f"buildkeep-{builder}-{hashlib.sha256(source.encode()).hexdigest()[:12]}"


def named(builder: str, source: str) -> str:
    """Write the profile as a node loads it, with its name in it."""
    return source.replace(NAME, profile_name(builder, source))

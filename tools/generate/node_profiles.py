"""The seccomp and AppArmor profiles for nodes, from the base list, the template and the profile table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from ansible_collections.buildkeep.ci.plugins.module_utils import apparmor, seccomp

from tools.generate.roles import load


def files(chart: Path) -> Mapping[Path, Callable[[], str]]:
    """Every file that is generated as a whole, and what makes its text."""
    table = load(chart / "profiles.yaml")["builders"]
    base, template = seccomp.load_base(chart), apparmor.load_template(chart)
    made: dict[Path, Callable[[], str]] = {}
    for name, entry in table.items():
        calls = entry.get("systemCalls", {})
        if entry["seccompProfile"] == "Localhost":
            made[chart / "seccomp" / f"{name}.json"] = partial(_seccomp, name, base, calls)
        if entry.get("appArmorProfile") == "Localhost":
            made[chart / "apparmor" / f"{name}.profile"] = partial(apparmor.apparmor_source, name, template, calls)
    return made


def _seccomp(name: str, base: Mapping[str, object], system_calls: Mapping[str, str]) -> str:
    return seccomp.seccomp_text(seccomp.seccomp_profile(name, base, system_calls))

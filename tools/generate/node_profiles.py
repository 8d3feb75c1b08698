"""The seccomp profiles for nodes, from the base list and the profile table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from ansible_collections.buildkeep.ci.plugins.module_utils import seccomp

from tools.generate.roles import load


def files(chart: Path) -> Mapping[Path, Callable[[], str]]:
    """Every file that is generated as a whole, and what makes its text."""
    table = load(chart / "profiles.yaml")["builders"]
    localhost = {name: entry for name, entry in table.items() if entry["seccompProfile"] == "Localhost"}
    base = seccomp.load_base(chart)
    return {
        chart / "seccomp" / f"{name}.json": partial(_seccomp, name, base, entry["systemCalls"])
        for name, entry in localhost.items()
    }


def _seccomp(name: str, base: Mapping[str, object], system_calls: Mapping[str, str]) -> str:
    return seccomp.seccomp_text(seccomp.seccomp_profile(name, base, system_calls))

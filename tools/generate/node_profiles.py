"""The seccomp and AppArmor profiles for nodes, from base list, template and profile table; and the page about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import apparmor, seccomp

from tools.generate.markdown import code, table
from tools.generate.roles import load

TITLE = "Seccomp and AppArmor profiles on the nodes"


def files(chart: Path) -> Mapping[Path, Callable[[], str]]:
    """Every file that is generated as a whole, and what makes its text."""
    builders = load(chart / "profiles.yaml")["builders"]
    base, template = seccomp.load_base(chart), apparmor.load_template(chart)
    made: dict[Path, Callable[[], str]] = {}
    for name, entry in builders.items():
        calls = entry.get("systemCalls", {})
        if entry["seccompProfile"] == "Localhost":
            made[chart / "seccomp" / f"{name}.json"] = partial(_seccomp, name, base, calls)
        if entry.get("appArmorProfile") == "Localhost":
            made[chart / "apparmor" / f"{name}.profile"] = partial(apparmor.apparmor_source, name, template, calls)
    return made


def _seccomp(name: str, base: Mapping[str, object], system_calls: Mapping[str, str]) -> str:
    return seccomp.seccomp_text(seccomp.seccomp_profile(name, base, system_calls))


def page(chart: Path) -> str:
    """Which further system calls each builder has, and the rules that AppArmor's profiles take from them."""
    builders = load(chart / "profiles.yaml")["builders"]
    calls = {name: entry["systemCalls"] for name, entry in builders.items() if entry["seccompProfile"] == "Localhost"}
    base = seccomp.load_base(chart)["syscalls"]
    plain = sum(len(rule["names"]) for rule in base if rule["action"] == "SCMP_ACT_ALLOW" and not rule.get("args"))
    rules = {name: apparmor.allowed(entries) for name, entries in calls.items()}
    return "\n\n".join(
        (
            f"The base list allows {plain} system calls whatever their arguments, and {_filtered(base)} for some.",
            table(("further system call", *calls, "needed because"), _rows(calls)),
            table(("AppArmor, beyond files, networks and capabilities", *rules), _rows_of_rules(rules)),
        )
    )


def _filtered(base: list[dict[str, Any]]) -> str:
    names = dict.fromkeys(name for rule in base if rule.get("args") for name in rule["names"])
    return ", ".join(code(name) for name in names)


def _rows(calls: Mapping[str, Mapping[str, str]]) -> list[tuple[str, ...]]:
    return [
        (code(key), *("yes" if key in entries else "" for entries in calls.values()), _reasons(key, calls))
        for key in sorted({key for entries in calls.values() for key in entries})
    ]


def _reasons(key: str, calls: Mapping[str, Mapping[str, str]]) -> str:
    """The reason; where builders have reasons of their own, with their names."""
    names: dict[str, list[str]] = {}
    for name, entries in calls.items():
        if key in entries:
            names.setdefault(entries[key], []).append(name)
    return (
        "; ".join(f"{', '.join(who)}: {reason}" for reason, who in names.items())
        if len(names) > 1
        else next(iter(names))
    )


def _rows_of_rules(rules: Mapping[str, tuple[str, ...]]) -> list[tuple[str, ...]]:
    every = dict.fromkeys(rule for given in rules.values() for rule in given)
    return [(code(rule), *("yes" if rule in given else "" for given in rules.values())) for rule in every]

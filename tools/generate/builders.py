"""The page of builder profiles: every right of each builder with its reason, and what else its template has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import CHART, load_profiles

from tools.generate.markdown import code, table
from tools.generate.roles import load

INTRO = (
    "What each builder needs from the kernel, from `charts/agent-templates/profiles.yaml`. It holds only in a "
    "tenant that lists the builder, for that image, under that ServiceAccount, in that one container. Every "
    "other container of the pod meets the Pod Security Standard `restricted`."
)
# Fields of a profile that take a right, what the right is called, and by which value it is not taken.
RIGHTS: Mapping[str, tuple[str, Any]] = {
    "allowPrivilegeEscalation": ("privilege escalation", False),
    "seccompProfile": ("a seccomp profile of its own", "RuntimeDefault"),
    "runAsUser": ("user 0", None),
}
_UNPUBLISHED = (
    "none is published: `buildkeep_builders.{name}.image` must name one ([how to make it](../../images/README.md))"
)


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _rights(profile: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Rows (right, reason): rights by fields, then capabilities, then system calls."""
    why = profile.get("why") or {}
    for field, (right, harmless) in RIGHTS.items():
        if field in why and profile[field] != harmless:
            yield right, why[field]
    for capability, reason in (profile.get("capabilities") or {}).items():
        yield f"capability {code(capability)}", reason
    for call, reason in (profile.get("systemCalls") or {}).items():
        yield f"system call {code(call)}", reason


def _settings(name: str, profile: Mapping[str, Any], level: str) -> Iterator[tuple[str, str]]:
    """Rows (setting, value) of what its template has."""
    yield "Pod Security", level
    yield "image", code(profile["image"]) if profile["image"] else _UNPUBLISHED.format(name=name)
    yield "user", f"{profile['runAsUser']}:{profile['runAsGroup']}"
    yield "privilege escalation", "allowed" if profile["allowPrivilegeEscalation"] else "not allowed"
    yield "user namespace of the pod", "where the nodes have them" if profile["userNamespace"] else "no"
    yield "seccomp", profile["seccompProfile"]
    yield "AppArmor", f"{profile['appArmorProfile']}, where the nodes have it"
    volumes = [f"{code(one['path'])} (up to {one['size']})" for one in (profile.get("volumes") or {}).values()]
    yield "scratch space", ", ".join(volumes) or "none but the workspace"
    variables = [code(f"{key}={value}") for key, value in (profile.get("env") or {}).items()]
    yield "environment", ", ".join(variables) or "the image's own"
    yield "registry credentials", code(profile["credentials"])
    for kind in ("requests", "limits"):
        amounts = profile["resources"][kind]
        yield kind, f"{amounts['cpu']} CPU, {amounts['memory']} memory"
    yield "ServiceAccount", code(f"builder-{name}")


def section(name: str, profile: Mapping[str, Any], level: str) -> str:
    """One builder: what its template has, and every right with the reason why it is needed.

    Args:
        name: the builder's.
        profile: its entry of the table.
        level: Pod Security level that it leaves possible.
    """
    parts = [f"## {name}\n\n{_first_upper(profile['summary'])}."]
    if profile.get("legacy"):
        parts.append(f"**Legacy:** {profile['legacy']}.")
    parts.append(table(("setting", "value"), list(_settings(name, profile, level))))
    rights = list(_rights(profile))
    asked = table(("right (all other capabilities are dropped)", "needed because"), rights)
    parts.append(asked if rights else "It needs no right: to the rules its container is like any other.")
    return "\n\n".join(parts)


def _overview(name: str, profile: Mapping[str, Any], level: str) -> tuple[str, ...]:
    rights = [right for right, _ in _rights(profile) if not right.startswith("system call")]
    return f"[{name}](#{name})", profile["summary"], level, ", ".join(rights) or "none"


def page(chart: Path = CHART) -> str:
    """The builder profiles."""
    entries = load(chart / "profiles.yaml")
    builders = entries["builders"]
    images = {name: {"image": f"example.com/{name}:1"} for name, one in builders.items() if not one["image"]}
    levels = {name: one.pss_level for name, one in load_profiles(chart, images).builders.items()}
    agent = f"The `jnlp` container runs {code(entries['agent']['image'])} as user {entries['agent']['runAsUser']}."
    rows = [_overview(name, one, levels[name]) for name, one in builders.items()]
    sections = [section(name, one, levels[name]) for name, one in builders.items()]
    overview = table(("builder", "what it does", "Pod Security", "rights beyond `restricted`"), rows)
    return "\n\n".join((INTRO, agent, overview, *sections))

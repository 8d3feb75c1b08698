"""The pages under docs/reference: builder profiles, rules of the policies, and what Pod Security Admission says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tools.generate.markdown import code, table
from tools.generate.roles import load

ROOT = Path(__file__).resolve().parents[2]
PROFILES = ROOT / "charts" / "agent-templates" / "profiles.yaml"
POD_SECURITY = Path(__file__).with_name("pod_security.yaml")


def builder_section(name: str, profile: Mapping[str, Any]) -> str:
    """One builder: its settings, and every capability with the reason why it is needed."""
    settings = [
        ("image", code(profile["image"])),
        ("user", f"{profile['runAsUser']}:{profile['runAsGroup']}"),
        ("privilege escalation", "allowed" if profile["allowPrivilegeEscalation"] else "not allowed"),
        ("seccomp", profile["seccompProfile"]),
        ("ServiceAccount", code(f"builder-{name}")),
    ]
    reasons = [(code(capability), why) for capability, why in (profile.get("capabilities") or {}).items()]
    rights = table(("capability (all others are dropped)", "needed because"), reasons)
    return "\n\n".join(
        (
            f"## {name}\n\n{profile['summary'].capitalize()}.",
            table(("setting", "value"), settings),
            rights if reasons else "It needs no capability.",
        )
    )


def builders() -> str:
    """The builder profiles."""
    profiles = load(PROFILES)
    sections = [builder_section(name, profile) for name, profile in profiles["builders"].items()]
    intro = (
        "What each builder needs from the kernel, from `charts/agent-templates/profiles.yaml`. It holds only in a "
        "tenant that lists the builder, for that image, under that ServiceAccount, in that one container. Every "
        "other container of the pod meets the Pod Security Standard `restricted`."
    )
    agent = f"The `jnlp` container runs {code(profiles['agent']['image'])} as user {profiles['agent']['runAsUser']}."
    return "\n\n".join((intro, agent, *sections))


def pod_security() -> str:
    """What Pod Security Admission says, and the remedy."""
    entries = load(POD_SECURITY)
    parts = [
        "Pod Security Admission answers before the policies of Buildkeep do, so where it refuses, the build log "
        'shows its words, after `violates PodSecurity "baseline:…"` or `"restricted:…"`. `tool` and `data` stand '
        "for the container and the volume in question."
    ]
    for level, who in (
        ("baseline", "In every tenant"),
        ("restricted", "In tenants whose builders all meet `restricted`; elsewhere the rule `restricted` says it"),
    ):
        rows = [(code(entry["words"]), entry["remedy"]) for entry in entries if entry["level"] == level]
        parts += [f"## {level}\n\n{who}.", table(("it says", "what to do"), rows)]
    return "\n\n".join(parts)


def rules() -> str:
    """Every rule of the policies."""
    from ansible_collections.buildkeep.ci.plugins.module_utils import rules as module

    return str(module)


PAGES: Mapping[str, tuple[str, Callable[[], str]]] = {
    "builders.md": ("Builder profiles", builders),
    "pod-security.md": ("What Pod Security Admission says", pod_security),
}

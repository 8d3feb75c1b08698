"""The pages under docs/reference: builder profiles, rules of the policies, and what Pod Security Admission says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.rules import Rule
from ansible_collections.buildkeep.ci.plugins.module_utils.rules import load as load_rules

from tools.generate import builder_limits, builders, bypasses, inventory, mapping, rights
from tools.generate.markdown import code, table
from tools.generate.roles import load

ROOT = Path(__file__).resolve().parents[2]
POD_SECURITY = Path(__file__).with_name("pod_security.yaml")
# What a rule's field is counted from.
SCOPES = {
    "container": "every container:",
    "other": "every container but the builder:",
    "builder": "the builder's container:",
    "volume": "every volume:",
}


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


def references(found: Mapping[str, Any]) -> str:
    """Ids of benchmarks, such as `CIS 5.2.3; NSA 1.2`."""
    texts = {source: ids if isinstance(ids, str) else ", ".join(map(str, ids)) for source, ids in found.items()}
    return "; ".join(f"{source.upper()} {ids}" for source, ids in texts.items())


def allowed(rule: Rule) -> str:
    """What may stand in the field: the rule's own words, or where the list comes from."""
    return rule.allowed or "the list in the refusal itself"


def rules_section(name: str, found: Sequence[Rule]) -> str:
    """Everything that one rule id looks at."""
    rows = [
        (
            f"{SCOPES.get(rule.scope, '')} {code(rule.field)}".strip(),
            allowed(rule),
            rule.remedy,
            rule.why,
            references(rule.references),
        )
        for rule in found
    ]
    return f"### {name}\n\n" + table(("looks at", "allowed", "what to write", "why", "see"), rows)


def rules() -> str:
    """Every rule of the policies, by policy and id."""
    parts = [
        "A refusal names the rule in brackets. `CIS` is the CIS Kubernetes Benchmark 1.12, `NSA` the NSA/CISA "
        "Kubernetes Hardening Guide (numbered as in the scanners' k8s-nsa-1.0), `PSS` the Pod Security Standards; "
        "[the mapping](mapping.md) has them the other way round."
    ]
    loaded = load_rules()
    for policy in dict.fromkeys(rule.policy for rule in loaded):
        parts.append(f"## {policy}")
        mine = [rule for rule in loaded if rule.policy == policy]
        for name in dict.fromkeys(rule.id for rule in mine):
            parts.append(rules_section(name, [rule for rule in mine if rule.id == name]))
    return "\n\n".join(parts)


PAGES: Mapping[str, tuple[str, Callable[[], str]]] = {
    "inventory.md": ("Inventory", inventory.page),
    "builders.md": ("Builder profiles", builders.page),
    "builder-limits.md": ("What each builder cannot do", builder_limits.page),
    "rights.md": ("The controller's rights", rights.page),
    "rules.md": ("Rules of the policies", rules),
    "mapping.md": ("Rules and what auditors ask for", mapping.page),
    "bypasses.md": ("Ways around the rules", bypasses.page),
    "pod-security.md": ("What Pod Security Admission says", pod_security),
}

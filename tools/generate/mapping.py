"""The page that maps rules to controls of others (CIS, NSA/CISA, Pod Security Standards), and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.rules import Rule
from ansible_collections.buildkeep.ci.plugins.module_utils.rules import load as load_rules

from tools.generate.markdown import code, table
from tools.generate.roles import load

CONTROLS = Path(__file__).with_name("controls.yaml")
NO_REFERENCE = "none of these lists asks for it"


def named(rule: Rule) -> str:
    """A rule as text: its id and the field; two rules of one name differ in what they look at."""
    scope = {"other": "every container but the builder: ", "builder": "the builder: ", "volume": "volume: "}
    return f"{code(rule.id)} {scope.get(rule.scope, '')}{rule.field}"


def meant(rules: Sequence[Rule], source: str, control: str) -> list[Rule]:
    """The rules that name a control."""
    return [rule for rule in rules if control in rule.references.get(source, ())]


def unknown(rules: Sequence[Rule], sources: Mapping[str, Any]) -> list[str]:
    """References of rules to controls that are not listed."""
    known = {(source, control["id"]) for source, part in sources.items() for control in part["controls"]}
    return [
        f"{rule.key}: {source} {control}"
        for rule in rules
        for source, controls in rule.references.items()
        for control in controls
        if (source, control) not in known
    ]


def unexplained(rules: Sequence[Rule], sources: Mapping[str, Any]) -> list[str]:
    """Controls that no rule and nothing else meets, and of which the list does not say why."""
    return [
        f"{source} {control['id']}"
        for source, part in sources.items()
        for control in part["controls"]
        if not (meant(rules, source, control["id"]) or control.get("also") or control.get("open"))
    ]


def by_control(rules: Sequence[Rule], source: str, part: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Rows (control, what it says, what of Buildkeep meets it, what is not covered)."""
    for control in part["controls"]:
        ways = [named(rule) for rule in meant(rules, source, control["id"])]
        ways += [control["also"]] if control.get("also") else []
        yield control["id"], control["says"], "; ".join(ways) or "not covered here", control.get("open", "")


def by_rule(rules: Sequence[Rule], sources: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Rows (policy, rule, and the controls of each source)."""
    for rule in rules:
        found = [", ".join(rule.references.get(source, ())) for source in sources]
        yield rule.policy, named(rule), *(found if any(found) else [NO_REFERENCE, *("" for _ in found[1:])])


def page() -> str:
    """Both directions, and what is not covered."""
    rules, sources = load_rules(), load(CONTROLS)
    parts = [
        "What an auditor asks for, and the rules that meet it in a tenant's namespace. A rule that no list asks for "
        "closes a way that the lists do not know; [every way](bypasses.md) has a page of its own, and so has "
        "[every rule](rules.md)."
    ]
    for source, part in sources.items():
        rows = list(by_control(rules, source, part))
        heading = ("control", "asks for", "met by", "not covered here, and why")
        parts += [f"## {part['title']}", part["intro"], table(heading, rows)]
    header = ("policy", "rule", *(source.upper() for source in sources))
    return "\n\n".join((*parts, "## Every rule", table(header, list(by_rule(rules, sources)))))

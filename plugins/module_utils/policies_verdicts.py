"""The rules of the table as CEL: which pods break them, and the sentences that say so.

Whether a pod is broken is asked of every pod, the sentences are made for refused pods only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from string import Template
from typing import NamedTuple

from ansible_collections.buildkeep.ci.plugins.module_utils import cel
from ansible_collections.buildkeep.ci.plugins.module_utils.rules import Rule

# Scope of a rule -> the variable that lists what it looks at, the name of an item in the rule's CEL, and the subject in
# a message. The scopes `pod`, `label` and `annotation` look at the whole pod.
_LISTS = {
    "container": ("everyone", "c", "container "),
    "other": ("others", "c", "container "),
    "builder": ("builders", "c", "container "),
    "volume": ("volumes", "v", "volume "),
}
_WHOLE = ("pod", "label", "annotation")


class _Row(NamedTuple):
    """A rule as CEL: its condition, when that is not even asked, and the four texts of its part of the message."""

    broken: str
    unless: str
    texts: str


def verdicts(rules: Sequence[Rule], constants: Mapping[str, str], when: Mapping[str, str]) -> dict[str, str]:
    """Give the variables `broken` and `text`, and those that they use.

    Args:
        rules: rules of buildkeep-pods.
        constants: what `${name}` in a rule stands for.
        when: CEL by `spec`, `label` and `annotation`: whether the request is one that rules of this kind look at.
    """
    scoped: dict[str, list[_Row]] = {scope: [] for scope in (*_WHOLE, *_LISTS)}
    for rule in rules:
        scoped[rule.scope].append(_row(rule, constants))
    # A variable for each scope of many rules: the type checker's time grows with the square of an expression's size.
    made = {"podtexts": _texts(scoped["pod"])}
    lists = {scope: found for scope, found in _LISTS.items() if scoped[scope]}
    for scope, (items, item, noun) in lists.items():
        lines = _texts(scoped[scope], f"{cel.literal(noun)} + {item}.name + ', ' + ")
        made[f"{scope}texts"] = f"variables.{items}.map({item}, {lines}.join('; ')).filter(t, t != '')"
    whole = {scope: _any_broken(scoped[scope]) for scope in _WHOLE}
    listed = [
        f"variables.{items}.exists({item}, {_any_broken(scoped[scope])})" for scope, (items, item, _) in lists.items()
    ]
    bad_spec = cel.any_of([whole["pod"], *listed])
    made["firm"] = f"(({when['spec']}) && ({bad_spec})) || (({when['label']}) && ({whole['label']}))"
    made["broken"] = f"variables.firm || (({when['annotation']}) && ({whole['annotation']}))"
    spec_texts = " + ".join(f"variables.{scope}texts" for scope in ("pod", *lists))
    problems = (
        f"(({when['spec']}) ? {spec_texts} : []) + (({when['label']}) ? {_texts(scoped['label'])} : []) + "
        f"(({when['annotation']}) ? {_texts(scoped['annotation'])} : [])"
    )
    made["text"] = f"({problems}).join('; ')"
    return made


def in_group(group: str) -> str:
    """Write the condition that whoever asks is a member of a group of this name."""
    return f"{cel.literal(group)} in request.userInfo.?groups.orValue([])"


def _row(rule: Rule, constants: Mapping[str, str]) -> _Row:
    def fill(text: str) -> str:
        # Blanks within a constant mean something, such as those of a builder's script.
        return Template(" ".join(text.split())).substitute(constants)

    broken = f"size({fill(rule.bad)}) > 0" if rule.bad else fill(rule.broken)
    # A field of the pod has no type in CEL, and a list literal has one type only.
    value = f"({fill(rule.bad)}).join(', ')" if rule.bad else f"string({fill(rule.value)})"
    allowed = fill(rule.allowed_cel) if rule.allowed_cel else cel.literal(rule.allowed)
    texts = f"[{cel.literal(rule.id)}, {cel.literal(rule.field)}, {value}, {allowed}]"
    return _Row(broken, fill(rule.unless), texts)


def _any_broken(rows: Iterable[_Row]) -> str:
    """Ask each `unless` once for all rules that share it."""
    by_proof: dict[str, list[str]] = {}
    for row in rows:
        by_proof.setdefault(row.unless, []).append(row.broken)
    unproven = by_proof.pop("", [])
    return cel.any_of([*unproven, *(f"!({proof}) && ({cel.any_of(found)})" for proof, found in by_proof.items())])


def _texts(rows: Sequence[_Row], subject: str = "") -> str:
    if not rows:
        return "[''].filter(m, m != '')"  # a bare [] would have no type
    kept = ", ".join(f"({row.broken}) ? {row.texts} : []" for row in rows)
    sentence = f"'[' + r[0] + '] ' + {subject}'field ' + r[1] + ': \"' + r[2] + '\" is not allowed; allowed: ' + r[3]"
    return f"[{kept}].filter(r, size(r) > 0).map(r, {sentence})"

"""The rules as data: what each looks at, when it is broken, and what to write instead.

The files are `roles/pod_security/files/*.yaml`, one family each: a mapping with the key `rules`, a list of mappings
with the fields of `Rule`. A rule of buildkeep-pods holds CEL, either `broken` (a boolean) and `value` (a text), or
`bad` (the list of offending texts). `${name}` in it stands for an expression that the pod policy gives.

Nearly every pod is ordinary, and the API server pays for each step of CEL. So the key `ordinary` of a file names cheap
conditions under which a rule cannot be broken, and a rule names under `unless` the one that proves it whole. Whatever
is not ordinary is held against the rule itself, so a condition may be too narrow, but never too wide.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.names import POLICY_PODS

FILES = Path(__file__).resolve().parents[2] / "roles" / "pod_security" / "files"


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        id: what a refusal names in brackets; rules of one kind share it.
        field: path of the field, from the subject of the scope.
        remedy: what an author does about a refusal.
        why: what the rule prevents.
        family: name of the file that it stands in.
        policy: the policy that enforces it.
        scope: what `broken`, `value` and `bad` look at: `pod`, `label` (the pod's labels), `annotation` (those that
            the request sets or changes), `container` (every container, as `c`),
            `other` (every container but the builder, as `c`), `builder` (the builder, as `c`),
            `volume` (every volume, as `v`). A rule of another policy has none and no CEL: its template holds it.
        broken: CEL, true where the rule is broken.
        value: CEL, the offending value as text.
        bad: CEL, the list of offending texts, in place of `broken` and `value`.
        unless: CEL under which the rule is never broken; in a file the name of an entry of `ordinary`.
        proof: that name.
        tenant: whether it differs from tenant to tenant what breaks the rule, so that no other proof can be had.
        allowed: what may stand there, as text.
        allowed_cel: the same as CEL, in place of `allowed`.
        references: ids by source: `pss` (Pod Security Standards), `cis` (Kubernetes Benchmark 1.12), `nsa` (NSA/CISA
            Kubernetes Hardening Guide, numbered as in the scanners' k8s-nsa-1.0).
    """

    id: str
    field: str
    remedy: str
    why: str
    family: str = ""
    policy: str = POLICY_PODS
    scope: str = ""
    broken: str = ""
    value: str = "'true'"
    bad: str = ""
    unless: str = ""
    proof: str = ""
    tenant: bool = False
    allowed: str = ""
    allowed_cel: str = ""
    references: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def key(self) -> str:
        """The rule's own name among those that share its id."""
        return f"{self.id}/{self.scope or self.policy}/{self.field}"


def load(folder: Path = FILES) -> tuple[Rule, ...]:
    """Read every rule, in the order of the files' names.

    Raises:
        ValueError: for a key that no rule has, for two rules with one id, scope and field, and for an unknown `unless`.
    """
    known = {one.name for one in dataclasses.fields(Rule)} - {"family", "proof"}
    files = {path: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.yaml"))}
    ordinary = proofs(folder)
    rules = []
    for path, content in files.items():
        for entry in content.get("rules", ()):
            if unknown := set(entry) - known:
                raise ValueError(f"{path.name}: unknown key {', '.join(sorted(unknown))}")
            if (unless := entry.get("unless")) and unless not in ordinary:
                raise ValueError(f"{path.name}: nothing under `ordinary` is named {unless}")
            told = {"unless": ordinary[unless], "proof": unless} if unless else {}
            rules.append(Rule(family=path.stem, **{**entry, **told}))
    keys = [rule.key for rule in rules]
    if twice := {key for key in keys if keys.count(key) > 1}:
        raise ValueError(f"{folder}: more than one rule {', '.join(sorted(twice))}")
    return tuple(rules)


def proofs(folder: Path = FILES) -> dict[str, str]:
    """Read the conditions under which rules cannot be broken, by name."""
    files = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.yaml"))]
    return {name: text for content in files for name, text in content.get("ordinary", {}).items()}

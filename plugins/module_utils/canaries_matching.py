"""Whether a policy or a binding is meant for a request: what the API server asks before it evaluates any rule.

Written after the API server's own matching (apiserver, pkg/admission/plugin/policy/matching and
pkg/admission/plugin/webhook/predicates).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_ANY = "*"


@dataclass(frozen=True)
class Asked:
    """A request as policies match it.

    Attributes:
        group: API group, '' for the core one.
        version: API version, without the group.
        resource: plural, with a subresource after a slash.
        operations: CREATE, UPDATE, DELETE or CONNECT; any of several where it is not known beforehand.
        labels: of the object, for objectSelectors.
        namespace: labels of its namespace, for namespaceSelectors.
    """

    group: str
    version: str
    resource: str
    operations: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The request in words."""
        return f"{' or '.join(self.operations)} of {self.resource}"


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector (meta/v1 LabelSelector) selects these labels. None and {} select everything."""
    selector = selector or {}
    if any(labels.get(name) != value for name, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_holds(expression, labels) for expression in selector.get("matchExpressions") or [])


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value = labels.get(expression["key"])
    values = expression.get("values") or []
    outcomes = {
        "In": value in values,
        "NotIn": value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }
    return outcomes[expression["operator"]]


def shown(labels: Mapping[str, str]) -> str:
    """The labels that a selector may be about, for a sentence."""
    return ", ".join(f"{label}={value}" for label, value in sorted(labels.items()) if "/" in label) or "no labels"


def covers(rule: Mapping[str, Any], asked: Asked) -> bool:
    """Whether a rule (admissionregistration/v1 NamedRuleWithOperations, or a webhook's) covers a request.

    `*` is every resource without its subresources, `*/*` with them, `pods/*` every subresource of pods.
    """
    plural, _, part = asked.resource.partition("/")
    wanted = {f"{one}/{rest}" if part else one for one in (_ANY, plural) for rest in ((_ANY, part) if part else ("",))}
    return (
        bool({_ANY, asked.group} & set(rule.get("apiGroups") or []))
        and bool({_ANY, asked.version} & set(rule.get("apiVersions") or []))
        and bool({_ANY, *asked.operations} & set(rule.get("operations") or []))
        and bool({*wanted, "*/*"} & set(rule.get("resources") or []))
        and not rule.get("resourceNames")
    )


def matching_problem(matching: Mapping[str, Any] | None, asked: Asked) -> str | None:
    """Why matchConstraints or matchResources leave a request out, to stand after a name; None where they do not.

    A policy without rules matches nothing; a binding without rules takes those of its policy, so it never has to.
    """
    matching = matching or {}
    rules: Sequence[Mapping[str, Any]] = matching.get("resourceRules") or []
    if rules and not any(covers(rule, asked) for rule in rules):
        return f"has no resourceRules for {asked.words}"
    if any(covers(rule, asked) for rule in matching.get("excludeResourceRules") or []):
        return f"leaves {asked.words} out by its excludeResourceRules"
    if not selects(matching.get("namespaceSelector"), asked.namespace):
        return f"does not select the namespace (which has {shown(asked.namespace)})"
    if not selects(matching.get("objectSelector"), asked.labels):
        return f"does not select the object by its objectSelector (which has {shown(asked.labels)})"
    return None


def condition_problem(conditions: Sequence[Mapping[str, str]] | None) -> str | None:
    """Which of the matchConditions can never hold; None where none is written so."""
    never = [one["name"] for one in conditions or [] if one["expression"].strip() == "false"]
    return f"is switched off by its matchConditions: {', '.join(never)} is false" if never else None

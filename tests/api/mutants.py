"""Policies with one part taken out."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.buildkeep.ci.plugins.module_utils.rules import Rule

from tests.api.api import Object

LABEL = "mutant"
NOTHING = "[''].filter(t, t != '')"
# Rules of guards.yaml that share a validation: by rule, variable, what stands in it, and what takes its place.
Cut = tuple[str, str, str]
_MARKS: Cut = ("marks", "", NOTHING)
_KEPT: Cut = ("kept", "", NOTHING)
CUTS: Mapping[str, Sequence[Cut]] = {
    "buildkeep-roles": (("wrong", "", NOTHING), _MARKS, _KEPT),
    "buildkeep-rolebindings": (("wrong", "", NOTHING), _MARKS, _KEPT),
    "buildkeep-namespaces": (("changed", "istio-injection", "nobody.example/"),),
    "buildkeep-services": (
        ("wrong", "variables.ofspec && variables.new.spec.?type", "false && variables.new.spec.?type"),
        (
            "wrong",
            "variables.ofspec && size(variables.new.spec.?externalIPs",
            "false && size(variables.new.spec.?externalIPs",
        ),
        ("ofcontrollers", "request.?subResource.orValue('') == 'status' && variables", "false && variables"),
        ("leads", "", "false"),
        ("keys", "", NOTHING),
    ),
    "buildkeep-serviceaccounts": (
        ("keys", "", NOTHING),
        ("ofaccount", "variables.new.?secrets.orValue([]) != variables.old.?secrets.orValue([])", "false"),
        (
            "ofaccount",
            "variables.new.?imagePullSecrets.orValue([]) != variables.old.?imagePullSecrets.orValue([])",
            "false",
        ),
        ("ofaccount", "variables.new.?automountServiceAccountToken.orValue(true) && ", "false && "),
        _MARKS,
        ("wrong", "request.operation == 'DELETE' ?", "false ?"),
        ("what", "request.?subResource.orValue('') == 'token' ? 'token'", "false ? 'token'"),
        ("what", "request.resource.resource == 'secrets' ? 'secret'", "false ? 'secret'"),
    ),
    "buildkeep-claims": (
        ("wrong", "(request.operation == 'CREATE' || 'storageClassName' in variables.changed) &&", "false &&"),
        ("wrong", "'volumeName' in variables.changed ?", "false ?"),
        ("wrong", "'volumeMode' in variables.changed &&", "false &&"),
        ("wrong", "'volumeAttributesClassName' in variables.changed ?", "false ?"),
        ("copied", "", "true"),
        ("keys", "", NOTHING),
    ),
}


def switched(rules: Sequence[Rule]) -> list[Rule]:
    """The table with a switch on each rule: in a namespace labelled `mutant: row-N` the rule with that number is out.

    So one policy is all mutants: it takes half a second to compile one, and there are a hundred rules.
    """
    made = [rule for rule in rules if not rule.scope]
    for number, rule in enumerate(rule for rule in rules if rule.scope):
        there = f"namespaceObject.metadata.?labels[{LABEL!r}].orValue('') != 'row-{number}'"
        bad = f"({rule.bad}).filter(switched, {there})" if rule.bad else ""
        made.append(dataclasses.replace(rule, bad=bad, broken=f"{there} && ({rule.broken})" if rule.broken else ""))
    return made


def parts(policy: Object) -> Iterator[tuple[str, Object]]:
    """The policy without each condition, selector and validation, and without each operation and resource it sees."""
    spec = policy["spec"]
    for number, condition in enumerate(spec.get("matchConditions") or ()):
        yield f"condition {condition['name']}", _without(policy, "matchConditions", number)
    for number, _ in enumerate(spec["validations"]):
        made = copy.deepcopy(policy)
        made["spec"]["validations"][number]["expression"] = "true"
        yield f"validation {number}", made
    if "objectSelector" in spec["matchConstraints"]:
        made = copy.deepcopy(policy)
        del made["spec"]["matchConstraints"]["objectSelector"]
        yield "selector", made
    for row, rule in enumerate(spec["matchConstraints"]["resourceRules"]):
        for field in ("operations", "resources"):
            for number, value in enumerate(rule[field]):
                what = (
                    f"{rule['apiGroups'][0] or 'core'} {','.join(rule['resources'])}"
                    if field == "operations"
                    else value
                )
                made = copy.deepcopy(policy)
                rules = made["spec"]["matchConstraints"]["resourceRules"]
                del rules[row][field][number]
                if not rules[row][field]:
                    # A policy must see something.
                    rules[row] = {**rule, "apiGroups": ["nobody.example"], "resources": ["nothing"]}
                yield f"{value} of {what}" if field == "operations" else f"resource {value}", made


def cuts(policy: Object) -> Iterator[tuple[str, Object]]:
    """The policy without each rule that shares a validation with others.

    Raises:
        LookupError: the policy no longer holds what was to be cut out.
    """
    for number, (variable, old, new) in enumerate(CUTS.get(policy["metadata"]["name"], ())):
        made = copy.deepcopy(policy)
        (found,) = [one for one in made["spec"]["variables"] if one["name"] == variable]
        if old and old not in found["expression"]:
            raise LookupError(f"{policy['metadata']['name']}: {variable} does not hold {old}")
        found["expression"] = found["expression"].replace(old, new) if old else new
        yield f"cut {number} {variable}", made


def _without(policy: Object, field: str, number: int) -> Object:
    made = copy.deepcopy(policy)
    del made["spec"][field][number]
    return made


def bound(policy: Object, name: str) -> list[Object]:
    """The policy under another name, and a binding that denies where the label says that name."""
    matched = {"matchLabels": {LABEL: name}}
    if policy["metadata"]["name"] == "buildkeep-configmaps":
        # It holds in the controller's namespace; here in the mutant's.
        policy = copy.deepcopy(policy)
        policy["spec"]["matchConstraints"]["namespaceSelector"] = {"matchLabels": {"kubernetes.io/metadata.name": name}}
    of_cluster = policy["metadata"]["name"] == "buildkeep-persistentvolumes"
    binding = {
        "apiVersion": policy["apiVersion"],
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {
            "policyName": name,
            "validationActions": ["Deny"],
            "matchResources": {"objectSelector" if of_cluster else "namespaceSelector": matched},
        },
    }
    return [{**policy, "metadata": {"name": name}}, binding]

"""Which pods the pod policy leaves to the small one: each rule has a proof, and a matchCondition can use them all."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import (
    policies,
    policies_ordinary,
    policies_pods,
    policies_tenant,
    rules,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import load_profiles
from ansible_collections.buildkeep.ci.plugins.module_utils.rules import Rule

TABLE = [rule for rule in rules.load() if rule.scope]
CONSTANTS = policies_pods.constants(load_profiles(), ["ghcr.io/acme/base"], "", (), ())
CONTROLLER = {"namespace": "jenkins", "serviceAccount": "builds"}


def condition(table: list[Rule]) -> str:
    """The condition of ordinary pods."""
    return policies_ordinary.condition(table, CONSTANTS, load_profiles())


def test_every_proof_of_a_rule_is_asked() -> None:
    made = condition(TABLE)
    for rule in TABLE:
        if not rule.tenant and rule.id != "one-builder":
            assert " ".join(rule.unless.split()).partition("${")[0] in made, rule.key
    assert "variables." not in made and "namespaceObject" not in made and "oldObject" not in made
    assert made.startswith("(request.operation == 'CREATE') && (")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"unless": ""}, "without a proof among `ordinary`: volumes/volume/type"),
        ({"unless": "variables.volumes == []"}, "asks for what a matchCondition does not have"),
        ({"unless": "namespaceObject == null"}, "asks for what a matchCondition does not have"),
        ({"scope": "other", "proof": "odd"}, "does not know of other: odd"),
    ],
)
def test_a_rule_that_cannot_be_proven_is_an_error(changed: dict[str, Any], words: str) -> None:
    (rule,) = (one for one in TABLE if one.key == "volumes/volume/type")
    with pytest.raises(ValueError, match=words):
        condition([dataclasses.replace(rule, **changed)])


def test_the_small_policy_asks_for_the_rules_of_tenants_and_names_all() -> None:
    made = {one["metadata"]["name"]: one["spec"] for one in policies.build_policies(load_profiles(), [], CONTROLLER)}
    small = made["buildkeep-pods-tenant"]
    assert {rule.id for rule in TABLE if rule.tenant} == {"images", "service-account", "templates", "tenant-label"}
    texts, whole = (
        {one["name"]: one["expression"] for one in spec["variables"]} for spec in (small, made["buildkeep-pods"])
    )
    wrong = texts.pop("wrong")
    assert texts.items() <= whole.items() and "hostPID" in texts["podtexts"]
    assert "'static'" in wrong and "hostPID" not in wrong and "authorizer" not in str(small)
    (seen,) = small["matchConstraints"]["resourceRules"]
    assert (seen["operations"], seen["resources"]) == (["CREATE"], ["pods"])


def test_variables_that_nothing_uses_are_left_out() -> None:
    texts = {"a": "1", "b": "variables.a", "c": "variables.b", "d": "object.variables.c"}
    variables = [{"name": name, "expression": text} for name, text in texts.items()]
    assert [one["name"] for one in policies_tenant.used(variables, "variables.b")] == ["a", "b"]
    assert [one["name"] for one in policies_tenant.used(variables, "variables.d")] == ["d"]

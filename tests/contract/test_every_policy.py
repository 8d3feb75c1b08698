"""What holds for every policy, whatever its rules: it fails closed, says why, is bound, and is proven by a canary."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import canary_cases, policies, rules
from ansible_collections.buildkeep.ci.plugins.module_utils.names import CANARY_NAMESPACE, POLICY_PODS_TENANT
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings

SETTINGS = read_settings({"tenants": [{"name": "shop"}], "images": ["ghcr.io/acme/"]})
BUILT = policies.build_policies(
    SETTINGS.profiles, SETTINGS.images, SETTINGS.controller, options=policies.options_of(SETTINGS)
)
POLICIES = {one["metadata"]["name"]: one["spec"] for one in BUILT if one["kind"] == "ValidatingAdmissionPolicy"}
BINDINGS = [one["spec"] for one in BUILT if one["kind"] == "ValidatingAdmissionPolicyBinding"]
IDS = {rule.id for rule in rules.load()}


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_fails_closed_and_reads_no_params(name: str) -> None:
    spec = POLICIES[name]
    assert spec["failurePolicy"] == "Fail"
    assert "paramKind" not in spec


@pytest.mark.parametrize("name", POLICIES)
def test_behind_every_expression_stands_a_fixed_message(name: str) -> None:
    """The API server falls back to it where the messageExpression fails; it wants one line of each."""
    assert POLICIES[name]["validations"]
    for validation in POLICIES[name]["validations"]:
        message = validation["message"]
        assert message[0] == "[" and message.partition("]")[0][1:] in IDS
        assert len(message.partition("] ")[2]) > 20 and "\n" not in message
        assert "\n" not in validation["messageExpression"].strip()
        assert validation["reason"] == "Forbidden"


def test_every_policy_is_bound_and_every_binding_has_its_policy() -> None:
    assert {spec["policyName"] for spec in BINDINGS} == set(POLICIES)
    assert all(spec["validationActions"] for spec in BINDINGS)


def test_every_policy_is_proven_by_its_name_before_a_run_ends() -> None:
    """In the namespace made for it; and all that are not about pods once more before rights are given."""
    cases: list[dict[str, Any]] = canary_cases.rule_cases(SETTINGS)
    proven = {case["policy"] for case in cases if case["expect"] != "admitted"}
    # That the rules about pods are of two policies is no concern of who is refused; a case for each follows.
    assert {*proven, POLICY_PODS_TENANT} == set(POLICIES) and {"images", "pod"} <= {case.get("rule") for case in cases}
    assert {case["namespace"] for case in cases} == {CANARY_NAMESPACE}
    entry = {case["policy"] for case in canary_cases.entry_cases(SETTINGS)} - {"PodSecurity"}
    assert {*entry, POLICY_PODS_TENANT} == set(POLICIES)

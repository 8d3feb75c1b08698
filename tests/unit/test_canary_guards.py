"""The canaries of the policies that are not about pods, and what those who send them may do."""

from __future__ import annotations

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import canaries, canary_guards, policies
from ansible_collections.buildkeep.ci.plugins.module_utils.backends import Backend
from ansible_collections.buildkeep.ci.plugins.module_utils.canary_cases import entry_cases, rule_cases
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError
from ansible_collections.buildkeep.ci.plugins.module_utils.names import (
    POLICIES_PODS,
    POLICY_BINDINGS,
    POLICY_PODS_TENANT,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight import Question, Right, needed_rights
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings, read_settings


def settings(prefix: str = "ci-") -> Settings:
    """Read an inventory."""
    return read_settings({"tenants": [{"name": "shop"}], "namespace_prefix": prefix})


def test_every_policy_has_a_canary() -> None:
    """A policy that is added without one is noticed here."""
    every = {*policies.TENANT_POLICIES, *policies.GUARDS, *policies.WARNINGS}
    tried = {case["policy"] for case in rule_cases(settings()) if case["expect"] != "admitted"}
    assert tried == every - {POLICY_PODS_TENANT}, "which is one wall with buildkeep-pods"
    assert {case["policy"] for case in canary_guards.guard_cases(settings())} == every - {*POLICIES_PODS}


def test_before_rights_are_given_tenants_and_guards_are_tried() -> None:
    """The policies' rules one by one are not, for that is another role's."""
    cases = entry_cases(settings())
    assert {case["namespace"] for case in cases} == {"ci-shop", "buildkeep-canary"}
    warned = {case["policy"] for case in cases if case["expect"] == "warned"}
    assert {case["expect"] for case in cases} == {"refused", "warned"} and warned == set(policies.WARNINGS)


@pytest.mark.parametrize("policy", ["buildkeep-persistentvolumes", "buildkeep-configmaps"])
def test_where_the_cluster_only_audits_what_is_of_no_tenant_is_only_warned_of(policy: str) -> None:
    for mode, expected in (("enforce", "refused"), ("audit", "warned")):
        found = read_settings({"tenants": [{"name": "shop"}], "mode": mode})
        (case,) = (one for one in canary_guards.guard_cases(found) if one["policy"] == policy)
        assert case["expect"] == expected


def test_the_side_cars_label_is_that_of_the_controllers_name() -> None:
    """In the policy and in its canary."""
    found = read_settings({"tenants": [{"name": "shop"}], "controller": {"name": "ci", "namespace": "cd"}})
    (case,) = (one for one in canary_guards.guard_cases(found) if one["policy"] == "buildkeep-configmaps")
    assert case["request"]["body"]["metadata"]["labels"] == {"ci-jenkins-config": "true"}
    made = policies.build_policies(found.profiles, found.images, found.controller, options=policies.options_of(found))
    spec = next(one["spec"] for one in made if one["metadata"]["name"] == "buildkeep-configmaps")
    (selector,) = spec["matchConstraints"]["namespaceSelector"]["matchExpressions"]
    assert selector["values"] == ["cd", "buildkeep-canary"]
    assert '"ci-jenkins-config" in object.' in spec["matchConditions"][0]["expression"]


def test_the_canaries_group_may_do_next_to_nothing_everywhere() -> None:
    """One namespace by name, which no tenant can have, one volume, and nothing that could widen its own rights."""
    names = {rule["resources"][0]: rule["resourceNames"] for rule in canary_guards.cluster_rights("build-")}
    assert names == {"namespaces": ["build-buildkeep-canary"], "persistentvolumes": ["buildkeep-canary"]}
    verbs = {verb for rule in [*canary_guards.rights(), *canary_guards.cluster_rights("ci-")] for verb in rule["verbs"]}
    assert verbs == {"create", "patch"}


def test_whoever_runs_it_must_be_able_to_be_the_stranger() -> None:
    """Else the canary about commands ends in a refusal of impersonation."""
    rights = needed_rights(
        Question(user="system:serviceaccount:jenkins:jenkins", groups=["buildkeep:canary"]),
        Backend("admission", True, True),
    )
    assert Right("impersonate", "", "serviceaccounts", "buildkeep-canary", "default") in rights


def test_a_binding_of_no_pod_is_let_through_when_the_pod_is_missed() -> None:
    found = [one for one in canary_guards.guard_cases(settings()) if one["policy"] == POLICY_BINDINGS]
    (given,) = canaries.read_cases(found)
    no_pod = ApiError("canary", 404, {"message": 'pods "canary" not found', "details": {"kind": "pods"}})
    reply = canaries.judge(given, no_pod)
    assert reply.admitted and not reply.ok

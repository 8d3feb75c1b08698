"""Every rule about pods: refused by its name with its field and value; its neighbour is admitted."""

from __future__ import annotations

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import rules

from tests.api import pods
from tests.api.api import Api
from tests.api.case import Case
from tests.api.cases import CASES

RULES = {rule.key: rule for rule in rules.load() if rule.scope}
# Needs a pod that is there already: test_policies_updates.py.
BY_UPDATE = {"pod/pod/spec.ephemeralContainers"}
# Needs a namespace of another kind: test_policies_options.py.
ELSEWHERE = {"templates/pod/spec"}


def test_every_rule_has_a_case() -> None:
    assert {case.rule for case in CASES} | BY_UPDATE | ELSEWHERE == set(RULES)


@pytest.mark.parametrize("base", pods.BASES)
def test_honest_agents_are_admitted(admin: Api, shop: str, base: str) -> None:
    answer = admin.pod(shop, pods.BASES[base]())
    assert answer.ok and not answer.warnings, (answer.message, answer.warnings)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule.replace("/", " "))
def test_a_rule_refuses_and_its_neighbour_passes(admin: Api, shop: str, case: Case) -> None:
    rule = RULES[case.rule]
    bad, good = case.pods()
    refused = admin.pod(shop, bad)
    assert refused.status == 403, refused.message
    # What differs from tenant to tenant is all that can be wrong with an ordinary pod.
    policy = "buildkeep-pods-tenant" if rule.tenant else "buildkeep-pods"
    head = f"ValidatingAdmissionPolicy '{policy}' with binding '{policy}-enforce' denied request: [{rule.id}] "
    _, found, sentence = refused.message.partition(head)
    assert found, refused.message
    subjects = {"pod": "", "label": "", "annotation": "", "volume": "volume "}
    assert sentence.startswith(subjects.get(rule.scope, "container "))
    assert f'field {rule.field}: "{case.shown}" is not allowed; allowed: {rule.allowed}' in sentence
    assert not sentence.endswith("allowed: ")
    # Only this rule is broken, so this case is proof of this rule and of no other.
    assert "; [" not in sentence, sentence
    admitted = admin.pod(shop, good)
    assert admitted.ok, admitted.message

"""Every rule about pods on Kubernetes 1.30: as on the newest, but for fields that 1.30 does not know."""

from __future__ import annotations

import re

import pytest

from tests.api import bypass
from tests.api.api import Api
from tests.api.case import Case
from tests.api.cases import CASES
from tests.api.test_bypasses import ROWS
from tests.api.test_policies_rules import RULES
from tests.api.test_policies_rules import test_honest_agents_are_admitted as test_honest_agents_are_admitted
from tests.old.differences import ALSO, INSTEAD, UNKNOWN, is_unknown, unknown_fields

ALL = (*CASES, *INSTEAD)


def test_the_list_of_unknown_fields_is_exact(admin: Api, shop: str) -> None:
    found = [unknown_fields(admin.pod(shop, case.pods()[0])) for case in ALL]
    assert not any(found[len(CASES) :]), "a case in the words of 1.30 uses a field that it does not know"
    attacks = [pod for row in ROWS if "create" in row.ways() for pod in bypass.created(row, "create")]
    found += [unknown_fields(admin.pod(shop, pod)) for pod in attacks]
    assert set().union(*found) == set(UNKNOWN)


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.rule.replace("/", " "))
def test_a_rule_refuses_or_there_is_no_such_field(admin: Api, shop: str, case: Case) -> None:
    rule = RULES[case.rule]
    bad, good = case.pods()
    refused = admin.pod(shop, bad)
    if is_unknown(refused):
        return
    assert refused.status == 403, refused.message
    policy = "buildkeep-pods-tenant" if rule.tenant else "buildkeep-pods"
    head = f"ValidatingAdmissionPolicy '{policy}' with binding '{policy}-enforce' denied request: ["
    _, found, sentence = refused.message.partition(head)
    assert found, refused.message
    assert f'field {rule.field}: "{case.shown}" is not allowed; allowed: {rule.allowed}' in sentence
    others = set(re.findall(r"; \[([a-z-]+)\] ", sentence)) | {sentence.partition("]")[0]}
    assert others == {rule.id} | ALSO.get(case.rule, frozenset()), sentence
    admitted = admin.pod(shop, good)
    assert admitted.ok, admitted.message

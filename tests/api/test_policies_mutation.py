"""No rule is there in vain: without its id in the table the pod of a case is admitted; without any other it is not.

That the rules of one id do not cover for each other is shown by test_policies_rules.py: one rule refuses each case.
"""

from __future__ import annotations

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import policies, policies_pods, rules
from ansible_collections.buildkeep.ci.plugins.module_utils.images import template_images
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profiles

from tests.api import pods
from tests.api.api import Answer, Api, Object, until
from tests.api.cases import CASES
from tests.api.conftest import CLUSTER_IMAGES, CONTROLLER, create, tenant_namespace

TABLE = [rule for rule in rules.load() if rule.scope]
# "" takes nothing out.
IDS = ["", *dict.fromkeys(rule.id for rule in TABLE)]
DEBUGGER = {"spec": {"ephemeralContainers": [pods.tool("debugger")]}}


def mutant(profiles: Profiles, policy: Object, name: str, left_out: str) -> list[Object]:
    """The pod policy without the rules of one id, bound to one namespace."""
    table = [rule for rule in TABLE if rule.id != left_out]
    images = [*template_images(profiles), *CLUSTER_IMAGES]
    spec = {**policy["spec"], "variables": policies_pods.variables(table, profiles, images)}
    selector = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}
    binding = {
        "apiVersion": policy["apiVersion"],
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"], "matchResources": selector},
    }
    return [{**policy, "metadata": {"name": name}, "spec": spec}, binding]


@pytest.fixture(scope="module")
def mutants(admin: Api, audit: str, profiles: Profiles) -> dict[str, str]:
    """Namespaces by the id that is left out there: of tenants in mode audit, so that only the mutant denies."""
    names = {left_out: f"mutant-{left_out or 'none'}" for left_out in IDS}
    whole = policies.build_policies(profiles, CLUSTER_IMAGES, CONTROLLER)[0]
    assert mutant(profiles, whole, whole["metadata"]["name"], "")[0]["spec"] == whole["spec"]
    for left_out, name in names.items():
        tenant_namespace(admin, name, mode="audit")
        if left_out in ("", "pod"):
            # The ephemeral container is added to a pod that stood there before the policy.
            admin.pod(name, pods.put(pods.dynamic_agent(), "metadata/name", "old"), dry=False).done()
        for item in mutant(profiles, whole, name, left_out):
            create(admin, item)
    # Breaks rules of two ids, one of which every mutant has.
    canary = pods.put(pods.dynamic_agent(), "spec/hostPID", True)
    canary = pods.put(canary, "spec/schedulerName", "mine")
    for name in names.values():

        def ask(name: str = name) -> Answer:
            return admin.pod(name, canary)

        until(ask, lambda answer: "'mutant-" in answer.message)
    return names


@pytest.mark.parametrize("left_out", IDS)
def test_only_without_its_id_a_case_is_admitted(admin: Api, mutants: dict[str, str], left_out: str) -> None:
    admitted = []
    for case in CASES:
        answer = admin.pod(mutants[left_out], case.pods()[0])
        assert answer.ok or f"'{mutants[left_out]}'" in answer.message, answer.message
        if answer.ok:
            admitted.append(case.rule)
    assert admitted == [case.rule for case in CASES if case.rule.split("/")[0] == left_out]


def test_only_without_its_id_an_ephemeral_container_is_admitted(admin: Api, mutants: dict[str, str]) -> None:
    kind = "application/strategic-merge-patch+json"
    paths = {
        name: f"/api/v1/namespaces/{mutants[name]}/pods/old/ephemeralcontainers?dryRun=All" for name in ("", "pod")
    }
    answers = {name: admin.request("PATCH", path, DEBUGGER, kind).ok for name, path in paths.items()}
    assert answers == {"": False, "pod": True}

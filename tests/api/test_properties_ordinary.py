"""The short way says what the rules say: with the proofs of files/ordinary.yaml or without, a pod fares alike."""

from __future__ import annotations

import dataclasses
from collections import Counter

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import policies, rules
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profiles
from hypothesis import given
from hypothesis import strategies as st

from tests.api import pods
from tests.api.api import ADMISSION, Api, Object, until
from tests.api.case import Case
from tests.api.cases import CASES
from tests.api.conftest import CLUSTER_IMAGES, CONTROLLER, tenant_namespace
from tests.api.properties import examples
from tests.api.property_pods import agents

PODS = 700
LONG = "ordinary-long"


@pytest.fixture(scope="module")
def long(admin: Api, audit: str, profiles: Profiles) -> str:
    """A namespace, of a tenant in mode audit, where the pod policy without any proof denies."""
    table = [dataclasses.replace(rule, unless="") for rule in rules.load()]
    assert table != list(rules.load())
    policy = policies.build_policies(profiles, CLUSTER_IMAGES, CONTROLLER, table=table)[0]
    tenant_namespace(admin, LONG, mode="audit")
    selector = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": LONG}}}
    binding = {"policyName": LONG, "validationActions": ["Deny"], "matchResources": selector}
    admin.create(f"{ADMISSION}/validatingadmissionpolicies", {**policy, "metadata": {"name": LONG}}).done()
    admin.create(f"{ADMISSION}/validatingadmissionpolicybindings", {"metadata": {"name": LONG}, "spec": binding}).done()
    bad = pods.put(pods.dynamic_agent(), "spec/hostPID", True)
    until(lambda: admin.pod(LONG, bad), lambda answer: f"'{LONG}'" in answer.message)
    return LONG


@st.composite
def near_cases(draw: st.DrawFn) -> Object:
    """An honest agent with a few changes out of the table of cases, good and bad, wherever they fit."""
    pod = pods.BASES[draw(st.sampled_from(sorted(pods.BASES)))]()
    changes: list[Case] = draw(st.lists(st.sampled_from(CASES), min_size=1, max_size=3))
    for case in changes:
        for path, value in {**case.also, case.path: draw(st.sampled_from([case.good, case.bad]))}.items():
            try:
                pod = pods.put(pod, path, value)
            except (IndexError, KeyError, TypeError, AttributeError):
                continue  # another change has taken away what this one is about
    return pod


def verdict(admin: Api, namespace: str, policy: str, pod: Object) -> tuple[int, str]:
    """The status and, of a refusal, the sentences."""
    answer = admin.pod(namespace, pod)
    _, ours, sentences = answer.message.partition(f"ValidatingAdmissionPolicy '{policy}' with binding ")
    return answer.status, sentences.partition(" denied request: ")[2] if ours else ""


def test_a_pod_fares_alike_with_and_without_proofs(admin: Api, shop: str, long: str) -> None:
    seen: Counter[str] = Counter()

    @examples(PODS)
    @given(st.one_of(agents(), near_cases()))
    def check(pod: Object) -> None:
        short = verdict(admin, shop, "buildkeep-pods", pod)
        assert short == verdict(admin, long, LONG, pod)
        seen["admitted" if short[0] == 201 else "refused" if short[1] else "invalid"] += 1

    check()
    assert min(seen["admitted"], seen["refused"]) >= PODS / 6, seen

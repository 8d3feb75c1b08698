"""The short way says what the rules say: with the proofs of files/ordinary.yaml or without, a pod fares alike."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import policies, policies_pods, rules
from ansible_collections.buildkeep.ci.plugins.module_utils.images import template_images
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod import (
    clouds,
    dynamic_pod,
    pod_request,
    static_pod,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profiles, load_profiles
from hypothesis import given
from hypothesis import strategies as st

from tests.api import pods
from tests.api.api import ADMISSION, Api, Object, until
from tests.api.case import Case
from tests.api.cases import CASES
from tests.api.conftest import CLUSTER_IMAGES, CONTROLLER, tenant_namespace
from tests.api.properties import examples
from tests.api.property_pods import agents
from tests.api.test_rendered_pods import AGENT, JENKINSFILES, VALUES, moved
from tests.chart.rendering import template, tenants

PODS = 700
LONG = "ordinary-long"
OURS = re.compile(
    rf"ValidatingAdmissionPolicy '(?P<policy>buildkeep-pods|buildkeep-pods-tenant|{LONG})' "
    r"with binding '[^']+' denied request: (?P<text>.*)"
)


@pytest.fixture(scope="module")
def long(admin: Api, audit: str, profiles: Profiles) -> str:
    """A namespace, of a tenant in mode audit, where the pod policy without any proof denies."""
    table = [dataclasses.replace(rule, unless="") for rule in rules.load() if rule.scope]
    policy = policies.build_policies(profiles, CLUSTER_IMAGES, CONTROLLER)[0]
    conditions, entries = policy["spec"]["matchConditions"], [*template_images(profiles), *CLUSTER_IMAGES]
    assert [one["name"] for one in conditions] == ["something-changed", "not-ordinary"]
    variables = policies_pods.variables(table, profiles, entries)
    assert variables != policy["spec"]["variables"]
    policy["spec"] |= {"variables": variables, "matchConditions": conditions[:1]}
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


@st.composite
def of_tenants(draw: st.DrawFn) -> Object:
    """A pod that is wrong for its tenant only, or not at all."""
    pod = pods.dynamic_agent()
    for path, values in (
        ("spec/containers/0/image", (f"{pods.BASE}/x:1", "gcr.io/team:1", "docker.io/evil/x:1", f"{pods.BASE}x/y:1")),
        ("metadata/labels/buildkeep.dev~tenant", ("shop", "blog", None)),
        ("spec/serviceAccountName", ("agent", "pusher", "builder-kaniko", "deployer")),
    ):
        pod = pods.put(pod, path, draw(st.sampled_from(values)))
    return pods.put(pod, "spec/automountServiceAccountToken", False)


def verdict(admin: Api, namespace: str, pod: Object) -> tuple[int, str, str]:
    """The status and, of a refusal, the sentences and by whom."""
    answer = admin.pod(namespace, pod)
    ours = OURS.search(answer.message)
    return (answer.status, ours["text"], ours["policy"]) if ours else (answer.status, "", "")


def test_a_pod_fares_alike_with_and_without_proofs(admin: Api, shop: str, long: str) -> None:
    seen: Counter[str] = Counter()

    @examples(PODS)
    @given(st.one_of(agents(), near_cases(), of_tenants()))
    def check(pod: Object) -> None:
        *short, policy = verdict(admin, shop, pod)
        *whole, _ = verdict(admin, long, pod)
        assert short == whole
        seen["admitted" if short[0] == 201 else policy or "invalid"] += 1

    check()
    assert min(seen["admitted"], seen["buildkeep-pods"]) >= PODS / 6, seen
    assert seen["buildkeep-pods-tenant"] >= PODS / 50, seen


@pytest.fixture(scope="module")
def odd(admin: Api, shop: str, profiles: Profiles) -> str:
    """A namespace where every pod that is not ordinary is refused."""
    policy = policies.build_policies(profiles, CLUSTER_IMAGES, CONTROLLER)[0]
    policy["spec"] |= {"variables": [], "validations": [{"expression": "false", "message": "odd"}]}
    accounts = ["agent", *(one.service_account for one in load_profiles().builders.values())]
    tenant_namespace(admin, "ordinary-odd", mode="audit", accounts=accounts)
    selector = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ordinary-odd"}}}
    binding = {"policyName": "odd", "validationActions": ["Deny"], "matchResources": selector}
    admin.create(f"{ADMISSION}/validatingadmissionpolicies", {**policy, "metadata": {"name": "odd"}}).done()
    admin.create(
        f"{ADMISSION}/validatingadmissionpolicybindings", {"metadata": {"name": "odd"}, "spec": binding}
    ).done()
    bad = pods.put(pods.dynamic_agent(), "spec/hostPID", True)
    until(lambda: admin.pod("ordinary-odd", bad), lambda answer: "'odd'" in answer.message)
    return "ordinary-odd"


@pytest.mark.parametrize("name", JENKINSFILES)
def test_the_pod_of_a_jenkinsfile_is_ordinary(admin: Api, odd: str, name: str) -> None:
    cloud = clouds(template(VALUES).of_kind("ConfigMap"))["shop"]
    pod = dynamic_pod(cloud, pod_request(JENKINSFILES[name][0], "shop_1-x", "job/shop/1/"), AGENT)
    assert admin.pod(odd, moved(pod, odd)).ok


@pytest.mark.parametrize("builder", load_profiles().builders)
def test_the_pod_of_a_template_is_ordinary(admin: Api, odd: str, builder: str) -> None:
    values = {**tenants("shop", builders=[builder], push="ghcr.io/acme/shop"), "appArmor": True, "userNamespaces": True}
    pod = static_pod(clouds(template(values).of_kind("ConfigMap"))["shop"], f"shop-{builder}", AGENT)
    assert admin.pod(odd, moved(pod, odd)).ok

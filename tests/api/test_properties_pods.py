"""Whatever a pod looks like: what Pod Security Admission refuses, the policies alone refuse too.

The policies judge it in a tenant's namespace without Pod Security labels, Pod Security in namespaces without ours: with
`restricted`, or with `baseline` where the pod holds the builder; the rest of such a pod must meet `restricted` as well.
"""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given

from tests.api import pods
from tests.api.api import Answer, Api
from tests.api.pods import Object
from tests.api.properties import examples
from tests.api.property_pods import BUILDERS, agents, debuggers, has_builder, without_builder

PODS = 1500
DEBUGGERS = 200
LEVELS = ("restricted", "baseline")


@pytest.fixture(scope="module")
def levels(admin: Api, shop: str) -> None:
    """A namespace for each level, where nothing but Pod Security Admission holds."""
    for level in LEVELS:
        labels = {"pod-security.kubernetes.io/enforce": level, "pod-security.kubernetes.io/enforce-version": "latest"}
        admin.create("/api/v1/namespaces", {"metadata": {"name": level, "labels": labels}}).done()
        for account in ("agent", "pusher", *BUILDERS):
            body = {"metadata": {"name": account}, "automountServiceAccountToken": False}
            admin.create(f"/api/v1/namespaces/{level}/serviceaccounts", body).done()


def violations(admin: Api, agent: Object) -> list[str]:
    """What Pod Security Admission says to a pod that the policies admit."""
    asked = (
        [("baseline", agent), ("restricted", without_builder(agent))] if has_builder(agent) else [("restricted", agent)]
    )
    answers = [admin.pod(level, one) for level, one in asked if one["spec"]["containers"]]
    return [answer.message for answer in answers if not answer.ok]


def test_the_policies_never_admit_what_pod_security_refuses(admin: Api, shop: str, levels: None) -> None:
    seen: Counter[str] = Counter()

    @examples(PODS)
    @given(agents())
    def check(agent: Object) -> None:
        answer = admin.pod(shop, agent)
        if answer.ok:
            found = violations(admin, agent)
            seen["admitted"] += 1
            seen["admitted with the builder"] += has_builder(agent)
            assert found == []
        elif "ValidatingAdmissionPolicy 'buildkeep-pods" in answer.message:
            seen["refused"] += 1
        else:
            # No pod for the API server itself, whatever the namespace.
            assert answer.status in (400, 422) or "error looking up service account" in answer.message, answer.message
            seen["invalid"] += 1

    check()
    whole = seen["admitted"] + seen["refused"] + seen["invalid"]
    assert whole >= PODS * 0.9, seen
    assert min(seen["admitted"], seen["refused"]) >= whole / 3, seen
    assert seen["admitted with the builder"] >= whole / 20, seen


@pytest.fixture(scope="module")
def running(admin: Api, shop: str, levels: None) -> None:
    """The same agent in the tenant's namespace and under `restricted`."""
    for namespace in (shop, "restricted"):
        admin.pod(namespace, pods.put(pods.dynamic_agent(), "metadata/name", "random"), dry=False).done()


def debugged(admin: Api, namespace: str, container: Object) -> Answer:
    """Add a container to the running agent."""
    path = f"/api/v1/namespaces/{namespace}/pods/random/ephemeralcontainers?dryRun=All"
    change = {"spec": {"ephemeralContainers": [container]}}
    return admin.request("PATCH", path, change, "application/strategic-merge-patch+json")


def test_what_pod_security_refuses_of_ephemeral_containers_the_policies_name(
    admin: Api, shop: str, running: None
) -> None:
    seen: Counter[str] = Counter()

    @examples(DEBUGGERS)
    @given(debuggers())
    def check(container: Object) -> None:
        theirs, ours = debugged(admin, "restricted", container), debugged(admin, shop, container)
        seen["admitted" if theirs.ok else "refused" if "violates PodSecurity" in theirs.message else "invalid"] += 1
        # One rule refuses any such container; what else is wrong with it must be named beside.
        assert ours.status == 422 or "[pod] field spec.ephemeralContainers" in ours.message, ours.message
        assert "violates PodSecurity" not in theirs.message or "container debugger, field " in ours.message, (
            ours.message
        )

    check()
    assert min(seen["admitted"], seen["refused"]) >= sum(seen.values()) / 5, seen

"""Why a canary was not answered as expected, from objects as the cluster may hold them."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import canaries_causes, policies
from ansible_collections.buildkeep.ci.plugins.module_utils.canaries import Case, Reply
from ansible_collections.buildkeep.ci.plugins.module_utils.canaries_foreign import foreign_cause
from ansible_collections.buildkeep.ci.plugins.module_utils.canaries_matching import Asked
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import load_profiles

Object = dict[str, Any]
LABELS = {"buildkeep.dev/tenant": "shop", "buildkeep.dev/mode": "enforce"}
CONTROLLER = {"namespace": "jenkins", "serviceAccount": "jenkins"}
OURS = {(one["kind"], one["metadata"]["name"]): one for one in policies.build_policies(load_profiles(), [], CONTROLLER)}
POLICY = OURS["ValidatingAdmissionPolicy", "buildkeep-pods"]
BINDINGS = [
    OURS["ValidatingAdmissionPolicyBinding", f"buildkeep-pods-{mode}"] for mode in ("enforce", "audit")
]  # as they are made


def asked(labels: dict[str, str] | None = None, resource: str = "pods", operation: str = "CREATE") -> Asked:
    return Asked("", "v1", resource, (operation,), {"app": "x"}, LABELS if labels is None else labels)


def case(expect: str = "refused", rule: str = "images") -> Case:
    return Case("c", "ci-shop", {"spec": {}}, expect, "buildkeep-pods", rule)


def put(item: Object, path: str, value: Any) -> Object:
    """A copy with one field of the spec set."""
    made = copy.deepcopy(item)
    at = made["spec"]
    *way, last = path.split(".")
    for step in way:
        at = at.setdefault(step, {})
    at[last] = value
    return made


def rule(*resources: str, operations: tuple[str, ...] = ("CREATE",), **more: Any) -> Object:
    return {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": list(operations),
        "resources": list(resources),
        **more,
    }


# A change of the policy, or of the binding that enforces it, and the words that name it.
CHANGES: list[tuple[str, str, Any, str]] = [
    ("policy", "validations", [], "buildkeep-pods has no validations"),
    (
        "policy",
        "matchConstraints.resourceRules",
        [rule("pods", operations=("UPDATE",))],
        "has no resourceRules for CREATE",
    ),
    (
        "policy",
        "matchConstraints.excludeResourceRules",
        [rule("*")],
        "leaves CREATE of pods out by its excludeResourceRules",
    ),
    (
        "policy",
        "matchConstraints.namespaceSelector",
        {"matchLabels": {"a": "b"}},
        "buildkeep-pods does not select the namespace",
    ),
    (
        "policy",
        "matchConstraints.objectSelector",
        {"matchLabels": {"a": "b"}},
        "buildkeep-pods does not select the object by its objectSelector",
    ),
    (
        "policy",
        "matchConditions",
        [{"name": "pause", "expression": " false "}],
        "is switched off by its matchConditions: pause is false",
    ),
    ("policy", "failurePolicy", "Ignore", "are in place, though its failurePolicy is not Fail, yet the rule images"),
    ("binding", "validationActions", ["Audit"], "its binding buildkeep-pods-enforce has the actions Audit, not Deny"),
    ("binding", "validationActions", [], "has the actions none, not Deny"),
    (
        "binding",
        "matchResources.namespaceSelector",
        {"matchLabels": {"a": "b"}},
        "buildkeep-pods-enforce does not select the namespace",
    ),
    (
        "binding",
        "matchResources.objectSelector",
        {"matchLabels": {"a": "b"}},
        "enforce does not select the object by its objectSelector",
    ),
    (
        "binding",
        "matchResources.resourceRules",
        [rule("services")],
        "enforce has no resourceRules for CREATE",
    ),
    ("binding", "matchResources.excludeResourceRules", [rule("pods")], "enforce leaves CREATE of pods out by"),
    ("binding", "paramRef", {"name": "x"}, "its binding buildkeep-pods-enforce has a paramRef"),
    (
        "binding",
        "policyName",
        "other",
        "the policy buildkeep-pods does not deny here: its binding buildkeep-pods-audit",
    ),
]


@pytest.mark.parametrize(("which", "path", "value", "words"), CHANGES, ids=[f"{one[0]} {one[1]}" for one in CHANGES])
def test_each_way_to_pause_a_wall_is_named(which: str, path: str, value: Any, words: str) -> None:
    policy = put(POLICY, path, value) if which == "policy" else POLICY
    enforce = put(BINDINGS[0], path, value) if which == "binding" else BINDINGS[0]
    cause = canaries_causes.policy_cause(policy, [enforce, BINDINGS[1]], case(), asked())
    assert words in cause.text
    assert "run the role pod_security" in cause.text
    assert cause.certain is ("are in place" not in words)


def test_what_is_missing_is_named() -> None:
    def told(policy: Object | None, bindings: list[Object], labels: dict[str, str]) -> str:
        cause = canaries_causes.policy_cause(policy, bindings, case(), asked(labels))
        return f"{cause.certain} {cause.text}"

    assert told(None, [], LABELS).startswith("True the ValidatingAdmissionPolicy buildkeep-pods does not exist; run")
    assert told(POLICY, [], LABELS).startswith("True no ValidatingAdmissionPolicyBinding names the policy")
    assert told(POLICY, BINDINGS, {}).endswith("has no label buildkeep.dev/tenant: run the role tenants "
                                               "(pod_security for the canary namespace)")  # fmt: skip
    audit = told(POLICY, BINDINGS, {**LABELS, "buildkeep.dev/mode": "audit"})
    assert "does not deny here: its binding buildkeep-pods-audit has the actions Warn, Audit, not Deny; the n" in audit
    assert 'the namespace\'s label buildkeep.dev/mode is "audit": run the role tenants' in audit
    assert told(POLICY, BINDINGS, LABELS).startswith("False policy buildkeep-pods and its binding are in place")


def test_a_warning_that_does_not_come_has_causes_too() -> None:
    audit = {**LABELS, "buildkeep.dev/mode": "audit"}
    told = canaries_causes.policy_cause(POLICY, BINDINGS, case("warned"), asked(LABELS))
    assert told.certain and "does not warn here" in told.text
    assert not canaries_causes.policy_cause(POLICY, BINDINGS, case("warned"), asked(audit)).certain


def test_who_else_wrote_the_spec_is_named() -> None:
    managed: list[Object] = [{"manager": name, "fieldsV1": {"f:spec": {}}} for name in ("buildkeep", "kubectl-patch")]
    policy = {**put(POLICY, "validations", []), "metadata": {**POLICY["metadata"], "managedFields": managed}}
    told = canaries_causes.policy_cause(policy, BINDINGS, case(), asked()).text
    assert "has no validations (changed by kubectl-patch); run" in told


def test_causes_of_pod_security() -> None:
    assert canaries_causes.pod_security_cause({}).certain
    assert "has no label pod-security.kubernetes.io/enforce" in canaries_causes.pod_security_cause({}).text
    told = canaries_causes.pod_security_cause({"pod-security.kubernetes.io/enforce": "privileged"})
    assert "enforce is privileged" in told.text and not told.certain


class Cluster:
    """What Evidence reads, without a cluster."""

    def __init__(self, **kinds: list[Object]) -> None:
        self._kinds = kinds

    def all(self, kind: str) -> list[Object]:
        return self._kinds.get(kind, [])

    def labels(self, namespace: str) -> dict[str, str]:
        return {"pod-security.kubernetes.io/enforce": "restricted"} if namespace == "ci-shop" else {}

    def asked(self, case: Case) -> Asked:
        return asked()


HOOK = {"name": "inject.istio.io", "rules": [rule("pods")], "namespaceSelector": {}}
HOOKS = [{"metadata": {"name": "istio"}, "webhooks": [HOOK]}]
BY_OURS = (
    "pods \"x\" is forbidden: ValidatingAdmissionPolicy 'buildkeep-pods' with binding 'b' denied request: [images] no"
)
FOREIGN = [
    (
        'admission webhook "inject.istio.io" denied the request: no',
        "istio.io of MutatingWebhookConfiguration istio ref",
    ),
    ('failed calling webhook "inject.istio.io": timeout', "MutatingWebhookConfiguration istio could not be called"),
    ('admission webhook "gone.io" denied the request: no', "gone.io of a webhook configuration that is gone by now"),
    (
        BY_OURS.replace("buildkeep-pods", "theirs"),
        "ValidatingAdmissionPolicy theirs of somebody else, by its binding b",
    ),
    (
        BY_OURS,
        "buildkeep-pods refused it as it was after the webhook inject.istio.io of MutatingWebhookConfiguration is",
    ),
    ('violates PodSecurity "restricted:v1.37": no', "by the namespace's label pod-security.kubernetes.io/enforce; run"),
    ('violates PodSecurity "baseline:latest": no', "at the level baseline:latest by its defaults"),
    ("no such thing", "the API server said: no such thing"),
]


@pytest.mark.parametrize(("message", "words"), FOREIGN, ids=range(len(FOREIGN)))
def test_who_refused_an_honest_pod_is_named(message: str, words: str) -> None:
    cluster: Any = Cluster(MutatingWebhookConfiguration=HOOKS)
    told = foreign_cause(cluster, case("admitted"), Reply(False, False, message))
    assert words in told
    assert told.endswith(f"the API server said: {message}")


def test_our_own_refusal_stands_alone_where_nobody_changes_pods() -> None:
    cluster: Any = Cluster()
    told = foreign_cause(cluster, case("admitted"), Reply(False, False, BY_OURS))
    assert re.match("the policy buildkeep-pods refused it; the API server said: ", told)

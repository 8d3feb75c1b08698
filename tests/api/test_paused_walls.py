"""Why a canary failed, told by a real API server: each way to pause a wall, and each way to break an honest pod."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import canaries_plugin
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import Mode

from testbed.apiserver import ApiServer
from tests.api import pods
from tests.api.api import ADMISSION, Api, Object, until
from tests.api.conftest import tenant_namespace

SPACE = "ci-causes"
HERE = {"matchLabels": {"kubernetes.io/metadata.name": SPACE}}
ELSEWHERE = {"matchLabels": {"kubernetes.io/metadata.name": "elsewhere"}}
RULE = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}
SERVICES = {**RULE, "resources": ["services"]}
POD: Object = {
    "metadata": {"name": "x", "labels": {"app": "x"}},
    "spec": {"containers": [{"name": "c", "image": "docker.io/x"}], "automountServiceAccountToken": False},
}


def policy(name: str) -> Object:
    validation = {"expression": "false", "message": "[pod] no", "reason": "Forbidden"}
    spec = {"failurePolicy": "Fail", "matchConstraints": {"resourceRules": [RULE]}, "validations": [validation]}
    return {"metadata": {"name": name}, "spec": spec}


def binding(name: str) -> Object:
    spec = {"policyName": name, "validationActions": ["Deny"], "matchResources": {"namespaceSelector": HERE}}
    return {"metadata": {"name": name}, "spec": spec}


Pause = tuple[str, Callable[[Object, Object], Any], str]
# What is done to the policy's or the binding's spec, and how it is named.
PAUSED: list[Pause] = [
    ("other-rules", lambda p, b: p["matchConstraints"].update(resourceRules=[SERVICES]),
     "the policy {} has no resourceRules for CREATE of pods"),
    ("excluded", lambda p, b: p["matchConstraints"].update(excludeResourceRules=[RULE]),
     "the policy {} leaves CREATE of pods out by its excludeResourceRules"),
    ("policy-elsewhere", lambda p, b: p["matchConstraints"].update(namespaceSelector=ELSEWHERE),
     "the policy {} does not select the namespace (which has "),
    ("policy-object", lambda p, b: p["matchConstraints"].update(objectSelector={"matchLabels": {"a": "b"}}),
     "the policy {} does not select the object by its objectSelector (which has "),
    ("condition", lambda p, b: p.update(matchConditions=[{"name": "pause", "expression": "false"}]),
     "the policy {} is switched off by its matchConditions: pause is false"),
    ("rewritten", lambda p, b: p["validations"][0].update(expression="true"),
     "policy {} and its binding are in place, yet the rule pod did not refuse it"),
    ("ignoring", lambda p, b: (p.update(failurePolicy="Ignore"), p["validations"][0].update(expression="1/0 == 1")),
     "policy {} and its binding are in place, though its failurePolicy is not Fail, yet the rule"),
    ("audited", lambda p, b: b.update(validationActions=["Audit", "Warn"]),
     "does not deny here: its binding {} has the actions Audit, Warn, not Deny"),
    ("binding-elsewhere", lambda p, b: b["matchResources"].update(namespaceSelector=ELSEWHERE),
     "does not deny here: its binding {} does not select the namespace (which has "),
    ("binding-object", lambda p, b: b["matchResources"].update(objectSelector={"matchLabels": {"a": "b"}}),
     "does not deny here: its binding {} does not select the object by its objectSelector"),
    ("binding-rules", lambda p, b: b["matchResources"].update(resourceRules=[SERVICES]),
     "does not deny here: its binding {} has no resourceRules for CREATE of pods"),
    ("binding-excluded", lambda p, b: b["matchResources"].update(excludeResourceRules=[RULE]),
     "does not deny here: its binding {} leaves CREATE of pods out by its excludeResourceRules"),
    ("unbound", lambda p, b: b.update(policyName="cause-nothing"),
     "no ValidatingAdmissionPolicyBinding names the policy {}; run the role pod_security"),
]  # fmt: skip


def send(server: ApiServer, *cases: Object) -> str:
    """The words of a canary task that must fail, sent as the administrator."""
    given = {"cases": list(cases), "user": "", "groups": [], "timeout": 0.5, "context": ""}
    with pytest.raises(BuildkeepError) as caught:
        canaries_plugin.canary({**given, "kubeconfig": str(server.kubeconfig())}, Mode(False, False))
    return str(caught.value)


@pytest.fixture(scope="module")
def space(admin: Api) -> str:
    """A namespace of nobody's."""
    admin.create("/api/v1/namespaces", {"metadata": {"name": SPACE}}).done()
    admin.create(f"/api/v1/namespaces/{SPACE}/serviceaccounts", {"metadata": {"name": "default"}}).done()
    return SPACE


@pytest.fixture
def paused(admin: Api, space: str) -> Iterator[list[Object]]:
    """Policies that are each paused in a way of its own, and the cases that they would have to refuse."""
    paths = [f"{ADMISSION}/validatingadmissionpolic{end}" for end in ("ies", "ybindings")]
    cases = []
    for name, change, _ in PAUSED:
        made = [copy.deepcopy(make(f"cause-{name}")) for make in (policy, binding)]
        change(made[0]["spec"], made[1]["spec"])
        for path, item in zip(paths, made, strict=True):
            admin.create(path, item).done()
        who = {"policy": f"cause-{name}", "rule": "pod"}
        cases.append({"name": name, "namespace": space, "pod": POD, "expect": "refused", **who})
    yield cases
    for name, _, _ in PAUSED:
        for path in reversed(paths):
            admin.request("DELETE", f"{path}/cause-{name}").done()


def test_each_way_to_pause_a_wall_is_named_with_its_remedy(api_server: ApiServer, paused: list[Object]) -> None:
    problems = {line.split()[1]: line for line in send(api_server, *paused).splitlines()}
    assert set(problems) == {name for name, _, _ in PAUSED}
    for name, _, words in PAUSED:
        line = problems[name]
        assert f"must be refused by cause-{name} [pod], but was admitted: " in line
        assert words.format(f"cause-{name}") in line
        assert "run the role " in line


def honest(namespace: str, pod: Object) -> Object:
    return {"name": "honest", "namespace": namespace, "pod": pod, "expect": "admitted"}


def test_a_webhook_and_a_policy_of_others_are_named(api_server: ApiServer, admin: Api, space: str) -> None:
    hook = {
        "name": "deny.example.org",
        "rules": [RULE],
        "namespaceSelector": HERE,
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "timeoutSeconds": 1,
    }
    path, name = f"{ADMISSION}/validatingwebhookconfigurations", "theirs"
    admin.create(path, {"metadata": {"name": name}, "webhooks": [hook]}).done()
    until(lambda: admin.pod(space, POD), lambda answer: "failed calling webhook" in answer.message)
    told = send(api_server, honest(space, POD))
    assert "the webhook deny.example.org of ValidatingWebhookConfiguration theirs could not be called" in told
    assert "leave tenants out by a namespaceSelector with `{key: buildkeep.dev/tenant, operator: DoesNotExist}`" in told
    admin.request("DELETE", f"{path}/{name}").done()
    admin.create(f"{ADMISSION}/validatingadmissionpolicies", policy(name)).done()
    admin.create(f"{ADMISSION}/validatingadmissionpolicybindings", binding(name)).done()
    until(lambda: admin.pod(space, POD), lambda answer: "'theirs'" in answer.message)
    told = send(api_server, honest(space, POD))
    assert "the ValidatingAdmissionPolicy theirs of somebody else, by its binding theirs, refused it" in told
    assert "the API server said: " in told
    for kind in ("validatingadmissionpolicybindings", "validatingadmissionpolicies"):
        admin.request("DELETE", f"{ADMISSION}/{kind}/{name}").done()


def test_what_changed_an_honest_pod_on_its_way_is_named(api_server: ApiServer, admin: Api, shop: str) -> None:
    """Our own policy refuses what somebody added; the template has no such thing."""
    tenant_namespace(admin, "ci-mutated")
    key = "k8s.v1.cni.cncf.io/networks"
    patch = {"expression": f'Object{{metadata: Object.metadata{{annotations: {{"{key}": "host"}}}}}}'}
    selector = {"matchLabels": {"kubernetes.io/metadata.name": "ci-mutated"}}
    spec = {
        "matchConstraints": {"resourceRules": [RULE], "namespaceSelector": selector},
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": patch}],
    }
    path = f"{ADMISSION}/mutatingadmissionpolic"
    admin.create(f"{path}ies", {"metadata": {"name": "injector"}, "spec": spec}).done()
    bound = {"metadata": {"name": "injector"}, "spec": {"policyName": "injector"}}
    admin.create(f"{path}ybindings", bound).done()
    agent = pods.dynamic_agent()
    until(lambda: admin.pod("ci-mutated", agent), lambda answer: key in answer.message)
    told = send(api_server, honest("ci-mutated", agent))
    assert "the policy buildkeep-pods refused it as it was after MutatingAdmissionPolicy injector had seen it" in told
    for end in ("ybindings", "ies"):
        admin.request("DELETE", f"{path}{end}/injector").done()

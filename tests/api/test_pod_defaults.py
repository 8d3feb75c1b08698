"""The policy that fills in strict values: an author may leave them out, and gains nothing else by it."""

from __future__ import annotations

import copy
import dataclasses
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.names import CANARY_NAMESPACE
from ansible_collections.buildkeep.ci.plugins.module_utils.policies_defaults import build_defaults
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profiles
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings
from hypothesis import given

from tests.api import pods
from tests.api.api import ADMISSION, Answer, Api, Object, until
from tests.api.conftest import tenant_namespace
from tests.api.properties import examples
from tests.api.property_pods import agents

KINDS = {
    "MutatingAdmissionPolicy": "mutatingadmissionpolicies",
    "MutatingAdmissionPolicyBinding": "mutatingadmissionpolicybindings",
}
RESTRICTED = {"allowPrivilegeEscalation": False, "runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}}
EMERGENCY = "sre:emergency"
PODS = 200


def bare(account: str = "agent", **security: Any) -> Object:
    """What a Jenkinsfile without a securityContext gives: containers that say nothing about their rights."""
    containers = [{"name": name, "image": f"{pods.BASE}/maven:3.9"} for name in ("tool", "more")]
    made = pods.pod(account, *containers)
    made["spec"]["initContainers"] = [{"name": "first", "image": f"{pods.BASE}/git:2"}]
    if security:
        made["spec"]["containers"][0]["securityContext"] = security
    return made


@pytest.fixture(scope="module")
def filled(admin: Api, shop: str, profiles: Profiles) -> Iterator[str]:
    """The tenant's namespace while the policy holds; it is taken away again, for others share the server."""
    backend = {"name": "admission", "policies": True, "pod_security": True, "mutations": True}
    settings = read_settings({"pod_defaults": True, "break_glass": EMERGENCY, "backend": backend})
    items = build_defaults(dataclasses.replace(settings, profiles=profiles))
    for item in items:
        admin.create(f"{ADMISSION}/{KINDS[item['kind']]}", item).done()
    until(lambda: admin.pod(shop, bare()), lambda answer: answer.ok)
    yield shop
    for item in reversed(items):
        admin.request("DELETE", f"{ADMISSION}/{KINDS[item['kind']]}/{item['metadata']['name']}").done()
    until(lambda: admin.pod(shop, bare()), lambda answer: not answer.ok)


def test_without_it_a_bare_pod_is_refused(admin: Api, shop: str) -> None:
    answer = admin.pod(shop, bare())
    assert answer.status == 403
    for field in ("allowPrivilegeEscalation", "runAsNonRoot", "capabilities.drop", "seccompProfile"):
        assert field in answer.message


def test_a_bare_pod_gets_the_strict_values_and_no_others(admin: Api, filled: str) -> None:
    spec = admin.pod(filled, bare()).done()["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}}
    for container in (*spec["containers"], *spec["initContainers"]):
        assert container["securityContext"] == RESTRICTED
    assert "hostUsers" not in spec


@pytest.mark.parametrize("name", list(pods.BASES))
def test_an_honest_agent_stays_as_it_is(admin: Api, filled: str, name: str) -> None:
    agent = pods.BASES[name]()
    agent["spec"]["automountServiceAccountToken"] = False
    agent["spec"]["securityContext"] = {"seccompProfile": {"type": "RuntimeDefault"}}
    made = admin.pod(filled, agent).done()["spec"]
    assert [one.get("securityContext") for one in made["containers"]] == [
        one.get("securityContext") for one in agent["spec"]["containers"]
    ]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("spec/containers/0/securityContext", {"privileged": True}, "field securityContext.privileged"),
        ("spec/containers/0/securityContext", {"allowPrivilegeEscalation": True}, '"true" is not allowed'),
        ("spec/containers/0/securityContext", {"capabilities": {"add": ["SYS_ADMIN"]}}, '"SYS_ADMIN" is not allowed'),
        ("spec/containers/0/securityContext", {"capabilities": {"add": ["NET_RAW"]}}, '"NET_RAW" is not allowed'),
        ("spec/containers/0/securityContext", {"runAsNonRoot": False}, "field securityContext.runAsNonRoot"),
        ("spec/containers/0/securityContext", {"runAsUser": 0}, "field securityContext.runAsUser"),
        ("spec/containers/0/securityContext", {"seccompProfile": {"type": "Unconfined"}}, '"Unconfined"'),
        ("spec/securityContext", {"runAsNonRoot": False}, "field spec.securityContext.runAsNonRoot"),
        ("spec/securityContext", {"seccompProfile": {"type": "Unconfined"}}, '"Unconfined"'),
        ("spec/automountServiceAccountToken", True, "field spec.automountServiceAccountToken"),
        ("spec/initContainers/0/securityContext", {"capabilities": {"add": ["NET_RAW"]}}, "container first"),
    ],
)
def test_what_is_written_is_judged_as_written(admin: Api, filled: str, path: str, value: Any, words: str) -> None:
    answer = admin.pod(filled, pods.put(bare(), path, value))
    assert answer.status == 403
    assert words in answer.message


def test_capabilities_that_only_add_drop_all_others(admin: Api, filled: str) -> None:
    made = admin.pod(filled, bare(capabilities={"add": ["NET_BIND_SERVICE"]})).done()["spec"]
    assert made["containers"][0]["securityContext"]["capabilities"] == {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]}


def test_a_builder_is_never_touched(admin: Api, filled: str) -> None:
    """Neither is one made to fit, nor does one lose what its profile grants."""
    agent = pods.static_agent()
    without = {"runAsUser": 0, "runAsNonRoot": False}
    answer = admin.pod(filled, pods.put(agent, "spec/containers/0/securityContext", without))
    assert answer.status == 403
    assert "container kaniko, field securityContext.allowPrivilegeEscalation" in answer.message


def test_the_emergency_group_gets_what_it_asks_for(admin: Api, filled: str) -> None:
    helper = admin.user("helper", EMERGENCY, "system:masters")
    answer: Answer = helper.pod(filled, bare())
    assert "allowPrivilegeEscalation" in answer.message


def test_nothing_happens_outside_tenants_or_in_audit(admin: Api, filled: str, audit: str) -> None:
    for namespace in (audit, "default"):
        pod = copy.deepcopy(bare())
        if namespace == "default":
            path = "/api/v1/namespaces/default/serviceaccounts"
            admin.create(path, {"metadata": {"name": "agent"}}).done()
        made = admin.pod(namespace, pod).done()["spec"]
        assert "securityContext" not in made["containers"][0]
        assert made["securityContext"] == {}


@pytest.fixture(scope="module")
def plain(admin: Api, filled: str) -> str:
    """A namespace with the same rules that the policy spares."""
    tenant_namespace(admin, "ci-plain", labels={"buildkeep.dev/tenant": CANARY_NAMESPACE})
    return "ci-plain"


def test_whatever_a_pod_looks_like_it_gains_nothing(admin: Api, filled: str, plain: str) -> None:
    """All that was written stays. With the values written out the rules alone admit the pod, and it loses nothing."""
    seen: Counter[str] = Counter()

    @examples(PODS)
    @given(agents())
    def check(agent: Object) -> None:
        alone, answer = admin.pod(plain, there(agent)), admin.pod(filled, agent)
        assert answer.ok or not alone.ok, answer.message
        seen["same" if answer.ok == alone.ok else "only so"] += 1
        if answer.ok:
            spec = answer.body["spec"]
            assert lost(agent["spec"], spec) == []
            admin.pod(plain, there({**agent, "spec": spec})).done()

    check()
    assert seen["only so"] >= PODS / 50, seen


def there(agent: Object) -> Object:
    """The pod as that of the other namespace."""
    return pods.put(agent, "metadata/labels/buildkeep.dev~tenant", CANARY_NAMESPACE)


def lost(given_: Any, found: Any, path: str = "") -> list[str]:
    """The paths of values that are no longer there; the API server itself drops empty ones."""
    if isinstance(given_, dict) and isinstance(found, dict):
        return [one for key, value in given_.items() for one in lost(value, found.get(key), f"{path}/{key}")]
    if isinstance(given_, list) and isinstance(found, list) and len(given_) <= len(found):
        return [one for index, value in enumerate(given_) for one in lost(value, found[index], f"{path}/{index}")]
    return [] if given_ == found or not given_ else [f"{path}: {given_} became {found}"]

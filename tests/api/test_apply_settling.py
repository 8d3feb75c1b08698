"""A change of policies is in force when the task is done, and nothing of it is judged before."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import applying_settling
from ansible_collections.buildkeep.ci.plugins.module_utils.applying_settling import witness
from ansible_collections.buildkeep.ci.plugins.module_utils.client import Client
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

from testbed.apiserver import ApiServer
from tests.api.api import ADMISSION, Answer, Api, Object
from tests.api.apply_support import Engine, configmap

NAME = "settling-test"
VERSION = "admissionregistration.k8s.io/v1"
KINDS = [f"{VERSION}/ValidatingAdmissionPolicy", f"{VERSION}/ValidatingAdmissionPolicyBinding", "v1/ConfigMap"]
RULE = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["CREATE"]}
ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"


def walls(text: str) -> tuple[Object, Object]:
    """Give a policy with a variable, which refuses ConfigMaps that hold `bad`, and its binding."""
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [RULE]},
        "variables": [{"name": "data", "expression": "object.?data.orValue({})"}],
        "validations": [{"expression": "!('bad' in variables.data)", "message": f"[settling] {text}"}],
    }
    bound = {"policyName": NAME, "validationActions": ["Deny"]}
    return (
        {"apiVersion": VERSION, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": NAME}, "spec": spec},
        {"apiVersion": VERSION, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": NAME}, "spec": bound},
    )


def ask(admin: Api) -> Answer:
    """Send what the policy refuses, once."""
    body = {"metadata": {"name": NAME}, "data": {"bad": ""}}
    return admin.create("/api/v1/namespaces/default/configmaps", body, dry=True)


def policies(admin: Api) -> set[str]:
    """Name all policies and bindings."""
    found = [admin.request("GET", f"{ADMISSION}/validatingadmissionpolic{end}").done() for end in ("ies", "ybindings")]
    return {item["metadata"]["name"] for one in found for item in one["items"]}


@pytest.fixture
def engine(api_server: ApiServer) -> Iterator[Engine]:
    made = Engine(api_server, owner="settling")
    yield made
    made.run(state="absent", prune=KINDS)


def test_the_first_request_after_a_change_is_judged_by_it(engine: Engine, admin: Api) -> None:
    before = policies(admin)
    for text in ("one", "two", "three"):
        assert engine.run(*walls(text)).changed
        assert ask(admin).message.endswith(f"[settling] {text}")
    assert policies(admin) - before == {NAME}
    assert engine.run(*walls("three"), diff=True).raw["msg"] == "2 unchanged"


def test_until_it_is_in_force_only_the_witness_is_asked(
    engine: Engine, admin: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []
    lock, request = threading.Lock(), Client.request

    def remembered(self: Client, method: str, path: str, *rest: Any, **more: Any) -> Any:
        answer: Any = None
        try:
            answer = request(self, method, path, *rest, **more)
        finally:
            with lock:
                asked.append((method, path))
        return answer

    monkeypatch.setattr(Client, "request", remembered)
    beside = configmap("default", "settling-beside", {"good": ""})
    assert engine.run(beside, *walls("one")).changed
    writes = [(method, path) for method, path in asked if method != "GET"]
    policy, bound = f"{ADMISSION}/validatingadmissionpolicies", f"{ADMISSION}/validatingadmissionpolicybindings"
    assert writes[:4] == [
        ("PATCH", f"{policy}/{NAME}"), ("PATCH", f"{bound}/{NAME}"), ("POST", policy), ("POST", bound)
    ]  # fmt: skip
    assert {*writes[4:-3]} == {("POST", ROLES)}
    assert [method for method, _ in writes[-3:]] == ["DELETE", "DELETE", "PATCH"]
    assert writes[-1][1].endswith("/configmaps/settling-beside")

    for check in (False, True):
        asked.clear()
        assert not engine.run(beside, *walls("one"), check=check).changed
        assert [path for method, path in asked if method != "GET"] == [
            "/api/v1/namespaces/default/configmaps/settling-beside"
        ]
    asked.clear()
    assert engine.run(*walls("two"), check=True).changed
    assert ask(admin).message.endswith("[settling] one")
    assert {method for method, _ in asked} == {"GET", "PUT"}


def test_what_a_run_that_died_left_behind_goes_with_the_next(engine: Engine, admin: Api) -> None:
    left = witness("buildkeep-witness-left", "settling")
    for item, kind in zip(left, ("policies", "policybindings"), strict=True):
        admin.create(f"{ADMISSION}/validatingadmission{kind}", item).done()
    done = engine.run(*walls("one"), prune=KINDS)
    assert {key for key, action in done.actions.items() if action == "deleted"} == {
        "ValidatingAdmissionPolicy buildkeep-witness-left",
        "ValidatingAdmissionPolicyBinding buildkeep-witness-left",
    }
    assert not [name for name in policies(admin) if "witness" in name]


def test_a_server_that_does_not_answer_by_policies_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying_settling, "SETTLE_SECONDS", 3.0)
    with ApiServer(flags=["--disable-admission-plugins=ValidatingAdmissionPolicy"]) as server:
        with pytest.raises(BuildkeepError, match="see that its admission plugin ValidatingAdmissionPolicy is on"):
            Engine(server, owner="settling").run(*walls("one"))
        assert policies(Api(server)) == {NAME}

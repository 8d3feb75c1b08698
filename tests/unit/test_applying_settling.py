"""When a change of policies is in force, and what is asked until then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import applying_settling, client_waiting
from ansible_collections.buildkeep.ci.plugins.module_utils.applying_settling import settle, witness
from ansible_collections.buildkeep.ci.plugins.module_utils.client import Client
from ansible_collections.buildkeep.ci.plugins.module_utils.client_answers import Answer
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError, Lost
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

ADMISSION = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic"
ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
TRACE = "/api/v1/namespaces/kube-system/configmaps/kube-root-ca.crt"
KINDS = {
    "/apis/admissionregistration.k8s.io/v1": {
        "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
        "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
    },
    "/apis/rbac.authorization.k8s.io/v1": {"ClusterRole": "clusterroles"},
    "/api/v1": {"ConfigMap": "configmaps"},
}


class Server:
    """Refuses the witness from the `late`th question on; the type check has seen a policy at its `checked`th look."""

    def __init__(self, minor: str = "37", *, late: int = 1, checked: int = 0, trace: int = 200) -> None:
        self.minor, self.late, self.checked, self.trace = minor, late, checked, trace
        self.asked: list[tuple[str, str]] = []
        self.made: dict[str, Any] = {}
        self.lose = 0
        self.url = "https://server"

    def count(self, method: str, path: str) -> int:
        return self.asked.count((method, path))

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None, **more: Any) -> Answer:
        if path in KINDS:
            found = [
                {"kind": kind, "name": name, "namespaced": kind == "ConfigMap", "verbs": []}
                for kind, name in KINDS[path].items()
            ]
            return Answer(200, {"resources": found})
        self.asked.append((method, path))
        if path == "/version":
            return Answer(200, {"major": "1", "minor": self.minor})
        if path == ROLES:
            return self._judge(dict(body or {}), more["query"])
        if method == "POST" and body is not None:
            self.made[f"{path}/{body['metadata']['name']}"] = body
        if method == "DELETE":
            del self.made[path]
        if path == TRACE and self.trace != 200:
            raise ApiError("read", self.trace, {})
        if method == "GET" and path.startswith(ADMISSION):
            seen = 2 if 0 < self.checked <= self.count(method, path) else 1
            metadata = {"name": path.rpartition("/")[2], "generation": 2}
            return Answer(200, {"metadata": metadata, "status": {"observedGeneration": seen}})
        return Answer(200, {})

    def _judge(self, role: dict[str, Any], query: Mapping[str, str]) -> Answer:
        assert query == {"dryRun": "All"}
        if self.lose:
            self.lose -= 1
            raise Lost(["refused"])
        name = role["metadata"]["name"]
        assert {f"{ADMISSION}ies/{name}", f"{ADMISSION}ybindings/{name}"} == set(self.made)
        if self.count("POST", ROLES) < self.late:
            return Answer(201, {})
        words = f"ValidatingAdmissionPolicy '{name}' with binding '{name}' denied request: [witness] {name}"
        raise ApiError(
            "ask", 422, {"message": f'clusterroles.rbac.authorization.k8s.io "{name}" is forbidden: {words}'}
        )

    def settle(self, *written: str, check: bool = False) -> list[str]:
        return settle(Cluster(cast("Client", self)), "pod_security", written, check)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying_settling, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(applying_settling, "CHECK_POLL_SECONDS", 0.0)
    monkeypatch.setattr(client_waiting, "PAUSE_SECONDS", 0.0)


def test_nothing_but_the_witness_is_asked_and_it_goes_again() -> None:
    server = Server(late=4)
    assert server.settle("buildkeep-pods") == []
    assert server.made == {}
    words = [f"{method} {path}" for method, path in server.asked]
    assert words[:3] == ["GET /version", f"POST {ADMISSION}ies", f"POST {ADMISSION}ybindings"]
    # Three that are admitted, one that is refused, and then one on each connection.
    assert words[3:-2] == [f"POST {ROLES}"] * (4 + 8)
    assert [word.partition("/buildkeep-witness-")[0] for word in words[-2:]] == [
        f"DELETE {ADMISSION}ybindings",
        f"DELETE {ADMISSION}ies",
    ]


def test_policy_and_binding_are_both_of_this_run_and_of_the_role() -> None:
    policy, binding = witness("buildkeep-witness-1", "pod_security")
    selectors = [policy["spec"]["matchConstraints"], binding["spec"]["matchResources"]]
    assert [each["objectSelector"]["matchLabels"] for each in selectors] == [
        {"buildkeep.dev/witness": "buildkeep-witness-1"}
    ] * 2
    assert "variables" not in policy["spec"]
    assert {item["metadata"]["labels"]["buildkeep.dev/role"] for item in (policy, binding)} == {"pod_security"}


def test_one_that_is_never_refused_is_an_error_and_goes_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying_settling, "SETTLE_SECONDS", 0.05)
    server = Server(late=1_000_000)
    with pytest.raises(
        BuildkeepError, match=r"was admitted\); see that its admission plugin ValidatingAdmissionPolicy"
    ):
        server.settle("buildkeep-pods")
    assert server.made == {}


def test_a_server_that_went_away_is_waited_for() -> None:
    server = Server()
    server.lose = 3
    server.settle("buildkeep-pods")
    assert server.count("GET", "/api/v1/namespaces") == 3
    assert server.made == {}


def test_before_1_36_the_type_check_is_waited_for() -> None:
    server = Server("35", checked=5)
    (note,) = server.settle("buildkeep-pods")
    assert "changed: buildkeep-pods." in note
    assert "kubernetes/kubernetes#135757" in note
    assert server.count("GET", f"{ADMISSION}ies/buildkeep-pods") == 5
    assert server.asked.index(("POST", f"{ADMISSION}ies")) > server.asked.index(("GET", TRACE))


@pytest.mark.parametrize(("minor", "trace", "looks"), [("36", 200, 0), ("36+", 200, 0), ("35", 404, 1)])
def test_where_nobody_checks_or_it_does_no_harm_nothing_is_waited_for(minor: str, trace: int, looks: int) -> None:
    server = Server(minor, trace=trace)
    server.settle("buildkeep-pods")
    assert server.count("GET", f"{ADMISSION}ies/buildkeep-pods") == looks


@pytest.mark.parametrize("trace", [200, 403])
def test_a_type_check_that_does_not_come_is_told(monkeypatch: pytest.MonkeyPatch, trace: int) -> None:
    monkeypatch.setattr(applying_settling, "CHECK_SECONDS", 0.05)
    assert "has not checked buildkeep-pods within" in Server("30", trace=trace).settle("buildkeep-pods")[1]


@pytest.mark.parametrize(("minor", "words"), [("35", "would change: a, b."), ("36", "")])
def test_check_mode_only_says_what_would_be(minor: str, words: str) -> None:
    server = Server(minor)
    assert words in "".join(server.settle("b", "a", check=True))
    assert server.asked == [("GET", "/version")]

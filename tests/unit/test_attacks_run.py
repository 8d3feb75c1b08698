"""The runner asks every question that the table holds, and a cluster without walls is found out."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from testbed.attacks import run as running
from testbed.attacks.answers import Answer
from testbed.attacks.api import Api
from testbed.attacks.jenkinsfile import PROOF
from testbed.attacks.plugin import table_names
from testbed.attacks.run import Runner
from testbed.attacks.stage import OUTSIDE, TENANT, TWIN, Stage, grants, in_twin, twin_of
from testbed.attacks.table import load
from testbed.attacks.ways import Build

TOOL = {"name": "tool", "image": "docker.io/jenkins/inbound-agent:1"}
WALL = (
    "pods \"x\" is forbidden: ValidatingAdmissionPolicy 'buildkeep-pods' with binding 'buildkeep-pods-enforce' denied "
    'request: [images] container tool, field image: "docker.io/library/not-active-yet:1" is not allowed; allowed: a/b'
)


class OpenServer:
    """An API server that lets everything pass but the image by which the runner sees that rules are active."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def ask(self, verb: str, path: str, body: Any = None) -> Answer:
        """Yes."""
        self.asked.append(f"{verb} {path}")
        return Answer(False, WALL) if "not-active-yet" in str(body) else Answer(True, "")

    def must(self, verb: str, path: str, body: Any = None) -> Any:
        """Whatever is made is called agent."""
        self.asked.append(f"{verb} {path}")
        return {"metadata": {"name": "agent"}}


def build(job: str, directory: Path) -> Build:
    """A controller on which every step runs."""
    return cast(Build, SimpleNamespace(ok=True, log=f"{PROOF}\nFinished: SUCCESS\n"))


def pod_of(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """The pod as the author wrote it."""
    return {"metadata": {}, **copy.deepcopy(part["pod"])}


@pytest.fixture
def server() -> OpenServer:
    """A server without walls."""
    return OpenServer()


@contextmanager
def agent(*_: object) -> Iterator[str]:
    """A running agent's name."""
    yield "agent"


def test_on_a_cluster_without_walls_every_attack_gets_through(
    server: OpenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "running_agent", agent)
    attacks = load(table_names())
    outcomes = Runner(Stage(*(cast(Api, server) for _ in range(3))), build, pod_of, TOOL).run(attacks)
    assert [outcome.attack.id for outcome in outcomes] == [attack.id for attack in attacks]
    assert {outcome.verdict for outcome in outcomes} == {"GOT THROUGH"}
    behind = [outcome for outcome in outcomes if outcome.attack.behind]
    assert all("without Pod Security: GOT THROUGH" in outcome.problems for outcome in behind)


def test_no_attack_is_tried_before_the_rules_are_active(monkeypatch: pytest.MonkeyPatch) -> None:
    class Asleep(OpenServer):
        def ask(self, verb: str, path: str, body: Any = None) -> Answer:
            self.asked.append(path)
            return Answer(True, "")

    server = Asleep()
    monkeypatch.setattr(running, "WALL_SECONDS", 0)
    with pytest.raises(TimeoutError, match="buildkeep-pods to refuse a foreign image in ci-shop"):
        Runner(Stage(*(cast(Api, server) for _ in range(3))), build, pod_of, TOOL).run(load(table_names()))
    assert {path.partition("/pods")[0] for path in server.asked} == {f"/api/v1/namespaces/{TENANT}"}


def test_the_twin_is_the_tenant_without_pod_security() -> None:
    tenant: dict[str, Any] = {
        "metadata": {
            "name": TENANT,
            "labels": {
                "buildkeep.dev/tenant": "shop",
                "buildkeep.dev/mode": "enforce",
                "pod-security.kubernetes.io/enforce": "x",
            },
            "annotations": {
                "buildkeep.dev/images": "a/",
                "buildkeep.dev/builders": "kaniko",
                "buildkeep.dev/created": "true",
            },
        }
    }
    twin = twin_of(tenant)["metadata"]
    assert twin["name"] == TWIN
    assert twin["labels"] == {"buildkeep.dev/tenant": "shop", "buildkeep.dev/mode": "enforce"}
    assert twin["annotations"] == {"buildkeep.dev/images": "a/", "buildkeep.dev/builders": "kaniko"}


def test_the_same_pod_goes_to_the_twin_and_the_original_stays() -> None:
    pod: dict[str, Any] = {
        "metadata": {"namespace": TENANT, "labels": {"buildkeep.dev/tenant": "shop"}},
        "spec": {"hostPID": True},
    }
    moved = in_twin(pod)
    assert moved["metadata"] == {"namespace": TWIN, "labels": {"buildkeep.dev/tenant": "shop"}}
    assert moved["spec"]["hostPID"] is True
    assert pod["metadata"]["namespace"] == TENANT


def test_the_debugging_user_may_debug_in_the_tenant_and_outside() -> None:
    roles = {namespace: thing for namespace, thing in grants() if thing["kind"] == "Role"}
    assert set(roles) == {TENANT, OUTSIDE, TWIN}
    for role in roles.values():
        assert (
            "patch" in next(rule for rule in role["rules"] if "pods/ephemeralcontainers" in rule["resources"])["verbs"]
        )

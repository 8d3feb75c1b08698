"""What the typed check of Kubernetes finds in the policies, against the fields of 1.30: nothing.

The server itself compiles every expression when a policy is made, without types. A controller checks it with them
later and writes down in the policy's status what it found, for whoever looks there.

That makes the server compile the policy once more, and before 1.36 it can end when it judges a request meanwhile
(kubernetes/kubernetes#135757): so a server of its own, whose tenants nobody uses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import policies
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles import system_objects
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profiles
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings

from testbed.apiserver import ApiServer
from tests.api.api import ADMISSION, Answer, Api, Object, until
from tests.api.apply_support import Engine
from tests.api.conftest import CLUSTER_IMAGES, CONTROLLER
from tests.api.test_apply_settling import ask, walls
from tests.old.conftest import FLAGS, OLDEST
from tests.servers import TYPE_CHECKER, controllers

# Every option that adds something to an expression.
OPTIONS = policies.Options(
    break_glass="emergency", pod_annotations=("autopilot.gke.io/", "openshift.io/scc"), storage_classes=("standard",)
)
NODES = {"node_profiles": "daemonset", "backend": "admission"}
# One policy after the other, and the largest take many seconds.
CHECKED_SECONDS = 120.0
PATH = f"{ADMISSION}/validatingadmissionpolicies"


@pytest.fixture(scope="module")
def checking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Give a server of 1.30 with the controller that checks types, and what tells of it in a real cluster."""
    log = tmp_path_factory.mktemp("controllers") / "log"
    with ApiServer(flags=FLAGS, version=OLDEST) as server, controllers(server, log, (TYPE_CHECKER,)):
        trace = {"metadata": {"name": "kube-root-ca.crt"}}
        path = "/api/v1/namespaces/kube-system/configmaps"
        until(lambda: Api(server).create(path, trace), lambda answer: answer.status in {201, 409})
        yield server


@pytest.fixture(scope="module")
def watched(checking: ApiServer) -> Api:
    """A client of its administrator."""
    return Api(checking)


def everything(profiles: Profiles) -> list[Object]:
    """All policies with all options, under names of their own and without a binding, so that they refuse nothing."""
    made = policies.build_policies(profiles, CLUSTER_IMAGES, CONTROLLER, priority_class="ordinary", options=OPTIONS)
    made += system_objects(read_settings({"tenants": [{"name": "shop", "builders": ["buildkit"]}], **NODES}))
    found = [item for item in made if item["kind"] == "ValidatingAdmissionPolicy"]
    return [{**item, "metadata": {"name": f"full-{item['metadata']['name']}"}} for item in found]


@pytest.fixture(scope="module")
def full(watched: Api, profiles: Profiles) -> list[str]:
    """Make all policies, and give their names; the controller has work for a while then."""
    return make(watched, everything(profiles))


def make(watched: Api, items: Sequence[Object]) -> list[str]:
    """Make policies and give their names."""
    return [watched.create(PATH, item).done()["metadata"]["name"] for item in items]


def found(watched: Api, names: Sequence[str]) -> dict[str, Any]:
    """Wait for the typed check of each policy; returns what it found, by name."""

    def status(name: str) -> Any:
        def seen(answer: Answer) -> bool:
            return bool(answer.body.get("status", {}).get("observedGeneration"))

        return until(lambda: watched.request("GET", f"{PATH}/{name}"), seen, CHECKED_SECONDS).body["status"]

    return {name: status(name).get("typeChecking", {}).get("expressionWarnings", []) for name in names}


@pytest.mark.usefixtures("full")
def test_a_run_goes_on_only_when_the_check_is_written_down(checking: ApiServer, watched: Api) -> None:
    engine = Engine(checking, owner="types")
    for text in ("one", "two"):
        done = engine.run(*walls(text))
        policy = watched.request("GET", f"{PATH}/settling-test").done()
        assert policy["status"]["observedGeneration"] == policy["metadata"]["generation"]
        assert ask(watched).message.endswith(text)
        assert "kubernetes/kubernetes#135757" in done.warnings
        assert "has not checked" not in done.warnings
    assert engine.run(*walls("two")).warnings == ""


def test_no_policy_has_a_warning_of_types(watched: Api, full: list[str]) -> None:
    assert {"full-buildkeep-pods", "full-buildkeep-system", "full-buildkeep-system-pods"} <= set(full)
    assert {name: warnings for name, warnings in found(watched, full).items() if warnings} == {}


def test_a_field_that_is_not_there_is_warned_of(watched: Api, profiles: Profiles) -> None:
    (pods,) = [item for item in everything(profiles) if item["metadata"]["name"] == "full-buildkeep-pods"]
    wrong = {"expression": "object.spec.noSuchField == ''"}
    spec = {**pods["spec"], "validations": [*pods["spec"]["validations"], wrong]}
    (warnings,) = found(watched, make(watched, [{**pods, "metadata": {"name": "wrong"}, "spec": spec}])).values()
    assert "noSuchField" in str(warnings)

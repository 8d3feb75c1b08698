"""The group for emergencies: past the rules about pods and exec, by its name alone, and never without a trace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import policies
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profiles

from testbed.apiserver import ApiServer
from tests.api import pods
from tests.api.api import RBAC, Answer, Api, Object, until
from tests.api.conftest import CLUSTER_IMAGES, CONTROLLER, create, tenant_namespace

GROUP = "on-call"
BAD = pods.put(pods.dynamic_agent(), "spec/hostPID", True)
BROKEN = '[pod] field spec.hostPID: "true" is not allowed; allowed: false'
DEBUGGER = {"spec": {"ephemeralContainers": [pods.tool("debugger")]}}
PODS = "/api/v1/namespaces/ci-shop/pods"
# Whoever may do everything, by right or by group, but is not in the group; the last asks for a name like it.
OTHERS = {
    "cluster-admin": ("root",),
    "masters": ("root", "system:masters"),
    "a similar name": ("root", "on-call-2", "On-Call", "x on-call"),
}
AUDIT_POLICY = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}


class World:
    """An API server with the policies, a group for emergencies, a tenant, a running agent and an audit log."""

    def __init__(self, server: ApiServer, log: Path) -> None:
        """Speak as the administrator."""
        self.admin = Api(server)
        self.helper = self.admin.user("alice", GROUP)
        self._log = log

    def trail(self, key: str, user: str, verb: str) -> list[str]:
        """The values of an audit annotation, wherever this user sent a request of this verb."""
        events: list[Any] = [json.loads(line) for line in self._log.read_text(encoding="utf-8").splitlines()]
        return [
            event.get("annotations", {}).get(key, "")
            for event in events
            if event["stage"] == "ResponseComplete"
            and event.get("impersonatedUser", {}).get("username") == user
            and event["verb"] == verb
        ]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, profiles: Profiles) -> Iterator[World]:
    """See World."""
    folder = tmp_path_factory.mktemp("audit")
    (folder / "policy.yaml").write_text(json.dumps(AUDIT_POLICY), encoding="utf-8")
    flags = (f"--audit-policy-file={folder}/policy.yaml", f"--audit-log-path={folder}/log", "--audit-log-mode=blocking")
    with ApiServer(flags=flags) as server:
        world = World(server, folder / "log")
        admin = world.admin
        for number, subject in enumerate([{"kind": "Group", "name": GROUP}, {"kind": "User", "name": "root"}]):
            subject["apiGroup"] = "rbac.authorization.k8s.io"
            role = {"apiGroup": subject["apiGroup"], "kind": "ClusterRole", "name": "cluster-admin"}
            binding = {"metadata": {"name": f"everything-{number}"}, "roleRef": role, "subjects": [subject]}
            admin.create(f"{RBAC}/clusterrolebindings", binding).done()
        tenant_namespace(admin, "ci-shop")
        tenant_namespace(admin, "ci-psa", labels={"pod-security.kubernetes.io/enforce": "baseline"})
        admin.pod("ci-shop", pods.put(pods.dynamic_agent(), "metadata/name", "running"), dry=False).done()
        options = policies.Options(break_glass=GROUP)
        for item in policies.build_policies(profiles, CLUSTER_IMAGES, CONTROLLER, options=options):
            create(admin, item)
        until(lambda: admin.pod("ci-shop", BAD), lambda answer: BROKEN in answer.message)
        until(lambda: exec_in(admin), lambda answer: "[exec]" in answer.message)
        yield world


def exec_in(user: Api, subresource: str = "exec?command=id&stdout=true") -> Answer:
    """A command in the agent; it has no node, so one that is let through fails there."""
    return user.request("POST", f"{PODS}/running/{subresource}")


def debug(user: Api) -> Answer:
    """An ephemeral container for the agent."""
    path = f"{PODS}/running/ephemeralcontainers?dryRun=All"
    return user.request("PATCH", path, DEBUGGER, "application/strategic-merge-patch+json")


def test_the_group_creates_a_bad_pod_and_is_recorded(world: World) -> None:
    answer = world.helper.pod("ci-shop", BAD)
    assert answer.ok and not answer.warnings, answer.message
    assert world.trail("buildkeep-pods/break-glass", "alice", "create")[-1] == f"alice as {GROUP}: {BROKEN}"


def test_what_needs_no_glass_leaves_no_trace(world: World) -> None:
    bob = world.admin.user("bob", GROUP)
    assert bob.pod("ci-shop", pods.dynamic_agent()).ok
    assert world.trail("buildkeep-pods/break-glass", "bob", "create") == [""]


def test_the_group_adds_an_ephemeral_container_and_is_recorded(world: World) -> None:
    answer = debug(world.helper)
    assert answer.ok, answer.message
    (told,) = world.trail("buildkeep-pods/break-glass", "alice", "patch")
    assert told.startswith(f'alice as {GROUP}: [pod] field spec.ephemeralContainers: "debugger" is not allowed')


@pytest.mark.parametrize("subresource", ["exec?command=id&stdout=true", "attach?stdout=true", "portforward", "proxy"])
def test_the_group_runs_commands_and_is_recorded(world: World, subresource: str) -> None:
    carol = world.admin.user(f"carol-{subresource[:5]}", GROUP)
    answer = exec_in(carol, subresource)
    assert not answer.ok and "[exec]" not in answer.message, answer.message
    told = world.trail("buildkeep-exec/break-glass", f"carol-{subresource[:5]}", "create")
    assert told == [f"carol-{subresource[:5]} as {GROUP}: pods/{subresource.partition('?')[0]} of running"]


@pytest.mark.parametrize("who", OTHERS)
def test_nobody_else_passes(world: World, who: str) -> None:
    name, *groups = OTHERS[who]
    user = world.admin.user(name, *groups)
    answers = {"pod": user.pod("ci-shop", BAD), "ephemeral": debug(user), "exec": exec_in(user)}
    assert {kind: answer.status for kind, answer in answers.items()} == dict.fromkeys(answers, 403)
    assert BROKEN in answers["pod"].message and "[pod]" in answers["ephemeral"].message
    assert "[exec]" in answers["exec"].message


def test_pod_security_admission_is_not_lifted(world: World) -> None:
    answer = world.helper.pod("ci-psa", BAD)
    assert answer.status == 403 and 'violates PodSecurity "baseline:' in answer.message
    restricted: Object = pods.put(pods.dynamic_agent(), "spec/schedulerName", "mine")
    assert world.helper.pod("ci-psa", restricted).ok


def test_without_a_group_nobody_passes(admin: Api, shop: str) -> None:
    for groups in ((GROUP,), ("",)):
        assert BROKEN in admin.user("alice", "system:masters", *filter(None, groups)).pod(shop, BAD).message

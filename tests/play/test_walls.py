"""A wall that is missing, or a way around it: site.yml says so, names it, and gives no rights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.play.playbook import Cluster, Run

SHOP: dict[str, Any] = {"buildkeep_tenants": [{"name": "shop"}]}
NEW: dict[str, Any] = {"buildkeep_tenants": [{"name": "shop"}, {"name": "new"}, {"name": "soft", "mode": "audit"}]}
POLICY = "validatingadmissionpolicy/buildkeep-exec"
RIGHTS = "Give the controller its rights"


@pytest.fixture(scope="module")
def walled(cluster: Cluster) -> Iterator[Cluster]:
    """Give a cluster with one tenant, and two namespaces that are none.

    Its API server gives every pod a priority class, which the canaries of the templates must be admitted with.
    """
    ordinary = ("create", "priorityclass", "ordinary", "--value=10", "--global-default")
    assert cluster.kubectl(*ordinary).returncode == 0
    cluster.run("site.yml", SHOP).ok()
    for name in ("ci-new", "ci-soft"):
        assert cluster.kubectl("create", "namespace", name).returncode == 0
    yield cluster
    cluster.kubectl("delete", "namespace", "ci-new", "ci-soft")
    cluster.kubectl("delete", "priorityclass", "ordinary")
    cluster.run("buildkeep.ci.remove", {}).ok()


def refused(run: Run) -> str:
    """The text of a run that must have failed before any right was given."""
    assert run.code != 0, run.text[-3000:]
    assert RIGHTS not in run.text
    return run.text


def test_rbac_alone_opens_no_namespace_without_walls_and_sees_a_paused_guard(walled: Cluster) -> None:
    """In mode audit the policies must at least warn. A guard whose binding is as it was shows only by a request."""
    found = walled.get(POLICY)["spec"].get("matchConditions")
    pause(walled, [*(found or []), {"name": "pause", "expression": "false"}])
    # The server reads policies once a second; who asks for a command is told that there is no such pod when it has.
    for _ in range(100):
        if "not found" in walled.kubectl("-n", "buildkeep-canary", "exec", "nobody", "--", "true").stderr:
            break
    told = refused(walled.run("site.yml", NEW, "--tags", "rbac"))
    assert "canary ci-new-pod-security" in told
    assert "must be warned about by buildkeep-pods [images]" in told
    assert "canary guard/exec in namespace buildkeep-canary must be refused by buildkeep-exec [exec]" in told
    assert walled.kubectl("-n", "ci-new", "get", "rolebinding", "buildkeep-controller").returncode != 0
    pause(walled, found)


def pause(walled: Cluster, conditions: Any) -> None:
    """Give the policy about commands these match conditions."""
    patch = json.dumps({"spec": {"matchConditions": conditions}})
    assert walled.kubectl("patch", POLICY, "--type=merge", "-p", patch).returncode == 0


def test_rights_of_before_are_named_before_anything_is_changed(walled: Cluster) -> None:
    """The controller's beside its tenants, everybody's within them; a team's own only in a warning."""
    bind = ("create", "rolebinding")
    for words in (
        ("-n", "jenkins", "create", "role", "agents", "--verb=create", "--resource=pods,pods/exec"),
        ("-n", "jenkins", *bind, "agents", "--role=agents", "--serviceaccount=jenkins:jenkins"),
        ("-n", "ci-shop", "create", "role", "peek", "--verb=get", "--resource=secrets"),
        ("-n", "ci-shop", *bind, "peek", "--role=peek", "--group=system:authenticated"),
    ):
        assert walled.kubectl(*words).returncode == 0
    try:
        run = walled.run("site.yml", SHOP)
        text = refused(run)
        assert run.changed == 0
        assert "may create pods, create pods/exec in namespace jenkins" in text
        assert "RoleBinding peek gives Role peek to Group system:authenticated" in text
        audit = walled.run("site.yml", {**SHOP, "buildkeep_mode": "audit"}, "--check").ok()
        assert "[WARNING]: controller: system:serviceaccount:jenkins:jenkins may create pods" in audit.text
    finally:
        walled.kubectl("-n", "ci-shop", "delete", "role,rolebinding", "peek")
    accepted = walled.run("site.yml", {**SHOP, "buildkeep_controller_elsewhere": "warn"}).ok()
    assert "in namespace jenkins" in accepted.text
    assert "ci-new, ci-old, ci-soft: begins with ci-" in accepted.text
    walled.kubectl("-n", "jenkins", "delete", "role,rolebinding", "agents")

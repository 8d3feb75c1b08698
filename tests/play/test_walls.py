"""Modes, a wall that is missing, and ways around: site.yml says so, names it, and gives no rights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.canary_pods import agent_pod
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import load_profiles

from testbed.tools import tool
from tests.play.playbook import Cluster, Run

SHOP: dict[str, Any] = {"name": "shop", "builders": []}
SOFT: dict[str, Any] = {"name": "soft", "mode": "audit"}
# Where shop enforces and soft does not, whatever the cluster's own mode is.
MODES: dict[str, Any] = {"buildkeep_mode": "audit", "buildkeep_tenants": [{**SHOP, "mode": "enforce"}, SOFT]}
ENFORCED: dict[str, Any] = {"buildkeep_tenants": [SHOP, {"name": "soft"}]}
NEW: dict[str, Any] = {
    "buildkeep_tenants": [SHOP, {"name": "soft"}, {"name": "new"}, {"name": "mild", "mode": "audit"}]
}
RIGHTS = "Give the controller its rights"
CONTROLLER = "system:serviceaccount:jenkins:jenkins"
BINDING = "validatingadmissionpolicybinding/buildkeep-pods-enforce"
EXEC = "validatingadmissionpolicy/buildkeep-exec"


@pytest.fixture(scope="module")
def walled(cluster: Cluster) -> Iterator[Cluster]:
    """Give a cluster with one tenant that enforces and one that only warns, and two namespaces that are none.

    Its API server gives every pod a priority class, which the canaries of the templates must be admitted with.
    """
    ordinary = ("create", "priorityclass", "ordinary", "--value=10", "--global-default")
    assert cluster.kubectl(*ordinary).returncode == 0
    cluster.run("site.yml", MODES).ok()
    for name in ("ci-new", "ci-mild"):
        assert cluster.kubectl("create", "namespace", name).returncode == 0
    yield cluster
    cluster.kubectl("delete", "priorityclass", "ordinary")
    cluster.run("buildkeep.ci.remove", {}).ok()
    cluster.kubectl("delete", "namespace", "ci-new", "ci-mild")


def refused(run: Run) -> str:
    """The text of a run that must have failed before any right was given."""
    assert run.code != 0, run.text[-3000:]
    assert RIGHTS not in run.text
    return run.text


def patch(walled: Cluster, name: str, spec: dict[str, Any]) -> None:
    """Change the spec of a policy or a binding behind Buildkeep's back."""
    done = walled.kubectl("patch", name, "--type=merge", "-p", json.dumps({"spec": spec}))
    assert done.returncode == 0, done.stderr


def bad(tenant: str, **fields: Any) -> dict[str, Any]:
    """A pod with a foreign image, and these fields."""
    pod = agent_pod(load_profiles(), tenant, "docker.io/library/foreign:1")
    pod["spec"].update(fields)
    return pod


def test_each_tenant_has_a_mode_of_its_own(walled: Cluster) -> None:
    """The same pods: refused by either wall in the one, let in with the words of both in the other."""
    shop, soft = ("ci-shop", "shop"), ("ci-soft", "soft")
    for (space, tenant), fields, words in (
        (shop, {"hostNetwork": True}, "violates PodSecurity"),
        (shop, {}, "with binding 'buildkeep-pods-tenant-enforce' denied request: [images] container canary"),
    ):
        answer = walled.create_pod(space, bad(tenant, **fields), CONTROLLER)
        assert answer.returncode != 0
        assert words in answer.stderr
    answer = walled.create_pod(soft[0], bad(soft[1], hostNetwork=True), CONTROLLER)
    assert answer.returncode == 0, answer.stderr
    for words in ("would violate PodSecurity", "buildkeep-pods-audit", "[images]", "[pod] field spec.hostNetwork"):
        assert words in answer.stderr


def test_a_tenant_is_enforced_only_when_it_is_seen_to_refuse(walled: Cluster) -> None:
    """With a paused binding the change of mode fails and names it; site.yml puts the binding right as well."""
    patch(walled, BINDING, {"validationActions": ["Audit"]})
    told = refused(walled.run("site.yml", ENFORCED, "--tags", "tenants"))
    assert "canary ci-soft-pod in namespace ci-soft must be refused by buildkeep-pods [pod]" in told
    assert (
        "its binding buildkeep-pods-enforce has the actions Audit, not Deny (changed by kubectl-patch); run the" in told
    )
    assert walled.run("site.yml", ENFORCED).ok().changed == 1
    answer = walled.create_pod("ci-soft", bad("soft"), CONTROLLER)
    assert answer.returncode != 0
    assert "[images]" in answer.stderr


def test_rbac_alone_opens_no_namespace_without_walls_and_sees_a_paused_guard(walled: Cluster) -> None:
    """In mode audit the policies must at least warn. A guard whose binding is as it was shows only by a request."""
    found = walled.get(EXEC)["spec"].get("matchConditions")
    patch(walled, EXEC, {"matchConditions": [*(found or []), {"name": "pause", "expression": "false"}]})
    # The server reads policies once a second; who asks for a command is told that there is no such pod when it has.
    for _ in range(100):
        if "not found" in walled.kubectl("-n", "buildkeep-canary", "exec", "nobody", "--", "true").stderr:
            break
    told = refused(walled.run("site.yml", NEW, "--tags", "rbac"))
    assert "canary ci-new-pod-security" in told
    assert "must be warned about by buildkeep-pods [images]" in told
    assert "canary guard/exec in namespace buildkeep-canary must be refused by buildkeep-exec [exec]" in told
    assert "the policy buildkeep-exec is switched off by its matchConditions: pause is false" in told
    assert walled.kubectl("-n", "ci-new", "get", "rolebinding", "buildkeep-controller").returncode != 0
    patch(walled, EXEC, {"matchConditions": found})


def test_rbac_alone_sees_a_wall_with_a_hole_that_no_canary_asks_for(walled: Cluster) -> None:
    """A binding that leaves one tenant out, and a policy that lost a rule."""
    claims = "validatingadmissionpolicybinding/buildkeep-claims-enforce"
    selector = walled.get(claims)["spec"]["matchResources"]["namespaceSelector"]["matchExpressions"]
    out = {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["ci-shop"]}
    patch(walled, claims, {"matchResources": {"namespaceSelector": {"matchExpressions": [*selector, out]}}})
    told = refused(walled.run("site.yml", ENFORCED, "--tags", "rbac"))
    words = "Not as this inventory wants them: ValidatingAdmissionPolicyBinding buildkeep-claims-enforce."
    assert f"{words} Nobody is given rights before they are" in told, told[-6000:]
    patch(walled, claims, {"matchResources": {"namespaceSelector": {"matchExpressions": selector}}})
    assert walled.run("site.yml", ENFORCED, "--tags", "rbac").ok().changed == 0


def test_a_wall_that_falls_during_the_run_keeps_the_doors_shut(walled: Cluster, tmp_path: Path) -> None:
    """After the tenants' canaries and before the rights: here by the helm command, which runs between the two."""
    wide = json.dumps({"spec": {"matchResources": {"namespaceSelector": {"matchLabels": {"no": "where"}}}}})
    words = f"--kubeconfig={walled.kubeconfig} patch {BINDING} --type=merge -p '{wide}'"
    helm = tmp_path / "helm"
    helm.write_text(f'#!/bin/sh\n{tool("kubectl")} {words} >&2 && exec {tool("helm")} "$@"\n', encoding="utf-8")
    helm.chmod(0o755)
    told = refused(walled.run("site.yml", {**NEW, "agent_templates_helm": str(helm)}))
    assert "its binding buildkeep-pods-enforce does not select the namespace" in told
    assert walled.kubectl("-n", "ci-new", "get", "serviceaccount", "agent").returncode == 0
    assert walled.kubectl("-n", "ci-new", "get", "rolebinding", "buildkeep-controller").returncode != 0


def test_rights_of_before_are_named_before_anything_is_changed(walled: Cluster) -> None:
    """The controller's beside its tenants, everybody's within them; a team's own only in a warning."""
    bind = ("create", "rolebinding")
    for words in (
        ("-n", "jenkins", "create", "role", "agents", "--verb=create", "--resource=pods,pods/exec"),
        ("-n", "jenkins", *bind, "agents", "--role=agents", "--serviceaccount=jenkins:jenkins"),
        ("-n", "ci-shop", "create", "role", "peek", "--verb=get", "--resource=secrets"),
        ("-n", "ci-shop", *bind, "peek", "--role=peek", "--group=system:authenticated"),
        ("create", "clusterrole", "daemons", "--verb=create", "--resource=daemonsets.apps"),
        ("create", "clusterrolebinding", "daemons", "--clusterrole=daemons", "--serviceaccount=jenkins:jenkins"),
    ):
        assert walled.kubectl(*words).returncode == 0
    try:
        run = walled.run("site.yml", ENFORCED)
        text = refused(run)
        assert run.changed == 0
        assert 'may create daemonsets in all namespaces (RBAC: allowed by ClusterRoleBinding "daemons"' in text
        assert "create pods, create pods/exec in namespace jenkins" in text
        assert "RoleBinding peek gives Role peek to Group system:authenticated" in text
        audit = walled.run("site.yml", {**ENFORCED, "buildkeep_mode": "audit"}, "--check").ok()
        assert "[WARNING]: controller: system:serviceaccount:jenkins:jenkins may create daemonsets" in audit.text
    finally:
        walled.kubectl("-n", "ci-shop", "delete", "role,rolebinding", "peek")
        walled.kubectl("delete", "clusterrole,clusterrolebinding", "daemons")
    accepted = walled.run("site.yml", {**ENFORCED, "buildkeep_controller_elsewhere": "warn"}, "--tags", "always").ok()
    assert "in namespace jenkins" in accepted.text
    assert "ci-old: begins with ci-" in accepted.text
    walled.kubectl("-n", "jenkins", "delete", "role,rolebinding", "agents")

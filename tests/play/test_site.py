"""The life of a cluster under site.yml and remove.yml. One story: each step begins where the one before ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import connect

from tests.play.playbook import Cluster, Run

SHOP = {
    "name": "shop",
    "images": ["europe-docker.pkg.dev/acme/base/", "ghcr.io/acme/tool"],
    "push": "europe-docker.pkg.dev/acme/shop",
    "limits": {"pods": 20, "cpu": "4", "memory": "8Gi"},
}
TENANTS: list[dict[str, Any]] = [SHOP, {"name": "blog"}, {"name": "old", "templates": "static"}]
FULL: dict[str, Any] = {
    "buildkeep_tenants": TENANTS,
    "buildkeep_images": ["ghcr.io/acme/base/", "docker.io/library/debian"],
    "buildkeep_pod_defaults": True,
    "buildkeep_break_glass": "emergency",
    "buildkeep_pod_annotations": ["example.org/"],
    "buildkeep_storage_classes": ["fast"],
    "buildkeep_nodes": {"selector": {"pool": "ci"}, "tolerations": [{"key": "ci"}], "schedulers": ["mine"]},
}
# shop loses an image and its builder, blog leaves, the cluster-wide list loses an entry, and all that is optional goes.
NARROWED = {
    "buildkeep_tenants": [
        {**SHOP, "images": ["ghcr.io/acme/tool"], "builders": []},
        {**TENANTS[1], "state": "absent"},
        TENANTS[2],
    ],
    "buildkeep_images": ["docker.io/library/debian"],
}


@dataclass
class Story:
    """The runs, in their order, what was in the cluster after each, and the server's record of requests."""

    found: dict[str, Any] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    after: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)


MARK = "buildkeep.dev/narrowed"
SELECTOR = "scheduler.alpha.kubernetes.io/node-selector"
POLICIES = "admissionregistration.k8s.io/v1"


def marked(cluster: Cluster, api_version: str, kind: str, name: str) -> Callable[[], bool]:
    """Whether an object remembers what was taken away from it."""
    reader = connect(str(cluster.kubeconfig))

    def look() -> bool:
        found = reader.get(reader.resource(api_version, kind), "", name)
        return found is not None and MARK in found["metadata"].get("annotations", {})

    return look


@pytest.fixture(scope="module")
def story(cluster: Cluster, audit_log: Path) -> Story:
    """Run the whole story once; the tests look at it."""
    told = Story(found=cluster.everything(exact=True))
    # Other tests that share the server have opened namespaces of the same names, and not all by site.yml.
    before = len(audit_log.read_text(encoding="utf-8").splitlines())

    def step(name: str, playbook: str, variables: dict[str, Any], *flags: str) -> None:
        told.runs[name] = cluster.run(playbook, variables, *flags)
        told.after[name] = cluster.everything(exact=True)

    step("announced", "site.yml", FULL, "--check", "--diff")
    step("interrupted", "site.yml", {**FULL, "agent_templates_helm": "/bin/false"})
    step("made", "site.yml", FULL)
    step("again", "site.yml", FULL)
    step("checked again", "site.yml", FULL, "--check", "--diff")
    step("narrowing announced", "site.yml", NARROWED, "--check")
    # Killed after a list was narrowed and before a canary saw it: first the cluster's list, then a tenant's.
    for name, when in (
        ("killed", marked(cluster, POLICIES, "ValidatingAdmissionPolicy", "buildkeep-pods")),
        ("killed again", marked(cluster, "v1", "Namespace", "ci-shop")),
    ):
        told.runs[name] = cluster.killed("site.yml", NARROWED, "-v", when=when)
        told.after[name] = cluster.everything(exact=True)
    step("narrowed", "site.yml", NARROWED, "-v")
    step("narrowed again", "site.yml", NARROWED, "--check")
    step("removal announced", "buildkeep.ci.remove", NARROWED, "--check")
    # Half of it is gone already: a binding of a policy, the controller's rights, a whole namespace.
    cluster.kubectl("delete", "validatingadmissionpolicybinding", "buildkeep-pods-enforce")
    cluster.kubectl("delete", "namespace", "ci-shop", "buildkeep-canary")
    step("removed", "buildkeep.ci.remove", NARROWED)
    step("removed again", "buildkeep.ci.remove", {})
    told.requests = [json.loads(line) for line in audit_log.read_text(encoding="utf-8").splitlines()[before:]]
    return told


def test_check_mode_announces_the_first_run_and_changes_nothing(story: Story) -> None:
    """The server itself judges what would be made."""
    announced = story.runs["announced"].ok()
    assert announced.changed >= 4
    assert "ci-shop" in announced.text
    assert story.after["announced"] == story.found


def test_an_interrupted_run_has_given_the_controller_no_rights(story: Story) -> None:
    """Rights come last, so that no tenant stands half-walled and open."""
    assert story.runs["interrupted"].code != 0
    assert "Namespace /ci-shop" in story.after["interrupted"]
    assert "RoleBinding ci-shop/buildkeep-controller" not in story.after["interrupted"]


def test_the_next_run_completes_it(story: Story) -> None:
    """Nothing has to be cleaned up first."""
    made = story.runs["made"].ok()
    assert made.changed > 0
    for tenant in ("shop", "blog", "old"):
        assert f"RoleBinding ci-{tenant}/buildkeep-controller" in story.after["made"]
        assert f"ConfigMap jenkins/buildkeep-cloud-{tenant}" in story.after["made"]
    assert "shop: namespace ci-shop, Pod Security baseline, mode enforce, labels in Jenkins: shop-kaniko" in made.text


@pytest.mark.parametrize("tenant", ["shop", "blog", "old"])
def test_a_tenant_opens_only_after_each_of_its_walls_was_seen_to_refuse(story: Story, tenant: str) -> None:
    """By the server's own record: refusals of the controller first, then the binding of its Role."""
    ours = [one for one in story.requests if one["objectRef"].get("namespace") == f"ci-{tenant}"]
    (opened, *_) = [
        one["requestReceivedTimestamp"]
        for one in ours
        if one["objectRef"]["resource"] == "rolebindings"
        and one["objectRef"]["name"] == "buildkeep-controller"
        and one["responseStatus"]["code"] == 201
        and "dryRun" not in one["requestURI"]
    ]
    refusals = [
        one["responseStatus"]["message"]
        for one in ours
        if one["objectRef"]["resource"] == "pods"
        and one["impersonatedUser"]["username"] == "system:serviceaccount:jenkins:jenkins"
        and one["responseStatus"]["code"] == 403
        and one["stageTimestamp"] < opened
    ]
    # Which of the two policies about pods is heard depends on what the cluster itself adds to a pod.
    for wall in ("violates PodSecurity", "ValidatingAdmissionPolicy 'buildkeep-pods"):
        assert any(wall in message for message in refusals), refusals


def test_the_second_run_changes_nothing(story: Story) -> None:
    """Not by its own count, nor by the cluster's."""
    assert story.runs["again"].ok().changed == 0
    assert story.runs["checked again"].ok().changed == 0
    assert story.after["made"] == story.after["again"] == story.after["checked again"]


def test_a_namespace_looks_as_its_tenant_says(story: Story) -> None:
    """Labels and annotations are what the policies read."""
    metadata = story.after["made"]["Namespace /ci-shop"]["metadata"]
    assert metadata["labels"]["buildkeep.dev/tenant"] == "shop"
    assert metadata["labels"]["buildkeep.dev/role"] == "tenants"
    assert metadata["labels"]["pod-security.kubernetes.io/enforce"] == "baseline"
    assert metadata["annotations"]["buildkeep.dev/images"] == "europe-docker.pkg.dev/acme/base/,ghcr.io/acme/tool"
    assert metadata["annotations"][SELECTOR] == "pool=ci"
    quota = story.after["made"]["ResourceQuota ci-shop/buildkeep"]["spec"]["hard"]
    assert quota == {"pods": "20", "limits.cpu": "4", "limits.memory": "8Gi", "requests.ephemeral-storage": "400Gi"}
    for account in ("agent", "builder-kaniko", "pusher", "default"):
        found = story.after["made"][f"ServiceAccount ci-shop/{account}"]
        assert found["automountServiceAccountToken"] is False


def test_everything_made_says_by_whom(story: Story) -> None:
    """By its labels it is found again, and taken away."""
    made = [item for name, item in story.after["made"].items() if name not in story.found]
    ours = [item for item in made if item["metadata"]["name"] not in ("kube-root-ca.crt", "buildkeep-canary-default")]
    for item in ours:
        labels = item["metadata"].get("labels") or {}
        assert labels.get("app.kubernetes.io/managed-by") == "buildkeep", item["metadata"]
        assert labels.get("buildkeep.dev/role"), item["metadata"]


def test_narrowing_is_announced_and_then_done(story: Story) -> None:
    """The removed image, builder, tenant and entry are gone; the canaries of the run saw them refused."""
    assert story.runs["narrowing announced"].ok().changed >= 3
    assert story.after["narrowing announced"] == story.after["again"]
    after = story.after["narrowed"]
    assert story.runs["narrowed"].ok().changed >= 2  # the runs that were killed had done the rest
    annotations = after["Namespace /ci-shop"]["metadata"]["annotations"]
    assert annotations["buildkeep.dev/images"] == "ghcr.io/acme/tool"
    assert annotations["buildkeep.dev/builders"] == "" and SELECTOR not in annotations
    assert after["Namespace /ci-shop"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert "ServiceAccount ci-shop/builder-kaniko" not in after
    assert [name for name in after if "blog" in name] == []
    allowed = str(after["ValidatingAdmissionPolicy /buildkeep-pods"]["spec"]["variables"])
    assert "ghcr.io/acme/base/" not in allowed
    assert "docker.io/library/debian" in allowed


def test_a_run_killed_before_its_canaries_loses_none_of_them(story: Story) -> None:
    """What was taken away stays written down until the run that sees it refused, and is tried by that run."""

    def marks(step: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(story.after[step][name]["metadata"].get("annotations", {}).get(MARK, "{}"))
        return found

    policy, namespace = "ValidatingAdmissionPolicy /buildkeep-pods", "Namespace /ci-shop"
    assert [story.runs[name].code for name in ("killed", "killed again")] == [-9, -9]
    assert marks("killed", policy) == {"images": ["ghcr.io/acme/base/"]}
    assert marks("killed", namespace) == {}
    lost = {"builders": ["kaniko"], "images": ["europe-docker.pkg.dev/acme/base/"]}
    assert (marks("killed again", policy), marks("killed again", namespace)) == ({}, lost)
    assert '"not-allowed-ghcr.io/acme/base/canary:canary"' in story.runs["killed again"].text
    # The ServiceAccount stays as long, for without it nobody could tell whose refusal it is.
    assert "ServiceAccount ci-shop/builder-kaniko" in story.after["killed again"]
    narrowed = story.runs["narrowed"]
    for canary in ("ci-shop-europe-docker.pkg.dev/acme/base/canary:canary", "ci-shop-builder-kaniko"):
        assert f'"{canary}"' in narrowed.text
    assert (marks("narrowed", policy), marks("narrowed", namespace)) == ({}, {})
    assert story.runs["narrowed again"].ok().changed == 0


def test_removal_is_announced_and_changes_nothing_then(story: Story) -> None:
    """A dry run of a deletion deletes nothing."""
    assert story.runs["removal announced"].ok().changed >= 4
    assert story.after["removal announced"] == story.after["narrowed"]


def test_removal_leaves_the_cluster_as_it_was_found(story: Story) -> None:
    """Also when half of it was gone already; the namespace that was there before is as it was, its Secret too."""
    story.runs["removed"].ok()
    assert _content(story.after["removed"]) == _content(story.found)


def test_removing_nothing_changes_nothing(story: Story) -> None:
    """Not even an inventory is needed for it."""
    assert story.runs["removed again"].ok().changed == 0


def _content(objects: dict[str, Any]) -> dict[str, Any]:
    """Drop what only tells that somebody wrote to an object."""
    server = ("resourceVersion", "managedFields", "generation")
    return {
        name: {**item, "metadata": {key: value for key, value in item["metadata"].items() if key not in server}}
        for name, item in objects.items()
    }

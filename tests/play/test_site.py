"""The life of a cluster under site.yml and remove.yml. One story: each step begins where the one before ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.play.playbook import Cluster, Run

SHOP = {
    "name": "shop",
    "images": ["europe-docker.pkg.dev/acme/base/", "ghcr.io/acme/tool"],
    "push": "europe-docker.pkg.dev/acme/shop",
    "limits": {"pods": 20, "cpu": "4", "memory": "8Gi"},
}
TENANTS: list[dict[str, Any]] = [SHOP, {"name": "blog"}, {"name": "old"}]
FULL = {"buildkeep_tenants": TENANTS, "buildkeep_images": ["ghcr.io/acme/base/", "docker.io/library/debian"]}
# shop loses an image and its builder, blog leaves, and the cluster-wide list loses an entry.
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
    """The runs, in their order, and what was in the cluster after each."""

    found: dict[str, Any] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    after: dict[str, dict[str, Any]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def story(cluster: Cluster) -> Iterator[Story]:
    """Run the whole story once; the tests look at it."""
    told = Story(found=cluster.everything(exact=True))

    def step(name: str, playbook: str, variables: dict[str, Any], *flags: str) -> None:
        told.runs[name] = cluster.run(playbook, variables, *flags)
        told.after[name] = cluster.everything(exact=True)

    step("announced", "site.yml", FULL, "--check", "--diff")
    step("interrupted", "site.yml", {**FULL, "agent_templates_helm": "/bin/false"})
    step("made", "site.yml", FULL)
    step("again", "site.yml", FULL)
    step("checked again", "site.yml", FULL, "--check", "--diff")
    step("narrowing announced", "site.yml", NARROWED, "--check")
    step("narrowed", "site.yml", NARROWED)
    step("removal announced", "buildkeep.ci.remove", NARROWED, "--check")
    # Half of it is gone already: a binding of a policy, the controller's rights, a whole namespace.
    cluster.kubectl("delete", "validatingadmissionpolicybinding", "buildkeep-pods-enforce")
    cluster.kubectl("delete", "namespace", "ci-shop", "buildkeep-canary")
    step("removed", "buildkeep.ci.remove", NARROWED)
    step("removed again", "buildkeep.ci.remove", {})
    yield told
    cluster.run("buildkeep.ci.remove", {}).ok()


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
    assert story.runs["narrowed"].ok().changed >= 3
    annotations = after["Namespace /ci-shop"]["metadata"]["annotations"]
    assert annotations["buildkeep.dev/images"] == "ghcr.io/acme/tool"
    assert annotations["buildkeep.dev/builders"] == ""
    assert after["Namespace /ci-shop"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert "ServiceAccount ci-shop/builder-kaniko" not in after
    assert [name for name in after if "blog" in name] == []
    allowed = str(after["ValidatingAdmissionPolicy /buildkeep-pods"]["spec"]["variables"])
    assert "ghcr.io/acme/base/" not in allowed
    assert "docker.io/library/debian" in allowed


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

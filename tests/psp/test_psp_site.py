"""A whole run on Kubernetes 1.24 with PodSecurityPolicy, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod import AgentInfo, clouds, static_pod
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import load_profiles

from testbed.apiserver import ApiServer
from tests.api.api import Api
from tests.play.playbook import Cluster, Run, lived_in
from tests.psp.conftest import FLAGS, cluster_policies
from tests.servers import controllers

CONTROLLER = "system:serviceaccount:jenkins:jenkins"
ACCEPTED: dict[str, Any] = {
    "buildkeep_tenants": [{"name": "shop"}, {"name": "trial", "mode": "audit"}, {"name": "plain", "builders": []}],
    "buildkeep_unenforced": "accept",
}


@dataclass
class Story:
    """The runs, in their order, and what was in the cluster after each."""

    cluster: Cluster
    found: dict[str, Any] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    after: dict[str, dict[str, Any]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Run the whole story once, on a cluster with a policy of its own for the system's pods; the tests look at it."""
    folder = tmp_path_factory.mktemp("psp")
    with ApiServer(version="1.24", flags=FLAGS) as server, controllers(server, folder / "log"):
        cluster_policies(Api(server))
        cluster = lived_in(server, folder)
        told = Story(cluster, found=everything(cluster))

        def step(name: str, playbook: str, variables: dict[str, Any]) -> None:
            told.runs[name] = cluster.run(playbook, variables)
            told.after[name] = everything(cluster)

        claiming = {"name": "cache", "volumes": {"claims": ["layers"]}}
        tenants = [*ACCEPTED["buildkeep_tenants"], claiming]
        step("refused", "site.yml", {"buildkeep_tenants": tenants, "buildkeep_unenforced": "refuse"})
        step("made", "site.yml", ACCEPTED)
        step("again", "site.yml", ACCEPTED)
        told.runs["agents"] = agents(cluster)
        step("removed", "buildkeep.ci.remove", ACCEPTED)
        yield told


def everything(cluster: Cluster) -> dict[str, Any]:
    """List every object of every kind, that one too which is not in its group's preferred version."""
    policies = cluster.get("podsecuritypolicies.policy")["items"]
    return {
        **cluster.everything(),
        **{f"PodSecurityPolicy /{item['metadata']['name']}": item["spec"] for item in policies},
    }


def agents(cluster: Cluster) -> Run:
    """Send the pod of the rendered template as the controller, and the same pod as another ServiceAccount."""
    configmap = cluster.get("configmap", "buildkeep-cloud-shop", "-n", "jenkins")
    pod = static_pod(clouds([configmap])["shop"], "shop-kaniko", AgentInfo("agent-x1", "s3cr3t"))
    good = cluster.create_pod("ci-shop", pod, CONTROLLER)
    pod["spec"]["serviceAccountName"] = "agent"
    bad = cluster.create_pod("ci-shop", pod, CONTROLLER)
    return Run(good.returncode, good.stdout + good.stderr + bad.stderr)


def test_what_is_left_open_must_be_accepted(story: Story) -> None:
    """Before anything is changed it is said, in plain words, all of it."""
    text = story.runs["refused"].text
    assert story.runs["refused"].code != 0
    said = ("Nothing refuses images that are on no list", "judges pods, not containers", "buildkeep_unenforced")
    for words in (*said, "cache.volumes.claims: a PodSecurityPolicy cannot tell one from another"):
        assert words in text, words
    assert story.after["refused"] == story.found


def test_the_run_ends_well_and_a_second_one_changes_nothing(story: Story) -> None:
    story.runs["made"].ok()
    assert "Nothing refuses images that are on no list" in story.runs["made"].text
    assert story.runs["again"].ok().changed == 0
    assert story.after["made"] == story.after["again"]


def test_policies_are_bound_where_they_belong(story: Story) -> None:
    bindings = {name for name in story.after["made"] if name.startswith("RoleBinding") and "buildkeep-psp" in name}
    assert bindings == {
        *(
            f"RoleBinding {space}/buildkeep-psp-agent"
            for space in ("ci-shop", "ci-trial", "ci-plain", "buildkeep-canary")
        ),
        *(f"RoleBinding {space}/buildkeep-psp-kaniko" for space in ("ci-shop", "ci-trial")),
        *(f"RoleBinding buildkeep-canary/buildkeep-psp-{name}" for name in load_profiles().builders),
    }
    assert {"PodSecurityPolicy /buildkeep-agent", "PodSecurityPolicy /buildkeep-kaniko"} < set(story.after["made"])
    level = "pod-security.kubernetes.io/enforce"
    labels = {
        space: story.after["made"][f"Namespace /{space}"]["metadata"]["labels"] for space in ("ci-shop", "ci-plain")
    }
    assert {space: found[level] for space, found in labels.items()} == {"ci-shop": "baseline", "ci-plain": "restricted"}


def test_nothing_of_the_cluster_itself_was_touched(story: Story) -> None:
    """Least of all what lets the system's own pods in."""
    theirs = {name: item for name, item in story.found.items() if "ci-old" not in name}
    assert {name: story.after["made"].get(name) for name in theirs} == theirs


def test_the_pod_of_a_template_is_admitted_under_its_own_service_account(story: Story) -> None:
    run = story.runs["agents"]
    assert run.code == 0 and "created (server dry run)" in run.text, run.text
    assert "PodSecurityPolicy: unable to admit pod" in run.text


def test_removal_leaves_the_cluster_as_it_was_found(story: Story) -> None:
    story.runs["removed"].ok()
    assert story.after["removed"] == story.found

"""The life of a Jenkins that site.yml installs. One story: each step begins where the one before ended."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import connect

from tests.api.jenkins_chart import FIXTURE
from tests.play.playbook import Cluster, Run

SPACE = "ci-controllers"
GIVEN: dict[str, Any] = {
    "buildkeep_tenants": [{"name": "shop"}],
    "buildkeep_namespace_prefix": "builds-",
    "buildkeep_controller": {"namespace": SPACE},
    "buildkeep_jenkins_install": True,
    "buildkeep_jenkins": {
        "chart": str(FIXTURE),
        "timeout": 0,
        "administrators": [{"group": "ci-admins"}],
        "backup": {"schedule": "0 3 * * *", "size": "1Gi"},
    },
}
BAD = {**GIVEN["buildkeep_jenkins"], "values": {"controller": {"hostNetworking": True}, "rbac": {"create": True}}}


@dataclass
class Story:
    """The runs, in their order, and what was in the cluster after each."""

    found: dict[str, Any] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    after: dict[str, dict[str, Any]] = field(default_factory=dict)


def begun(cluster: Cluster) -> Callable[[], bool]:
    """Whether Helm has begun."""
    reader = connect(str(cluster.kubeconfig))
    resource, name = reader.resource("v1", "Secret"), "sh.helm.release.v1.jenkins.v1"
    return lambda: reader.get(resource, SPACE, name) is not None


@pytest.fixture(scope="module")
def story(cluster: Cluster) -> Story:
    """Run the whole story once; the tests look at it."""
    told = Story(found=cluster.everything())
    steps: list[tuple[str, str, dict[str, Any], tuple[str, ...]]] = [
        ("refused", "site.yml", {**GIVEN, "buildkeep_jenkins": BAD}, ()),
        ("made", "site.yml", GIVEN, ("--diff", "-v")),
        ("again", "site.yml", GIVEN, ("--check", "--diff")),
        ("removed", "buildkeep.ci.remove", GIVEN, ("--diff",)),
    ]
    for name, playbook, variables, flags in steps:
        if name == "made":
            killed = cluster.killed(playbook, variables, "--tags=jenkins", when=begun(cluster))
            told.runs["killed"], told.after["killed"] = killed, cluster.everything()
        told.runs[name] = cluster.run(playbook, variables, "--tags=jenkins", *flags)
        told.after[name] = cluster.everything()
    return told


def here(objects: dict[str, Any]) -> set[str]:
    """What is in the controller's namespace, and the namespace, but for what every namespace has."""
    usual = {f"ServiceAccount {SPACE}/default", f"ConfigMap {SPACE}/kube-root-ca.crt"}
    return {name for name in objects if f" {SPACE}/" in name or name == f"Namespace /{SPACE}"} - usual


def test_values_that_undo_the_hardening_stop_the_run_before_anything_is_changed(story: Story) -> None:
    run = story.runs["refused"]
    assert (run.code != 0, run.failed, run.changed) == (True, 1, 0)
    for words in ("values.controller.hostNetworking: ", "values.rbac.create: "):
        assert words in run.text
    assert story.after["refused"].keys() == story.found.keys()


def test_a_run_that_was_killed_in_the_middle_is_finished_by_the_next(story: Story) -> None:
    assert story.runs["killed"].code != 0
    record = story.after["killed"][f"Secret {SPACE}/sh.helm.release.v1.jenkins.v1"]
    assert record["metadata"]["labels"]["status"] == "pending-install"
    made = story.runs["made"].ok()
    assert "left pending-install by a run that died" in made.text
    kinds = ("StatefulSet", "PersistentVolumeClaim", "Service", "ServiceAccount", "ConfigMap", "Role", "RoleBinding")
    assert {name.split()[0] for name in here(story.after["made"])} >= {*kinds, "CronJob", "PodDisruptionBudget"}
    labels = story.after["made"][f"Namespace /{SPACE}"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert "buildkeep.dev/tenant" not in labels
    rules = story.after["made"][f"Role {SPACE}/jenkins-casc-reload"]["rules"]
    assert rules == [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list", "watch"]}]


def test_a_second_run_changes_nothing(story: Story) -> None:
    assert story.runs["again"].ok().changed == 0
    assert story.after["again"] == story.after["made"]


def test_what_is_taken_away_leaves_jenkins_home_and_names_it(story: Story) -> None:
    run = story.runs["removed"].ok()
    assert "Jenkins home stays in namespace ci-controllers: PersistentVolumeClaim jenkins (20Gi)" in run.text
    assert "Namespace ci-controllers stays, without our labels: it holds PersistentVolumeClaim" in run.text
    left = here(story.after["removed"])
    assert {name for name in left if not name.startswith("PersistentVolumeClaim ")} == {f"Namespace /{SPACE}"}
    assert f"PersistentVolumeClaim {SPACE}/jenkins" in left and len(left) == 3  # one is the archives'
    labels = story.after["removed"][f"Namespace /{SPACE}"]["metadata"]["labels"]
    assert labels == {"kubernetes.io/metadata.name": SPACE}


def test_no_secret_is_shown(story: Story) -> None:
    """Neither what was made, nor what it is made of."""
    found = story.after["made"]
    stored = [
        value
        for name in ("jenkins-admin", "jenkins-casc-reload")
        for key, value in found[f"Secret {SPACE}/{name}"]["data"].items()
        if key != "jenkins-admin-user"
    ]
    shown = json.dumps([run.text for run in story.runs.values()])
    hidden = [*stored, *(base64.b64decode(value).decode() for value in stored)]
    assert len(hidden) == 4 and [value for value in hidden if value in shown] == []

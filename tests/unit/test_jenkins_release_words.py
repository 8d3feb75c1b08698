"""What is said of a controller that is not ready, and of a Jenkins that somebody else runs."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_adoption import told
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_ready import is_ready, waiting
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_release import lasting, marked
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings

READY = {"observedGeneration": 2, "readyReplicas": 1, "currentRevision": "b", "updateRevision": "b"}


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        (READY, True),
        ({**READY, "observedGeneration": 1}, False),
        ({**READY, "readyReplicas": 0}, False),
        ({**READY, "currentRevision": "a"}, False),
        ({**READY, "currentRevision": "a", "updatedReplicas": 1}, True),
        ({}, False),
    ],
)
def test_ready_is_the_newest_revision_that_answers(status: dict[str, Any], ready: bool) -> None:
    assert is_ready({"metadata": {"generation": 2}, "spec": {"replicas": 1}, "status": status}) == ready


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/1 nodes"}]}, "not scheduled: 0/1"),
        (
            {"initContainerStatuses": [{"name": "init", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]},
            'container "init": ImagePullBackOff',
        ),
        (
            {"containerStatuses": [{"name": "a", "lastState": {"terminated": {"exitCode": 137, "reason": "OOM"}}}]},
            'container "a" ended with 137 (OOM)',
        ),
        ({"phase": "Pending"}, "no node has taken it"),
        ({"containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "ContainerCreating"}}}]}, ""),
    ],
)
def test_what_a_pod_waits_for(status: dict[str, Any], words: str) -> None:
    assert ", ".join(waiting({"status": status})).startswith(words)


def config(name: str, data: dict[str, str], **labels: str) -> dict[str, Any]:
    """A ConfigMap."""
    return {"metadata": {"name": name, "labels": labels}, "data": data}


def test_what_others_brought_stands_beside_our_clouds() -> None:
    clouds = "jenkins: {clouds: [{kubernetes: {name: shop}}, {kubernetes: {name: old}}, {kubernetes: {name: kept, "
    found = [
        config("a", {"a.yaml": clouds + "usageRestricted: true}}]}"}),
        config("b", {"cloud-shop.yaml": "{}", "b.yaml": "a: ["}),
        config("ours", {"cloud-shop.yaml": clouds}, **{"app.kubernetes.io/managed-by": "buildkeep"}),
    ]
    said = list(told(found, {"shop"}))
    wanted = ("first of that name", "every job may use it", '"kept"', "b.yaml is no YAML", "a file cloud-shop.yaml")
    assert len(said) == 5 and [words for words, text in zip(wanted, said, strict=True) if words not in text] == []
    assert "every job may use it" not in said[2]


def test_objects_are_looked_at_as_helm_sends_them() -> None:
    settings = JenkinsSettings(namespace="ci", name="leeroy")
    item = {"kind": "Service", "metadata": {"name": "a", "labels": {"b": "c"}}}
    metadata = marked(item, settings)["metadata"]
    assert metadata["labels"] == {"b": "c", "app.kubernetes.io/managed-by": "Helm"}
    release = {"meta.helm.sh/release-name": "leeroy", "meta.helm.sh/release-namespace": "ci"}
    assert metadata["annotations"] == release and item["metadata"] == {"name": "a", "labels": {"b": "c"}}
    hook = {"kind": "Pod", "metadata": {"name": "t", "annotations": {"helm.sh/hook": "test"}}}
    assert lasting([item, hook]) == [item]

"""The comparison of a cluster with how it was found misses nothing."""

from __future__ import annotations

from typing import Any, cast

from testbed.attacks.api import Api
from tests.cluster.dump import without_secrets
from tests.cluster.found import differences, things

BEFORE = {"/api/v1/namespaces/jenkins": {"kubernetes.io/metadata.name": "jenkins"}, "/api/v1/jenkins/pods/a": {}}


def test_the_same_cluster_has_no_differences() -> None:
    assert differences(BEFORE, dict(BEFORE)) == []


def test_what_stays_what_goes_and_what_changes_is_told() -> None:
    now = {"/api/v1/namespaces/jenkins": {"buildkeep.dev/tenant": "x"}, "/api/v1/namespaces/ci-shop": {}}
    assert differences(BEFORE, now) == [
        "/api/v1/namespaces/ci-shop was left behind",
        "/api/v1/jenkins/pods/a is gone",
        "/api/v1/namespaces/jenkins: buildkeep.dev/tenant was None, is 'x'",
        "/api/v1/namespaces/jenkins: kubernetes.io/metadata.name was 'jenkins', is None",
    ]


class OnePod:
    """A cluster of two pods, one of which is being deleted."""

    def must(self, _: str, path: str) -> dict[str, Any]:
        """Answer what `things` asks."""
        answers: dict[str, dict[str, Any]] = {
            "/apis": {"groups": []},
            "/api/v1": {"resources": [{"name": "pods", "verbs": ["list"]}]},
            "/api/v1/pods": {
                "items": [{"metadata": {"name": "a"}}, {"metadata": {"name": "b", "deletionTimestamp": "t"}}]
            },
        }
        return answers[path]


def test_what_goes_already_is_not_missed_later_and_not_overlooked() -> None:
    cluster = cast("Api", OnePod())
    assert list(things(cluster, leaving=False)) == ["/api/v1/pods/a"]
    assert list(things(cluster)) == ["/api/v1/pods/a", "/api/v1/pods/b"]


def test_what_is_written_down_after_a_failure_holds_no_agents_secret() -> None:
    text = "      JENKINS_SECRET:      0123abc\n      JENKINS_URL:  http://jenkins:8080/\n"
    assert without_secrets(text) == text.replace("0123abc", "****")

"""The comparison of a cluster with how it was found misses nothing."""

from __future__ import annotations

from tests.cluster.dump import without_secrets
from tests.cluster.found import differences

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


def test_what_is_written_down_after_a_failure_holds_no_agents_secret() -> None:
    text = "      JENKINS_SECRET:      0123abc\n      JENKINS_URL:  http://jenkins:8080/\n"
    assert without_secrets(text) == text.replace("0123abc", "****")

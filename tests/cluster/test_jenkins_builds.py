"""What goes wrong with agents while others work: two tenants on one controller, every scene in one run, all at once."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping

import pytest

from testbed import builds
from testbed.attacks.api import Api
from tests.cluster import jenkins

MANY = 50
QUOTA = "exceeded quota: buildkeep"
# The shell works it out, so that these words stand in a log only where the step ran.
PROOF, PROVED = "echo ran: $((6 * 7))", "ran: 42"
NOT_THERE = "europe-docker.pkg.dev/acme/base/never-pushed:1"
Started = Mapping[str, jenkins.Started]


def scenes() -> Iterator[tuple[str, str, str]]:
    """Of each scene its name, the job, and the agent that the job asks for."""
    here = jenkins.agent
    yield "own cloud", "shop/own-cloud", here("shop")
    yield "foreign cloud", "blog/foreign-cloud", here("shop")
    yield "foreign label", "blog/foreign-label", "agent { label 'shop-kaniko' }"
    yield "no cloud", "nobody/no-cloud", here("shop")
    missing = jenkins.container("tool", NOT_THERE)
    yield "no image", "shop/no-image", here("shop", missing)
    yield "no room", "shop/no-room", here("shop", jenkins.container("tool", cpu="15"), slaveConnectTimeout="15")
    ends = jenkins.container("tool", command=("sh", "-c", "echo its last words; exit 3"))
    yield "no container", "shop/no-container", here("shop", ends)


@pytest.fixture(scope="module")
def run() -> str:
    """A word that no other run has in its names."""
    return f"many-{uuid.uuid4().hex[:6]}"


@pytest.fixture(scope="module")
def started(admin: Api, run: str) -> Started:
    """All builds at once; somebody deletes the pod of one of them while a step runs in it."""
    waits = "sh 'echo up $((6 * 7)); sleep 600; echo finished $((6 * 7))'"
    victim = jenkins.begun("shop/under-foot", jenkins.pipeline(jenkins.agent("shop"), waits), "up 42")
    found = {name: jenkins.start(job, jenkins.pipeline(agent, f"sh '{PROOF}'")) for name, job, agent in scenes()}
    for number in range(MANY):  # each of them has a word of its own to say
        word = f"{run}-{number}"
        text = jenkins.pipeline(jenkins.agent("blog"), f"sh 'echo {word} $((6 * 7))'")
        found[word] = jenkins.start(f"blog/{word}", text)
    admin.must("DELETE", victim.pod(), {"gracePeriodSeconds": 0})
    return {"no pod": victim, **found}


def many(started: Started, run: str) -> Mapping[str, builds.BuildResult]:
    """The many builds by the word that each has to say."""
    return {word: build.wait() for word, build in started.items() if word.startswith(run)}


def test_a_folder_may_use_its_own_cloud(started: Started) -> None:
    result = started["own cloud"].wait()
    assert result.ok, result.log
    assert PROVED in result.log


@pytest.mark.parametrize(
    ("scene", "words"),
    [
        ("foreign cloud", "Not authorized to use Kubernetes cloud: shop"),
        ("foreign label", "Kubernetes cloud shop is not allowed for folder containing job blog/foreign-label"),
        ("no cloud", "Not authorized to use Kubernetes cloud: shop"),
    ],
)
def test_a_folder_may_use_no_other_cloud(scene: str, words: str, started: Started) -> None:
    result = started[scene].wait()
    assert not result.ok
    assert words in result.log
    assert "Created Pod" not in result.log


def test_a_build_ends_when_its_pod_is_deleted(started: Started) -> None:
    result = started["no pod"].wait()
    assert result.result == "ABORTED"
    assert re.search("^Pod ci-shop/.* was just deleted$", result.log, re.MULTILINE), result.log
    assert "\nAgent was removed\n" in result.log
    assert "finished 42" not in result.log


def test_a_build_ends_whose_image_cannot_be_pulled(started: Started) -> None:
    """Not at once: the plugin waits for a few of the kubelet's attempts."""
    result = started["no image"].wait()
    assert result.result == "ABORTED"
    assert "Image pull backoff detected, waiting for image to be available" in result.log
    assert f'Unable to pull container image "{NOT_THERE}"' in result.log
    assert "\nQueue task was cancelled\n" in result.log
    assert PROVED not in result.log


def test_a_build_ends_whose_pod_stays_pending(started: Started) -> None:
    """After the time that the Jenkinsfile gives it, with the scheduler's words."""
    result = started["no room"].wait()
    assert not result.ok
    assert "Timed out waiting for [15000] milliseconds for [Pod]" in result.log
    assert "Insufficient cpu" in result.log
    assert PROVED not in result.log


def test_a_build_ends_whose_container_ends(started: Started) -> None:
    result = started["no container"].wait()
    assert result.result == "ABORTED"
    assert re.search("^ci-shop/.* Container tool was terminated.$", result.log, re.MULTILINE), result.log
    assert "- tool -- terminated (3)" in result.log
    assert "\nits last words\n" in result.log
    assert PROVED not in result.log


def test_many_builds_at_once_drain_through_the_quota(started: Started, run: str) -> None:
    ended = many(started, run)
    failed = {word: result.log for word, result in ended.items() if not result.ok}
    assert not failed, "\n".join(failed.values())
    assert all(f"\n{word} 42\n" in result.log for word, result in ended.items())
    assert any(QUOTA in result.log for result in ended.values())


def test_each_of_the_many_had_an_agent_of_its_own(started: Started, run: str) -> None:
    used = [name for result in many(started, run).values() for name in jenkins.RUNNING_ON.findall(result.log)]
    assert len(used) == len(set(used)) == MANY


@pytest.mark.parametrize("namespace", ["ci-shop", "ci-blog"])
def test_no_agent_is_left_over(namespace: str, started: Started, admin: Api) -> None:
    for each in started.values():
        each.wait()
    jenkins.all_gone(admin, namespace)

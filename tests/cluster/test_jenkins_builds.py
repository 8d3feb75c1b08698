"""What goes wrong with agents while others work: two tenants on one controller, every scene in one run, all at once."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from testbed import builds
from testbed.attacks.api import Api
from testbed.attacks.stage import namespace_path
from tests.cluster import jenkins

MANY = 50
QUOTA = "exceeded quota: buildkeep"
# The shell works it out, so that these words stand in a log only where the step ran.
PROOF, PROVED = "echo ran: $((6 * 7))", "ran: 42"
Results = Mapping[str, "Future[builds.BuildResult]"]


def one_of_many(word: str) -> Callable[[], builds.BuildResult]:
    """A build of blog's that says its own word."""
    text = jenkins.pipeline(jenkins.agent("blog"), f"sh 'echo {word} $((6 * 7))'")
    return lambda: jenkins.run(f"blog/{word}", text)


def under_foot(admin: Api) -> builds.BuildResult:
    """A build whose pod somebody deletes while a step runs in it."""
    text = jenkins.pipeline(jenkins.agent("shop"), "sh 'echo up $((6 * 7)); sleep 600; echo finished'")
    seen: list[str] = []

    def watch(line: str) -> None:
        seen.append(line)
        if line == "up 42\n":
            (name,) = jenkins.RUNNING_ON.findall("".join(seen))
            admin.must("DELETE", f"{namespace_path('ci-shop')}/pods/{name}", {"gracePeriodSeconds": 0})

    return jenkins.run("shop/under-foot", text, watch)


def scenes(admin: Api, run: str) -> Iterator[tuple[str, Callable[[], builds.BuildResult]]]:
    """Every build of this file by the name of its scene."""

    def build(job: str, directive: str, steps: str = f"sh '{PROOF}'") -> Callable[[], builds.BuildResult]:
        return lambda: jenkins.run(job, jenkins.pipeline(directive, steps))

    here = jenkins.agent
    yield "own cloud", build("shop/own-cloud", here("shop"))
    yield "foreign cloud", build("blog/foreign-cloud", here("shop"))
    yield "foreign label", build("blog/foreign-label", "agent { label 'shop-kaniko' }")
    yield "no cloud", build("nobody/no-cloud", here("shop"))
    yield "no pod", lambda: under_foot(admin)
    missing = jenkins.container("tool", "europe-docker.pkg.dev/acme/base/never-pushed:1")
    yield "no image", build("shop/no-image", here("shop", missing))
    ends = jenkins.container("tool", command=("sh", "-c", "echo its last words; exit 3"))
    yield "no container", build("shop/no-container", here("shop", ends))
    for number in range(MANY):
        yield f"many {number}", one_of_many(f"{run}-{number}")


@pytest.fixture(scope="module")
def run() -> str:
    """A word that no other run has in its names."""
    return f"many-{uuid.uuid4().hex[:6]}"


@pytest.fixture(scope="module")
def results(admin: Api, run: str) -> Iterator[Results]:
    """All scenes, submitted at once."""
    started = dict(scenes(admin, run))
    with ThreadPoolExecutor(len(started)) as pool:
        yield {name: pool.submit(scene) for name, scene in started.items()}


def many(results: Results, run: str) -> Mapping[str, builds.BuildResult]:
    """The many builds by the word that each has to say."""
    return {f"{run}-{number}": results[f"many {number}"].result() for number in range(MANY)}


def test_a_folder_may_use_its_own_cloud(results: Results) -> None:
    result = results["own cloud"].result()
    assert result.ok, result.log
    assert PROVED in result.log


@pytest.mark.parametrize("scene", ["foreign cloud", "foreign label", "no cloud"])
def test_a_folder_may_use_no_other_cloud(scene: str, results: Results) -> None:
    result = results[scene].result()
    assert not result.ok
    assert "Not authorized to use Kubernetes cloud: shop" in result.log
    assert "Created Pod" not in result.log


def test_a_build_ends_when_its_pod_is_deleted(results: Results) -> None:
    result = results["no pod"].result()
    assert not result.ok
    assert "up 42" in result.log
    assert "finished" not in result.log.replace("echo finished", "")


def test_a_build_ends_whose_image_cannot_be_pulled(results: Results) -> None:
    result = results["no image"].result()
    assert not result.ok
    assert "europe-docker.pkg.dev/acme/base/never-pushed:1" in result.log
    assert "ImagePullBackOff" in result.log
    assert PROVED not in result.log


def test_a_build_ends_whose_container_ends(results: Results) -> None:
    result = results["no container"].result()
    assert not result.ok
    assert "tool: 3" in result.log
    assert "its last words" in result.log
    assert PROVED not in result.log


def test_many_builds_at_once_drain_through_the_quota(results: Results, run: str) -> None:
    ended = many(results, run)
    failed = {word: result.log for word, result in ended.items() if not result.ok}
    assert not failed, "\n".join(failed.values())
    assert all(f"\n{word} 42\n" in result.log for word, result in ended.items())
    assert any(QUOTA in result.log for result in ended.values())


def test_each_of_the_many_had_an_agent_of_its_own(results: Results, run: str) -> None:
    used = [name for result in many(results, run).values() for name in jenkins.RUNNING_ON.findall(result.log)]
    assert len(used) == len(set(used)) == MANY


@pytest.mark.parametrize("namespace", ["ci-shop", "ci-blog"])
def test_no_agent_is_left_over(namespace: str, results: Results, admin: Api) -> None:
    for each in results.values():
        each.result()
    jenkins.all_gone(admin, namespace)

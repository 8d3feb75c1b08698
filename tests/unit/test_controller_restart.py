"""What a controller finds that starts again: builds that waited, builds that ran, pods that were left behind."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import plugin_pod

from testbed.controller import collector, living
from testbed.controller.cluster import ApiError
from testbed.controller.collector import REFRESHED, Collector
from testbed.controller.living import Agent, Living
from testbed.controller.queueing import Builds
from testbed.controller.records import LOST, Record, Records
from testbed.controller.server import Server
from tests.unit.controller_world import TOKEN, jcasc, world
from tests.unit.fake_cluster import FakeCluster
from tests.unit.test_controller_pods import begun, finished

SECONDS = 20.0
LABEL = "kubernetes.jenkins.io/controller"


def test_a_controller_that_dies_in_mid_build(tmp_path: Path) -> None:
    """Its state as it is then goes to another one: that aborts the build in its log, and deletes the pod."""
    with world(tmp_path, inline=True) as here:
        running = begun(here)
        waiting = here.server.records.new("shop", "later", running.workspace(), "Jenkinsfile", False)
        shutil.copytree(tmp_path / "state", tmp_path / "left")
        shutil.copy(tmp_path / "agents.json", tmp_path / "left.json")
        left = Living(tmp_path / "left.json")
        names = [name for _, name in here.cluster.pods]
        assert [agent.name for agent in left.doomed()] == names

        found = Records(tmp_path / "left")
        done: list[Record] = []

        def work(record: Record) -> str:
            done.append(record)
            return "SUCCESS"

        builds = Builds(found, work)
        aborted, later = found.find("shop", "hello", 1), found.find("shop", "later", 1)
        assert aborted and later and later.done.wait(SECONDS)
        assert (aborted.state, later.state, done) == ("ABORTED", "SUCCESS", [later])
        text = aborted.read(0).decode()
        assert text.endswith(f"\n{LOST}\nFinished: ABORTED\n")
        assert "\nbegun\n" in text
        assert found.new("shop", "hello", b"", "Jenkinsfile", False).number == 2
        builds.close()

        Collector(here.cluster, left, list).delete_doomed()
        assert here.cluster.deleted == names
        assert left.doomed() == []
        assert finished(running).endswith("Finished: ABORTED\n")  # the pod is gone for the first one, too
        here.server.builds.stop(waiting)


def test_a_build_whose_client_went_with_the_controller_does_not_begin(tmp_path: Path) -> None:
    Records(tmp_path).new("shop", "hello", b"", "Jenkinsfile", True)
    records = Records(tmp_path)
    builds = Builds(records, lambda record: "SUCCESS")
    record = records.find("shop", "hello", 1)
    assert record and record.state == "ABORTED"
    builds.close()


def test_results_are_known_again(tmp_path: Path) -> None:
    """A job's last result, for what depends on it."""
    with world(tmp_path, inline=True) as here:
        here.build("pipeline { agent none\nstages { stage('s') { steps { error 'no' } } } }")
        artifacts = type(here.server.controller.artifacts)()
        here.server.controller.artifacts = artifacts
        Server(here.server.controller, TOKEN, tmp_path / "state")
        assert artifacts.previous("shop/hello") == "FAILURE"


def test_old_builds_are_forgotten(tmp_path: Path) -> None:
    records = Records(tmp_path, kept=2)
    for _ in range(5):
        records.new("shop", "hello", b"", "Jenkinsfile", False).abort("x")
    records.new("shop", "hello", b"", "Jenkinsfile", False)
    assert sorted(path.name for path in (tmp_path / "shop/hello").glob("[0-9]*")) == ["4", "5", "6"]
    assert records.find("shop", "hello", 3) is None


class Garden:
    """A cluster with pods, a cloud that collects garbage there, and its collector."""

    def __init__(self, tmp_path: Path, rules: str) -> None:
        """`rules`: the cloud's garbageCollection."""
        self.cluster = FakeCluster([], agents=False)
        self.living = Living(tmp_path / "agents.json")
        text = f"garbageCollection: {rules}" if rules else ""
        self.clouds = plugin_pod.clouds([jcasc("shop", "http://j:8080", tmp_path, more=text)])
        self.collector = Collector(self.cluster, self.living, self.clouds.values)
        self.label = plugin_pod.controller_label(self.clouds["shop"].attributes)

    def plant(self, name: str, age: float | None, label: str = "", namespace: str = "ci-shop") -> None:
        """A pod that was marked so many seconds ago."""
        metadata: dict[str, Any] = {"name": name, "labels": {LABEL: label or self.label}, "annotations": {}}
        if age is not None:
            metadata["annotations"] = {REFRESHED: str(int((time.time() - age) * 1000))}
        self.cluster.put(namespace, name, "ADDED", {"metadata": metadata, "status": {"phase": "Running"}})

    def left(self) -> list[str]:
        """The pods that are there."""
        return sorted(name for _, name in self.cluster.pods)


@pytest.fixture
def garden(tmp_path: Path) -> Iterator[Garden]:
    """One that collects after 300 seconds."""
    yield Garden(tmp_path, "{timeout: 300, namespaces: 'ci-old'}")


def test_only_what_is_ours_and_old_is_collected(garden: Garden) -> None:
    garden.plant("orphan", 400)
    garden.plant("alive", 200)
    garden.plant("unmarked", None)
    garden.plant("anothers", 400, label="another")
    garden.plant("moved", 400, namespace="ci-old")
    garden.plant("elsewhere", 400, namespace="ci-blog")
    garden.collector.collect()
    assert garden.left() == ["alive", "anothers", "elsewhere", "unmarked"]


def test_a_cloud_without_garbage_collection_is_left_alone(tmp_path: Path) -> None:
    garden = Garden(tmp_path, "")
    garden.plant("orphan", 4000)
    garden.living.begin(Agent("ci-shop", "orphan", refreshed=False))
    garden.collector.refresh()
    garden.collector.collect()
    assert garden.left() == ["orphan"]
    assert not garden.cluster.calls


def test_agents_that_live_are_marked(garden: Garden) -> None:
    """So that another controller, or this one, does not take them; one that is not there yet does no harm."""
    garden.plant("old", 4000)
    garden.living.begin(Agent("ci-shop", "not-yet", refreshed=True))
    garden.living.begin(Agent("ci-shop", "old", refreshed=True))
    garden.collector.refresh()
    garden.collector.collect()
    assert garden.left() == ["old"]


def test_a_namespace_that_refuses_does_not_keep_the_others_dirty(
    garden: Garden, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = FakeCluster.left_behind

    def left_behind(self: FakeCluster, namespace: str, labels: str) -> Any:
        if namespace == "ci-shop":
            raise ApiError("GET", "u", 403, "pods is forbidden")
        return original(self, namespace, labels)

    monkeypatch.setattr(FakeCluster, "left_behind", left_behind)
    garden.plant("moved", 400, namespace="ci-old")
    garden.collector.collect()
    assert garden.left() == []


def test_what_cannot_be_deleted_is_tried_again(garden: Garden) -> None:
    garden.plant("p", 0)
    agent = Agent("ci-shop", "p")
    garden.living.begin(agent)
    garden.living.end(agent, deleted=False)
    garden.cluster.away = True
    garden.collector.delete_doomed()
    assert Living(garden.living._file).doomed() == [agent]
    garden.cluster.away = False
    garden.collector.delete_doomed()
    assert (garden.left(), garden.living.doomed()) == ([], [])


def test_a_create_that_may_still_arrive_is_undone_when_it_does(garden: Garden, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer got lost, the build was aborted, and only then the pod appears."""
    agent = Agent("ci-shop", "late")
    garden.living.begin(agent)
    garden.living.end(agent, deleted=True, late=True)
    garden.collector.delete_doomed()
    garden.plant("late", 0)
    garden.collector.delete_doomed()
    assert garden.left() == []
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + living.LATE_SECONDS)
    garden.collector.delete_doomed()
    assert garden.living.doomed() == []


def test_a_round_that_fails_does_not_end_the_collection(garden: Garden, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "RETRY", 0.01)
    garden.collector.period = 0.01
    rounds: list[int] = []

    def clouds() -> Any:
        rounds.append(1)
        if len(rounds) == 1:
            raise ValueError("no clouds")
        return garden.clouds.values()

    garden.collector.clouds = clouds
    garden.plant("orphan", 400)
    garden.collector.start()
    with garden.cluster.changed:
        assert garden.cluster.changed.wait_for(lambda: not garden.cluster.pods, SECONDS)
    garden.collector.stop()
    assert len(rounds) >= 2

"""What becomes of a build when something happens to its pod: the plugin's words, an end in seconds, no pod left."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from testbed.controller import collector, creation, informer, launch
from testbed.controller.cluster import ApiError
from testbed.controller.records import Record
from tests.unit.controller_world import World, jcasc, world
from tests.unit.fake_cluster import Object, running, terminated

SECONDS = 20.0
LABEL = "agent { label 'shop-kaniko' }"
POD = "agent { kubernetes { cloud 'shop'; inheritFrom 'shop-kaniko' } }"
LONG = "sh 'echo begun; sleep 1000'"
REMOVED, CANCELLED = "\nAgent was removed\nFinished: ABORTED\n", "\nQueue task was cancelled\nFinished: ABORTED\n"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No long pauses."""
    monkeypatch.setattr(creation, "LOST_PAUSE", 0.01)
    monkeypatch.setattr(informer, "PAUSES", (0.01,) * 5)
    monkeypatch.setattr(collector, "RETRY", 0.02)
    monkeypatch.setattr(launch, "LOST_SECONDS", 1.0)


def jenkinsfile(steps: str, agent: str = LABEL) -> str:
    """A Jenkinsfile of one stage."""
    return f"pipeline {{ {agent}\nstages {{ stage('s') {{ steps {{\n{steps}\n}} }} }} }}"


def until(record: Record, words: str) -> str:
    """Waits until a build's log has these words."""
    changed = threading.Event()
    record.follow(changed.set)
    while words not in (text := record.read(0).decode()):
        assert changed.wait(SECONDS), text
        changed.clear()
    return text


def finished(record: Record) -> str:
    """Waits for a build's end."""
    assert record.done.wait(SECONDS), record.read(0).decode()
    return record.read(0).decode()


def begun(here: World, steps: str = LONG, agent: str = LABEL, words: str = "\nbegun\n") -> Record:
    """A build that has come so far."""
    record = here.record(here.submit(jenkinsfile(steps, agent)))
    until(record, words)
    return record


@pytest.mark.parametrize("agent", [LABEL, POD])
def test_a_pod_that_is_deleted_in_mid_build(tmp_path: Path, agent: str) -> None:
    with world(tmp_path, inline=True) as here:
        record = begun(here, agent=agent)
        here.cluster.vanish()
        log = finished(record)
        name = here.cluster.created[0]["metadata"]["name"]
    assert f"\nPod ci-shop/{name} was just deleted\n" in log
    assert log.count(f"\nAgent {name} was deleted; cancelling node body\n") == 1
    assert log.endswith(REMOVED), log


def test_a_container_that_ends_in_mid_build(tmp_path: Path) -> None:
    """Its last lines are in the log, and the pod is gone."""
    with world(tmp_path, inline=True) as here:
        record = begun(here)
        pod = here.cluster.created[0]
        here.cluster.become(terminated(running(pod), "kaniko", 137, "OOMKilled"))
        log = finished(record)
        assert not here.cluster.pods
    assert f"\nci-shop/{pod['metadata']['name']} Container kaniko was terminated.\n" in log
    assert "\n- kaniko -- terminated (137)\n-----Logs-------------\nlast words\n" in log
    assert log.endswith(REMOVED), log


def test_an_evicted_pod(tmp_path: Path) -> None:
    with world(tmp_path, inline=True) as here:
        record = begun(here)
        here.cluster.become({"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory."})
        log = finished(record)
    assert " Pod just failed. Reason: Evicted, Message: The node was low on memory..\n" in log
    assert log.endswith(REMOVED), log


def test_retries_run_again_what_was_on_a_deleted_pod(tmp_path: Path) -> None:
    """On another agent; the first one's pod stays deleted."""
    steps = "sh 'if [ -e ../again ]; then echo second; else touch ../again; echo begun; sleep 1000; fi'"
    agent = POD.replace("inheritFrom", "retries 2; inheritFrom")
    with world(tmp_path, inline=True) as here:
        record = begun(here, steps, agent)
        here.cluster.vanish()
        log = finished(record)
        assert not here.cluster.pods
        assert len(here.cluster.created) == 2
    assert "\nsecond\n" in log
    assert log.endswith("Finished: SUCCESS\n"), log


def waiting(pod: Mapping[str, Any]) -> Object:
    """An image that cannot be pulled."""
    state = {"waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "kaniko"'}}
    return {"phase": "Pending", "containerStatuses": [{"name": "kaniko", "image": "kaniko", "state": state}]}


@pytest.mark.parametrize(("agent", "end"), [(POD, CANCELLED), (LABEL, "Finished: FAILURE\n")])
def test_an_image_that_cannot_be_pulled(tmp_path: Path, agent: str, end: str) -> None:
    """Three events of it end the agent; the build of a pod that its Jenkinsfile describes is taken out of the queue."""
    with world(tmp_path, inline=True, status=waiting, agents=False) as here:
        words = "Will wait for {} more events before terminating the node."
        record = begun(here, agent=agent, words=words.format(2))
        here.cluster.become(waiting({}))
        until(record, words.format(1))
        here.cluster.become(waiting({}))
        log = finished(record)
        assert not here.cluster.pods
    assert '\nERROR: Unable to pull container image "kaniko". Check if image tag name is spelled correctly.\n' in log
    assert "\tContainer [kaniko] waiting [ImagePullBackOff] Back-off pulling image" in log
    assert log.endswith(end), log


def test_a_refused_pod_takes_its_build_out_of_the_queue(tmp_path: Path) -> None:
    error = ApiError("POST", "u", 403, "denied request: [images] no", "Forbidden")
    with world(tmp_path, inline=True, refusals=[error]) as here:
        log = here.build(jenkinsfile("echo 'never'", POD))
        assert here.cluster.deleted == []
    assert "ERROR: Unable to create pod shop ci-shop/" in log
    assert "denied request: [images] no" in log
    assert log.endswith(CANCELLED), log


def pending(pod: Mapping[str, Any]) -> Object:
    """No node has room for this pod."""
    why = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}
    return {"phase": "Pending", "conditions": [why]}


def test_a_pod_that_stays_pending(tmp_path: Path) -> None:
    """Until the template's time is over; what was reported about it is in the log."""
    with world(tmp_path, inline=True, status=pending, agents=False) as here:
        log = here.build(jenkinsfile("echo 'x'", POD.replace("inheritFrom", "slaveConnectTimeout 1; inheritFrom")))
        (name,) = here.cluster.deleted
    assert f"\n[PodInfo] ci-shop/{name}\n\tPod [Pending][Unschedulable] 0/1 nodes are available\n" in log
    assert f"[Warning][ci-shop/{name}][Because] of this\n" in log
    assert f"Timed out waiting for [1000] milliseconds for [Pod] with name:[{name}] in namespace [ci-shop]" in log


def test_a_pod_that_is_deleted_before_its_agent_is_there(tmp_path: Path) -> None:
    """Another one is made."""
    with world(tmp_path, inline=True, status=pending, agents=False) as here:
        record = begun(here, "echo 'in'", words="[PodInfo]")
        here.cluster.status, here.cluster.agents = running, True
        here.cluster.vanish()
        log = finished(record)
        assert not here.cluster.pods
    assert len(here.cluster.created) == 2
    assert log.endswith("Finished: SUCCESS\n"), log


@pytest.mark.parametrize("steps", [LONG, "error 'no'", "echo 'x'"])
def test_the_pod_is_always_deleted(tmp_path: Path, steps: str) -> None:
    with world(tmp_path, inline=True) as here:
        record = here.record(here.submit(jenkinsfile(steps)))
        if steps == LONG:
            until(record, "\nbegun\n")
            assert here.ask("POST", "/job/shop/hello/1/stop") == (200, "ok\n")
        log = finished(record)
        assert not here.cluster.pods
    result = {LONG: "ABORTED", "error 'no'": "FAILURE"}.get(steps, "SUCCESS")
    assert log.endswith(f"Finished: {result}\n"), log


def test_an_abort_while_the_pod_is_waited_for(tmp_path: Path) -> None:
    with world(tmp_path, inline=True, status=pending, agents=False) as here:
        record = begun(here, words="Created Pod")
        here.server.builds.stop(record)
        log = finished(record)
        assert not here.cluster.pods
    assert log.endswith("Finished: ABORTED\n"), log


@pytest.mark.parametrize(("rule", "kept"), [("always", True), ("onFailure", False), ("never", False)])
def test_a_pods_retention(tmp_path: Path, rule: str, kept: bool) -> None:
    with world(tmp_path, inline=True) as here:
        here.cluster.clouds[:] = [jcasc("shop", here.url, tmp_path, more=f"podRetention: {rule}")]
        log = here.build(jenkinsfile("echo 'x'"))
        assert bool(here.cluster.pods) is kept
    assert ("was not deleted due to retention policy always." in log) is kept


def test_an_api_server_that_goes_away_in_mid_build(tmp_path: Path) -> None:
    """The build goes on; its pod is deleted when the server is back, and the watch goes on for the next build."""
    with world(tmp_path, inline=True, period=0.02) as here:
        record = begun(here, "sh 'echo begun; until [ -e ../go ]; do sleep 0.05; done; echo through'")
        here.cluster.away = True
        (tmp_path / "workspace/shop/go").touch()
        log = finished(record)
        (name,) = [name for _, name in here.cluster.pods]
        assert "\nthrough\n" in log
        assert log.endswith("Finished: SUCCESS\n"), log
        with here.cluster.changed:
            here.cluster.away = False
            assert here.cluster.changed.wait_for(lambda: not here.cluster.pods, SECONDS)
        assert here.cluster.deleted == [name]
        assert here.build(jenkinsfile("echo 'x'"), "shop/next").endswith("Finished: SUCCESS\n")

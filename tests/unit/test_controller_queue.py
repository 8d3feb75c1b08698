"""Builds that nobody waits for: in their order, through cap and quota, none lost, and with few requests."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from testbed.controller import capacity
from testbed.controller.queueing import Builds
from testbed.controller.records import Record, Records
from tests.unit.controller_world import jcasc, world

SECONDS = 60.0
BUILDS, QUOTA, CAP = 50, 8, 12
QUICK = "pipeline { agent { label 'shop-kaniko' }\nstages { stage('s') { steps { echo 'in' } } } }"


def test_fifty_builds_at_once(tmp_path: Path) -> None:
    """More than the cloud's cap and than the quota; who asks the API server is one of them at a time."""
    peak: list[int] = []
    with world(tmp_path, inline=True, quota=QUOTA) as here:
        here.cluster.clouds[:] = [jcasc("shop", here.url, tmp_path, cap=CAP)]
        numbers = [here.submit(QUICK, f"shop/j{index % 5}") for index in range(BUILDS)]
        records = [here.record(number, f"shop/j{index % 5}") for index, number in enumerate(numbers)]
        for record in records:
            assert record.done.wait(SECONDS), record.title
            peak.append(len(here.cluster.pods))
        logs = [record.read(0).decode() for record in records]
        assert [record.state for record in records] == ["SUCCESS"] * BUILDS, logs
        assert not here.cluster.pods
        calls = here.cluster.calls
    assert len(here.cluster.created) == len(set(here.cluster.deleted)) == BUILDS
    assert max(peak) <= QUOTA
    assert calls["list"] == 1
    assert calls["watch"] <= 3
    assert calls["get"] == BUILDS
    # Whoever meets the quota asks again when a pod has gone: at most once for each that goes.
    assert calls["create"] <= 3 * BUILDS
    refused = sum("resource quota exceeded" in log for log in logs)
    assert refused <= calls["create"] - BUILDS
    assert here.server.builds.running() == []


def made(records: Records, name: str = "hello", attached: bool = False) -> Record:
    """A build with nothing in it."""
    return records.new("shop", name, b"tar", "Jenkinsfile", attached)


def test_builds_run_in_their_order_and_not_all_at_a_time(tmp_path: Path) -> None:
    started: list[int] = []
    go, two = threading.Event(), threading.Barrier(3)

    def work(record: Record) -> str:
        started.append(record.number)
        if record.number <= 2:
            two.wait(SECONDS)
        assert go.wait(SECONDS)
        return "SUCCESS"

    records = Records(tmp_path)
    builds = Builds(records, work, at_once=2)
    all_ = [made(records) for _ in range(5)]
    for record in all_:
        builds.submit(record)
    two.wait(SECONDS)
    assert [record.state for record in all_] == ["RUNNING"] * 2 + ["QUEUED"] * 3
    builds.stop(all_[3])
    assert (all_[3].state, all_[3].read(0)) == ("ABORTED", b"Aborted before it began.\nFinished: ABORTED\n")
    go.set()
    assert all(record.done.wait(SECONDS) for record in all_)
    assert sorted(started) == [1, 2, 3, 5]
    assert [record.state for record in all_] == ["SUCCESS"] * 3 + ["ABORTED", "SUCCESS"]
    builds.close()


def test_a_build_that_breaks_the_controllers_code_ends_all_the_same(tmp_path: Path) -> None:
    def work(record: Record) -> str:
        raise ValueError("oops")

    records = Records(tmp_path)
    builds = Builds(records, work)
    record = made(records)
    builds.submit(record)
    assert record.done.wait(SECONDS)
    assert record.read(0) == b"ERROR: the stand-in controller failed: oops\nFinished: FAILURE\n"
    builds.close()


def test_log_and_result_can_be_asked_for(tmp_path: Path) -> None:
    with world(tmp_path, inline=True) as here:
        number = here.submit(QUICK)
        assert here.record(number).done.wait(SECONDS)
        assert here.ask("GET", f"/job/shop/hello/{number}/result") == (200, "SUCCESS\n")
        log = here.ask("GET", f"/job/shop/hello/{number}/log")[1]
        assert log.startswith("Started build #1 of shop/hello\n")
        assert here.ask("GET", f"/job/shop/hello/{number}/log?start={len(log) - 18}") == (200, "Finished: SUCCESS\n")
        assert here.ask("GET", "/job/shop/hello/7/log")[0] == 404
        assert here.ask("GET", f"/job/shop/hello/{number}/log?start=x")[0] == 400
        assert '"SUCCESS": 1' in here.ask("GET", "/statistics")[1]


def test_an_abort_while_a_place_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "POLL_SECONDS", 0.01)
    hold = QUICK.replace("echo 'in'", "sh 'until [ -e ../go ]; do sleep 0.05; done'")
    with world(tmp_path, inline=True) as here:
        here.cluster.clouds[:] = [jcasc("shop", here.url, tmp_path, cap=1)]
        first, second = (here.record(here.submit(hold)) for _ in range(2))
        changed = threading.Event()
        second.follow(changed.set)
        first.follow(changed.set)
        while not (waits := [one for one in (first, second) if b"; waiting\n" in one.read(0)]):
            assert changed.wait(SECONDS)
            changed.clear()
        here.server.builds.stop(waits[0])
        assert waits[0].done.wait(SECONDS)
        assert waits[0].state == "ABORTED"
        (tmp_path / "workspace/shop").mkdir(parents=True, exist_ok=True)
        (tmp_path / "workspace/shop/go").touch()
        other = first if waits[0] is second else second
        assert other.done.wait(SECONDS)
        assert (other.state, len(here.cluster.created)) == ("SUCCESS", 1)

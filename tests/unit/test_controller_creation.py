"""A pod is created once, whatever becomes of the answer; what the quota has no room for waits its turn."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from testbed.controller import creation
from testbed.controller.buildlog import BuildLog
from testbed.controller.capacity import Turns
from testbed.controller.cluster import ApiError
from testbed.controller.creation import Creation, RefusedError
from testbed.controller.failures import AbortedError
from testbed.controller.informer import Informers
from tests.unit.fake_cluster import FakeCluster, Object

SECONDS = 20.0
POD = {"metadata": {"name": "p", "namespace": "ci-shop"}, "spec": {"containers": [{"name": "jnlp"}]}}
FULL = ApiError("POST", "u", 403, 'pods "p" is forbidden: exceeded quota: tenant', "Forbidden")
DENIED = ApiError("POST", "u", 403, 'pods "p" is forbidden: denied request: [images] x', "Forbidden")
LOST = ApiError("POST", "u", 0, "connection reset")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses."""
    monkeypatch.setattr(creation, "QUOTA_PAUSE", 0.01)
    monkeypatch.setattr(creation, "LOST_PAUSE", 0.01)


class Cluster(FakeCluster):
    """Answers `answers` in their order: an error, after it made the pod where `made` says so."""

    made: bool = False

    def create_pod(self, namespace: str, pod: object) -> Object:
        """See FakeCluster."""
        if self.refusals and self.refusals[0].passing and self.made:
            self.made = False
            self.admitted(namespace, pod)  # type: ignore[arg-type]
        return super().create_pod(namespace, pod)  # type: ignore[arg-type]


def cluster(*refusals: ApiError, made: bool = False) -> Cluster:
    """One that refuses, and may have made the pod all the same."""
    fake = Cluster([], refusals=list(refusals), agents=False)
    fake.made = made
    return fake


def making(fake: FakeCluster, patience: float = SECONDS, stop: Callable[[], bool] = lambda: False,
           turns: Turns | None = None) -> tuple[Creation, list[str]]:  # fmt: skip
    """(a creation, the build's log)."""
    lines: list[str] = []
    log = BuildLog(lambda line: lines.append(line.decode()))
    return Creation(fake, turns or Turns(), log, "shop", POD, patience, stop), lines


def test_a_pod_is_looked_for_and_then_created() -> None:
    fake = cluster()
    made, lines = making(fake)
    assert made.run()["metadata"]["name"] == "p"
    assert dict(fake.calls) == {"get": 1, "create": 1}
    assert lines == ["Created Pod: shop ci-shop/p\n"]
    assert (made.possible, made.late) == (True, False)


def test_a_server_that_has_just_started_is_asked_again() -> None:
    """Its 403 is no refusal."""
    fake = cluster(ApiError("POST", "u", 403, 'pods "p" is forbidden: not yet ready to handle request', "Forbidden"))
    creating, lines = making(fake)
    creating.run()
    assert lines == ["Created Pod: shop ci-shop/p\n"]


@pytest.mark.parametrize("made", [False, True])
def test_a_lost_answer_is_not_asked_for_twice(made: bool) -> None:
    """Whether the API server had made the pod or not: there is one."""
    fake = cluster(LOST, made=made)
    creating, lines = making(fake)
    creating.run()
    assert len(fake.created) == 1
    assert fake.calls["create"] == (1 if made else 2)
    assert lines == [f"{'Pod already exists' if made else 'Created Pod'}: shop ci-shop/p\n"]
    assert not creating.late


def test_an_answer_that_comes_too_late_for_the_look_is_found_by_the_second_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pod appears between the look and the second create, which then says that it is there already."""
    fake = cluster(LOST)
    original = FakeCluster.pod

    def pod(self: FakeCluster, namespace: str, name: str) -> Object:
        try:
            return original(self, namespace, name)
        finally:
            if self.calls["create"] == 1 and not self.created:
                self.admitted(namespace, POD)

    monkeypatch.setattr(FakeCluster, "pod", pod)
    creating, lines = making(fake)
    creating.run()
    assert len(fake.created) == 1
    assert lines == ["Pod already exists: shop ci-shop/p\n"]


def test_a_server_that_stays_away() -> None:
    """Ends the wait; nobody knows then whether the pod will come."""
    fake = cluster(*[LOST] * 1000)
    creating, lines = making(fake, patience=0.05)
    with pytest.raises(RefusedError, match="connection reset"):
        creating.run()
    assert (creating.possible, creating.late) == (True, True)
    assert lines[0] == "ERROR: Unable to create pod shop ci-shop/p.\n"


def test_what_is_refused_for_good_is_asked_once() -> None:
    fake = cluster(DENIED)
    creating, lines = making(fake)
    with pytest.raises(RefusedError, match="denied request"):
        creating.run()
    assert fake.calls["create"] == 1
    assert not creating.possible
    assert lines[0] == "ERROR: Unable to create pod shop ci-shop/p.\n"


def test_a_used_up_quota_is_told_once() -> None:
    fake = cluster(FULL, FULL, FULL)
    creating, lines = making(fake)
    creating.run()
    assert (fake.calls["create"], fake.calls["get"]) == (4, 1)
    assert "".join(lines).count("because kubernetes resource quota exceeded") == 1


def test_two_requests_that_meet_in_the_quota() -> None:
    conflict = ApiError("POST", "u", 409, "Operation cannot be fulfilled on resourcequotas", "Conflict")
    creating, lines = making(cluster(conflict))
    creating.run()
    assert "because kubernetes resource quota update conflict" in lines[0]


def test_a_quota_that_never_has_room() -> None:
    """Gives up: no pod of ours went in all that time."""
    creating, _ = making(cluster(*[FULL] * 1000), patience=0.05)
    with pytest.raises(RefusedError, match="exceeded quota"):
        creating.run()


def test_who_is_first_in_line_stays_as_long_as_pods_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each try takes a second of three; after each a pod goes, to whose room somebody else was quicker."""
    clock, turns = [0.0], Turns()
    original = FakeCluster.create_pod

    def create_pod(self: FakeCluster, namespace: str, pod: Object) -> Object:
        clock[0] += 1
        turns.freed(namespace)
        return original(self, namespace, pod)

    monkeypatch.setattr(FakeCluster, "create_pod", create_pod)
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    creating, _ = making(cluster(*[FULL] * 10), patience=3.0, turns=turns)
    assert creating.run()["metadata"]["name"] == "p"


def test_an_abort_while_the_quota_is_waited_for() -> None:
    asked: list[bool] = []

    def stop() -> bool:
        asked.append(True)
        return len(asked) > 3

    creating, _ = making(cluster(*[FULL] * 1000), stop=stop)
    with pytest.raises(AbortedError):
        creating.run()
    assert not creating.possible


def test_a_pod_that_goes_lets_the_first_in_line_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, and nobody else asks the API server meanwhile."""
    monkeypatch.setattr(creation, "QUOTA_PAUSE", SECONDS)
    fake = FakeCluster([], agents=False, quota=1)
    turns = Turns()
    fake.admitted("ci-shop", {**POD, "metadata": {"name": "other", "namespace": "ci-shop"}})
    informers = Informers(fake, turns.freed)
    creating, _ = making(fake, turns=turns)
    behind, _ = making(fake, turns=turns)

    class Nobody:
        """Listens to nothing."""

        def __init__(self) -> None:
            """See above."""
            self.heard = threading.Event()

        def changed(self, kind: str, pod: Object) -> None:
            """See Listener."""
            self.heard.set()

        def failed(self, error: ApiError) -> None:
            """See Listener."""

    nobody = Nobody()
    with informers.subscribed("ci-shop", "l", "other", nobody):
        assert nobody.heard.wait(SECONDS)
        first = threading.Thread(target=creating.run)
        first.start()
        with fake.changed:
            assert fake.changed.wait_for(lambda: fake.calls["create"] == 1, SECONDS)
        second = threading.Thread(target=behind.run)
        second.start()
        fake.delete_pod("ci-shop", "other")
        first.join(SECONDS)
        second.join(SECONDS)
    assert not first.is_alive() and not second.is_alive()
    assert fake.calls["create"] == 2
    fake.close()

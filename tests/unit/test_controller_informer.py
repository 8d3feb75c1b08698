"""One watch for all agents of a namespace: it goes on after whatever broke it, and nothing that happened is missed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from testbed.controller import informer
from testbed.controller.cluster import GONE, ApiError
from testbed.controller.informer import Informers
from tests.unit.fake_cluster import FakeCluster

SECONDS = 20.0
LOST = ApiError("GET", "u", 0, "connection refused")


class Heard:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.said: list[str] = []
        self.errors: list[ApiError] = []
        self.news = threading.Condition()

    def changed(self, kind: str, pod: dict[str, Any]) -> None:
        """See Listener."""
        with self.news:
            self.said.append(f"{kind} {pod['metadata']['name']} {pod['status']['phase']}")
            self.news.notify_all()

    def failed(self, error: ApiError) -> None:
        """See Listener."""
        with self.news:
            self.errors.append(error)
            self.news.notify_all()

    def until(self, *said: str) -> None:
        """Waits until it has heard exactly that."""
        with self.news:
            assert self.news.wait_for(lambda: self.said == list(said), SECONDS), self.said


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCluster]:
    """A cluster; no pauses between two tries."""
    monkeypatch.setattr(informer, "PAUSES", (0.01,) * 5)
    fake = FakeCluster([], agents=False)
    yield fake
    fake.close()


def put(cluster: FakeCluster, kind: str, name: str, phase: str = "Running", namespace: str = "ci-shop") -> None:
    """Something happens to a pod."""
    cluster.put(namespace, name, kind, {"metadata": {"name": name}, "status": {"phase": phase}})


def test_each_hears_of_its_own_pod_by_one_list_and_one_watch(cluster: FakeCluster) -> None:
    informers = Informers(cluster)
    heard = {name: Heard() for name in "abc"}
    with ExitStack() as stack:
        for name, listener in heard.items():
            stack.enter_context(informers.subscribed("ci-shop", "l", name, listener))
            put(cluster, "ADDED", name, "Pending")
        put(cluster, "MODIFIED", "b")
        put(cluster, "DELETED", "c")
        put(cluster, "ADDED", "b", namespace="ci-blog")
        heard["a"].until("ADDED a Pending")
        heard["b"].until("ADDED b Pending", "MODIFIED b Running")
        heard["c"].until("ADDED c Pending", "DELETED c Running")
    assert (cluster.calls["list"], cluster.calls["watch"]) == (1, 1)


def test_a_watch_that_breaks_goes_on_where_it_was(cluster: FakeCluster) -> None:
    """As when the API server restarts: what happened meanwhile comes afterwards, and nothing twice."""
    heard = Heard()
    with Informers(cluster).subscribed("ci-shop", "l", "a", heard):
        put(cluster, "ADDED", "a", "Pending")
        heard.until("ADDED a Pending")
        with cluster.changed:
            cluster.away = True
            assert cluster.changed.wait_for(lambda: cluster.calls["lost"], SECONDS)
            put(cluster, "MODIFIED", "a")
            cluster.away = False
        heard.until("ADDED a Pending", "MODIFIED a Running")
    assert cluster.calls["list"] == 1
    assert not heard.errors


@pytest.mark.parametrize(("kind", "said"), [("DELETED", "DELETED a Pending"), ("MODIFIED", "MODIFIED a Running")])
def test_what_nobody_remembers_is_found_out_by_a_list(cluster: FakeCluster, kind: str, said: str) -> None:
    """A pod that went while nobody watched is told of as deleted; one that changed, as changed."""
    heard = Heard()
    with Informers(cluster).subscribed("ci-shop", "l", "a", heard):
        put(cluster, "ADDED", "a", "Pending")
        heard.until("ADDED a Pending")
        with cluster.changed:
            cluster.away = True
            assert cluster.changed.wait_for(lambda: cluster.calls["lost"], SECONDS)
            put(cluster, kind, "a")
            cluster.forgotten = len(cluster.history)  # GONE, from here on
            cluster.away = False
        heard.until("ADDED a Pending", said)
    assert (cluster.calls["list"] >= 2, cluster.calls["gone"]) == (True, 1)


def test_a_refusal_is_told_to_all_who_listen(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = ApiError("GET", "u", 403, "pods is forbidden: cannot list", "Forbidden")

    def listed(self: FakeCluster, namespace: str, labels: str) -> Any:
        raise refusal

    monkeypatch.setattr(FakeCluster, "listed", listed)
    heard = Heard()
    with Informers(cluster).subscribed("ci-shop", "l", "a", heard), heard.news:
        assert heard.news.wait_for(lambda: heard.errors, SECONDS)
    assert heard.errors[0] is refusal


@pytest.mark.parametrize("error", [LOST, ApiError("GET", "u", GONE, "too old"), ValueError("no JSON")])
def test_no_error_of_a_watch_ends_it(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    original, failures = FakeCluster.watch, [error, error]

    def watch(self: FakeCluster, namespace: str, labels: str, version: str, seconds: int) -> Any:
        if failures:
            raise failures.pop()
        return original(self, namespace, labels, version, seconds)

    monkeypatch.setattr(FakeCluster, "watch", watch)
    heard = Heard()
    with Informers(cluster).subscribed("ci-shop", "l", "a", heard):
        put(cluster, "ADDED", "a")
        heard.until("ADDED a Running")


def test_every_deletion_says_that_there_is_room(cluster: FakeCluster) -> None:
    """Also of pods that nobody listens for."""
    gone: list[str] = []
    heard = Heard()
    with Informers(cluster, gone.append).subscribed("ci-shop", "l", "a", heard):
        put(cluster, "ADDED", "a", "Pending")
        heard.until("ADDED a Pending")
        put(cluster, "ADDED", "other")
        put(cluster, "DELETED", "other")
        put(cluster, "MODIFIED", "a")
        heard.until("ADDED a Pending", "MODIFIED a Running")
    assert gone == ["ci-shop"]


def test_a_thread_ends_when_nobody_listens_and_another_begins(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(informer, "SLICE", 0.01)
    informers = Informers(cluster)
    for name in "ab":
        heard = Heard()
        with informers.subscribed("ci-shop", "l", name, heard):
            (running,) = informers.running.values()
            put(cluster, "ADDED", name)
            heard.until(f"ADDED {name} Running")
        running.ended.wait(SECONDS)
        assert not informers.running

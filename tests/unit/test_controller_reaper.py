"""What ends an agent, in which words, and what may run again; what is kept, what is collected."""

from __future__ import annotations

from typing import Any

import pytest

from testbed.controller import pods, retention
from testbed.controller.collector import stale
from testbed.controller.reaper import End, Reaper


def pod(**status: Any) -> dict[str, Any]:
    """A pod with a status."""
    return {"metadata": {"namespace": "ci-shop", "name": "p"}, "status": status}


def ended(name: str, code: int = 0, **more: Any) -> dict[str, Any]:
    """The status of a container that ended."""
    return {"name": name, "state": {"terminated": {"exitCode": code, **more}}}


def waits(name: str, reason: str, message: str | None = None) -> dict[str, Any]:
    """The status of a container that waits."""
    state = {"reason": reason} | ({"message": message} if message else {})
    return {"name": name, "image": f"i-{name}", "state": {"waiting": state}}


ALIVE = {"name": "jnlp", "state": {"running": {}}}
BACKOFF = pod(containerStatuses=[waits("k", "ImagePullBackOff", 'Back-off pulling image "i-k": ErrImagePull: no')])
EVICTION = {"reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting"}


@pytest.mark.parametrize(
    ("kind", "given", "end"),
    [
        ("ADDED", pod(phase="Failed"), None),
        ("MODIFIED", pod(phase="Running", containerStatuses=[ALIVE]), None),
        ("MODIFIED", pod(containerStatuses=[waits("k", "ErrImagePull", "not found")]), None),
        ("DELETED", pod(phase="Running"), End("Pod ci-shop/p was just deleted", last_words=False, cancelled=False)),
        ("MODIFIED", pod(containerStatuses=[ended("jnlp", 1, reason="Error"), ALIVE]),
         End("ci-shop/p Container jnlp was terminated.")),
        ("MODIFIED", pod(containerStatuses=[ended("a", reason="Error"), ended("b", reason="OOMKilled")]),
         End("ci-shop/p Containers a,b were terminated.")),
        ("MODIFIED", pod(containerStatuses=[ended("a", 137, reason="OOMKilled")]),
         End("ci-shop/p Container a was terminated.", retryable=False)),
        ("MODIFIED", pod(containerStatuses=[ended("a", 0, reason="Completed")]),
         End("ci-shop/p Container a was terminated.", retryable=False)),
        ("MODIFIED", pod(phase="Failed", reason="DeadlineExceeded", message="too long"),
         End("ci-shop/p Pod just failed. Reason: DeadlineExceeded, Message: too long.", retryable=False)),
        ("MODIFIED", pod(phase="Failed", reason="Evicted", message="low on memory"),
         End("ci-shop/p Pod just failed. Reason: Evicted, Message: low on memory.")),
        ("MODIFIED", pod(phase="Failed", conditions=[EVICTION]),
         End("ci-shop/p Pod just failed. Pod was evicted by the Kubernetes Eviction API.")),
    ],
)  # fmt: skip
def test_what_ends_an_agent(kind: str, given: dict[str, Any], end: End | None) -> None:
    assert Reaper().judge(kind, given) == ("", end)


def test_an_image_that_cannot_be_pulled_is_waited_for_twice() -> None:
    reaper = Reaper()
    said = [reaper.judge("MODIFIED", BACKOFF) for _ in range(3)]
    assert [words for words, _ in said] == [
        "ERROR: Image pull backoff detected, waiting for image to be available. Will wait for 2 more events before"
        " terminating the node.",
        "ERROR: Image pull backoff detected, waiting for image to be available. Will wait for 1 more events before"
        " terminating the node.",
        "",
    ]
    assert [end for _, end in said] == [
        None,
        None,
        End('ERROR: Unable to pull container image "i-k". Check if image tag name is spelled correctly.', False),
    ]


def test_a_deletion_that_follows_an_end_for_good_is_not_run_again() -> None:
    """The reasons are remembered."""
    reaper = Reaper()
    reaper.judge("MODIFIED", pod(containerStatuses=[ended("a", 137, reason="OOMKilled")]))
    _, end = reaper.judge("DELETED", pod())
    assert end and not end.retryable


def test_what_the_log_says_of_a_pod() -> None:
    given = pod(
        phase="Pending",
        containerStatuses=[ALIVE, waits("k", "ContainerCreating"), ended("x", 1, reason="Error", message="m")],
        conditions=[{"type": "PodScheduled", "reason": "Unschedulable", "message": "0/1 nodes"}, {"type": "Ready"},
                    {"type": "ContainersReady", "reason": "ContainersNotReady"}],
    )  # fmt: skip
    assert pods.info(given) == (
        "[PodInfo] ci-shop/p\n\tContainer [k] waiting [ContainerCreating] No message\n\tContainer [x] terminated"
        " [Error] m\n\tPod [Pending][Unschedulable] 0/1 nodes\n\tPod [Pending][ContainersNotReady] No message"
    )
    assert pods.info(pod(phase="Running", containerStatuses=[ALIVE], conditions=[{"type": "Ready"}])) == ""


def test_last_words() -> None:
    given = pod(containerStatuses=[ended("a", 3), ALIVE])
    assert pods.last_words(given, lambda name: f"{name} said\n") == (
        "\n- a -- terminated (3)\n-----Logs-------------\na said\n"
        "\n- jnlp -- running\n-----Logs-------------\njnlp said"
    )


@pytest.mark.parametrize(
    ("rule", "status", "goes"),
    [
        ("never", {"phase": "Running"}, True),
        ("always", {"phase": "Running"}, False),
        ("onFailure", {"phase": "Running"}, True),
        ("onFailure", {"phase": "Failed"}, False),
        ("onFailure", {"phase": "Unknown"}, False),
        ("onFailure", None, False),
        ("evicted", {"phase": "Failed", "reason": "Evicted"}, False),
        ("evicted", {"phase": "Failed", "reason": "Other"}, True),
        ("evicted", None, True),
    ],
)
def test_retention(rule: str, status: dict[str, Any] | None, goes: bool) -> None:
    assert retention.deletes(rule, status and pod(**status)) is goes


@pytest.mark.parametrize(
    ("mark", "timeout", "old"),
    [("879000", 120, True), ("881000", 120, False), ("879000", 5, True), ("881000", 5, False), ("1000", 3600, False),
     ("", 120, False), ("soon", 120, False)],
)  # fmt: skip
def test_what_is_collected(mark: str, timeout: float, old: bool) -> None:
    """At 1,000,000 ms: marked longer ago than the timeout, which is two minutes at least; without a mark never."""
    given = pod()
    given["metadata"]["annotations"] = {"kubernetes.jenkins.io/last-refresh": mark} if mark else None
    assert stale(given, 1_000_000, timeout) is old

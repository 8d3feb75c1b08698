"""Who gets the next place: first come, first served, and nobody is forgotten."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import pytest

from testbed.controller import capacity
from testbed.controller.capacity import Capacity, Turns
from testbed.controller.failures import AbortedError

SECONDS = 20.0


class Build:
    """Takes something in a thread of its own, and holds it until it is told to let go."""

    def __init__(self, name: str, order: list[str], take: Callable[[], AbstractContextManager[None]]) -> None:
        """Begins at once."""
        self.inside, self.leave = threading.Event(), threading.Event()
        self.error: Exception | None = None
        self.thread = threading.Thread(target=self.run, args=(name, order, take))
        self.thread.start()

    def run(self, name: str, order: list[str], take: Callable[[], AbstractContextManager[None]]) -> None:
        """In the thread."""
        try:
            with take():
                order.append(name)
                self.inside.set()
                assert self.leave.wait(SECONDS)
        except AbortedError as error:
            self.error = error

    def end(self) -> None:
        """Lets go."""
        self.leave.set()
        self.thread.join(SECONDS)
        assert not self.thread.is_alive()


def slot(place: Capacity, caps: Mapping[Any, int], stop: Callable[[], bool] = lambda: False,
         said: Callable[[str], None] = lambda _: None) -> Callable[[], AbstractContextManager[None]]:  # fmt: skip
    """How a build takes a place."""
    return lambda: place.slot(caps, stop, said, "waiting")


def lined_up(place: Capacity, count: int) -> None:
    """Waits until so many wait."""
    with place._changed:
        assert place._changed.wait_for(lambda: len(place._waiting) == count, SECONDS)


def test_places_go_to_who_came_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "POLL_SECONDS", 0.01)
    place, order, said = Capacity(), list[str](), list[str]()
    builds = []
    for number in range(5):
        builds.append(Build(str(number), order, slot(place, {"shop": 2}, said=said.append)))
        if number < 2:
            assert builds[number].inside.wait(SECONDS)
        else:
            lined_up(place, number - 1)
    other = Build("other cloud", order, slot(place, {"blog": 2}))
    assert other.inside.wait(SECONDS)
    other.end()
    for number, build in enumerate(builds):
        if number >= 2:
            assert build.inside.wait(SECONDS)
            assert not any(late.inside.is_set() for late in builds[number + 2 :])
        builds[number].end()
    assert order == ["0", "1", "other cloud", "2", "3", "4"]
    assert said == ["waiting"] * 3


def test_who_waits_for_a_templates_place_does_not_hold_up_the_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second of a template that has room for one; another template's build passes it."""
    monkeypatch.setattr(capacity, "POLL_SECONDS", 0.01)
    place, order = Capacity(), list[str]()
    first = Build("first", order, slot(place, {"shop": 3, "buildkit": 1}))
    assert first.inside.wait(SECONDS)
    second = Build("second", order, slot(place, {"shop": 3, "buildkit": 1}))
    lined_up(place, 1)
    third = Build("third", order, slot(place, {"shop": 3}))
    assert third.inside.wait(SECONDS)
    assert not second.inside.is_set()
    for build in (first, second, third):
        build.end()
    assert order == ["first", "third", "second"]


def test_who_is_interrupted_leaves_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "POLL_SECONDS", 0.01)
    place, order, stop = Capacity(), list[str](), threading.Event()
    first = Build("first", order, slot(place, {"shop": 1}))
    assert first.inside.wait(SECONDS)
    second = Build("second", order, slot(place, {"shop": 1}, stop.is_set))
    lined_up(place, 1)
    third = Build("third", order, slot(place, {"shop": 1}))
    lined_up(place, 2)
    stop.set()
    second.thread.join(SECONDS)
    first.end()
    assert third.inside.wait(SECONDS)
    third.end()
    assert isinstance(second.error, AbortedError)
    assert order == ["first", "third"]


def test_one_at_a_time_creates_pods_in_a_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "POLL_SECONDS", 0.01)
    turns, order = Turns(), list[str]()

    def turn(namespace: str, stop: Callable[[], bool] = lambda: False) -> Callable[[], AbstractContextManager[None]]:
        return lambda: turns.turn(namespace, stop)

    first = Build("first", order, turn("ci-shop"))
    assert first.inside.wait(SECONDS)
    second = Build("second", order, turn("ci-shop"))
    blog = Build("blog", order, turn("ci-blog"))
    assert blog.inside.wait(SECONDS)
    gives_up = Build("gives up", order, turn("ci-shop", lambda: True))
    gives_up.thread.join(SECONDS)
    assert not second.inside.is_set()
    first.end()
    assert second.inside.wait(SECONDS)
    for build in (second, blog):
        build.end()
    assert order == ["first", "blog", "second"]
    assert isinstance(gives_up.error, AbortedError)
    assert not turns._lines


def test_a_pod_that_goes_makes_room_for_who_waits_there() -> None:
    turns = Turns()
    with turns.turn("ci-shop", lambda: False):
        seen = turns.count("ci-shop")
        assert not turns.room("ci-shop", seen, 0.01)
        turns.freed("ci-blog")
        assert not turns.room("ci-shop", seen, 0.01)
        turns.freed("ci-shop")
        assert turns.room("ci-shop", seen, SECONDS)

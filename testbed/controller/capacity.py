"""How many agents a cloud and a template may have at a time, and whose turn it is: first come, first served.

After jenkinsci/kubernetes-plugin, KubernetesProvisioningLimits: `containerCapStr` of the cloud, `instanceCap` of the
template. Who waits asks the API server for nothing.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from testbed.controller.failures import AbortedError

POLL_SECONDS = 1.0


class Capacity:
    """Counts the agents of each cloud and template, for all builds."""

    def __init__(self) -> None:
        """No agents."""
        self._used: Counter[Any] = Counter()
        self._waiting: deque[tuple[object, Mapping[Any, int]]] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def slot(
        self, caps: Mapping[Any, int], interrupted: Callable[[], bool], say: Callable[[str], None], words: str = ""
    ) -> Iterator[None]:
        """Holds one place of each of `caps` as long as the block runs; waits for them, however long, if there is none.

        Who came earlier goes first, unless what they wait for is something else.

        Args:
            caps: how many places there are, by what has them.
            interrupted: asked while waiting.
            say: takes the words once, if this waits.
            words: what there is to say then.

        Raises:
            AbortedError: `interrupted()` was true first.
        """
        mine = object()
        with self._changed:
            self._waiting.append((mine, caps))
            try:
                if not self._may(mine, caps):
                    say(words)
                while not self._may(mine, caps):
                    if interrupted():
                        raise AbortedError
                    self._changed.wait(POLL_SECONDS)
                self._used.update(caps.keys())
            finally:
                self._waiting.remove((mine, caps))
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._used.subtract(caps.keys())
                self._changed.notify_all()

    def _may(self, mine: object, caps: Mapping[Any, int]) -> bool:
        if any(self._used[key] >= cap for key, cap in caps.items()):
            return False
        for other, wanted in self._waiting:
            if other is mine:
                return True
            if caps.keys() & wanted.keys() and all(self._used[key] < cap for key, cap in wanted.items()):
                return False  # theirs first
        return True


class Turns:
    """One build at a time creates pods in a namespace: while its quota is used up, one asks and all others wait."""

    def __init__(self) -> None:
        """Nobody waits."""
        self._lines: dict[str, deque[object]] = {}
        self._freed: Counter[str] = Counter()
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, namespace: str, interrupted: Callable[[], bool]) -> Iterator[None]:
        """Waits for those who came earlier, then keeps all others waiting as long as the block runs.

        Raises:
            AbortedError: `interrupted()` was true first.
        """
        mine = object()
        with self._changed:
            line = self._lines.setdefault(namespace, deque())
            line.append(mine)
        try:
            with self._changed:
                while line[0] is not mine:
                    if interrupted():
                        raise AbortedError
                    self._changed.wait(POLL_SECONDS)
            yield
        finally:
            with self._changed:
                line.remove(mine)
                if not line:
                    self._lines.pop(namespace, None)
                self._changed.notify_all()

    def freed(self, namespace: str) -> None:
        """A pod of this namespace is gone: there may be room."""
        with self._changed:
            self._freed[namespace] += namespace in self._lines
            self._changed.notify_all()

    def count(self, namespace: str) -> int:
        """How many pods were gone so far while somebody waited; see `room`."""
        with self._changed:
            return self._freed[namespace]

    def room(self, namespace: str, seen: int, seconds: float) -> bool:
        """Waits until a pod is gone since `count` was `seen`, `seconds` at most; answers whether one is."""
        with self._changed:
            return self._changed.wait_for(lambda: self._freed[namespace] != seen, seconds)

"""How many agents a cloud may have at a time (`containerCapStr`)."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from testbed.controller.failures import AbortedError, BuildError


class Capacity:
    """Counts the agents of each cloud, for all builds."""

    def __init__(self) -> None:
        """No agents."""
        self._used: Counter[str] = Counter()
        self._changed = threading.Condition()

    @contextmanager
    def slot(
        self, cloud: str, cap: int | None, seconds: float, interrupted: Callable[[], bool], say: Callable[[str], None]
    ) -> Iterator[None]:
        """Holds one of `cap` places (None: no limit) as long as the block runs; waits for one if all are taken.

        Raises:
            BuildError: none came free in `seconds`.
            AbortedError: `interrupted()` was true first.
        """
        end = time.monotonic() + seconds
        with self._changed:
            if cap is not None and self._used[cloud] >= cap:
                say(f"Maximum number of concurrently running agents of cloud {cloud} reached: {cap}; waiting")
            while cap is not None and self._used[cloud] >= cap:
                if interrupted():
                    raise AbortedError
                if time.monotonic() > end:
                    raise BuildError(f"no agent of cloud {cloud} came free in {seconds:.0f} seconds (at most {cap})")
                self._changed.wait(1)
            self._used[cloud] += 1
        try:
            yield
        finally:
            with self._changed:
                self._used[cloud] -= 1
                self._changed.notify_all()

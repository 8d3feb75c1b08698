"""Waiting on a condition, with a limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
STEP_SECONDS = 0.2


def wait(probe: Callable[[], T], seconds: float, what: str) -> T:
    """Asks until the answer is true.

    Args:
        probe: asked about five times a second.
        seconds: how long at most.
        what: completes "waited for ...", in case of the error.

    Returns:
        The first true answer.

    Raises:
        TimeoutError: it did not become true in time.
    """
    end = time.monotonic() + seconds
    while not (answer := probe()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        time.sleep(STEP_SECONDS)
    return answer

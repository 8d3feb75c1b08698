"""A lock that is given in the order in which it was asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class InOrder:
    """A lock that is given in the order in which it was asked for, and that tells whether somebody waits."""

    def __init__(self) -> None:
        """Free."""
        self._changed = threading.Condition()
        self._given = self._served = 0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Holds it for the block."""
        with self._changed:
            ticket, self._given = self._given, self._given + 1
            self._changed.wait_for(lambda: self._served == ticket)
        try:
            yield
        finally:
            with self._changed:
                self._served += 1
                self._changed.notify_all()

    def wanted(self) -> bool:
        """Whether somebody waits for whoever holds it."""
        with self._changed:
            return self._given > self._served + 1

"""What may stop a piece of a build: the build's abort, an enclosing timeout, `failFast` of an enclosing `parallel`.

As in Jenkins an interruption is delivered once, to the steps that are running then: each thread (a branch of
`parallel`) heeds each signal once, and what runs after it (`post`, `catch`, `finally`) is not stopped by it again.
"""

from __future__ import annotations

import threading
import time

from testbed.controller.failures import AbortedError

SLICE = 0.1  # seconds between two looks at the signals


class Signal:
    """One thing that may interrupt: set by an event, or by a point in time."""

    def __init__(self, cause: str, event: threading.Event | None = None, seconds: float | None = None) -> None:
        """`cause` is what the log says; `seconds` from now it is raised, or when `event` is set."""
        self.cause = cause
        self.event = event or threading.Event()
        self.end = None if seconds is None else time.monotonic() + seconds

    def raised(self) -> bool:
        """Whether it is time to stop."""
        return self.event.is_set() or (self.end is not None and time.monotonic() >= self.end)


class Flow:
    """The signals that hold for one thread of a build, and which of them it has heeded."""

    def __init__(self, *signals: Signal) -> None:
        """A build's first thread, with what may abort the build."""
        self._signals = signals
        self._heeded: set[Signal] = set()

    def _pending(self) -> list[Signal]:
        return [signal for signal in self._signals if signal not in self._heeded and signal.raised()]

    def interrupted(self) -> bool:
        """Whether what runs here must stop. True until the executor has left it: ask as often as you like."""
        return bool(self._pending())

    def wait(self, seconds: float) -> bool:
        """Waits that long, or until it is interrupted; answers whether it is."""
        end = time.monotonic() + seconds
        pause = threading.Event()
        while not self.interrupted() and (left := end - time.monotonic()) > 0:
            pause.wait(min(SLICE, left))
        return self.interrupted()

    def heed(self) -> AbortedError:
        """The error for what interrupts now; from here on it does so no more."""
        pending = self._pending()
        self._heeded.update(pending)
        return AbortedError(pending[0].cause, pending[0]) if pending else AbortedError("The step was interrupted")

    def explained(self, error: AbortedError) -> AbortedError:
        """The same error, or, where it does not say what interrupted, the one that does."""
        return error if error.cause or error.source else self.heed()

    def check(self) -> None:
        """Raises AbortedError if it is interrupted, and heeds that."""
        if self.interrupted():
            raise self.heed()

    def within(self, signal: Signal) -> Flow:
        """The same thread, in a block that one more signal may stop."""
        inner = Flow(*self._signals, signal)
        inner._heeded = self._heeded
        return inner

    def branch(self, *signals: Signal) -> Flow:
        """Another thread, which more signals may stop."""
        other = Flow(*self._signals, *signals)
        other._heeded = set(self._heeded)
        return other

    def heed_what(self, stopped: AbortedError) -> None:
        """Heeds what a branch of this thread has been stopped by."""
        if isinstance(stopped.source, Signal):
            self._heeded.add(stopped.source)

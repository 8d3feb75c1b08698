"""Runs builds in the order in which they came, a limited number at a time, each in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from testbed.controller.records import Record, Records
from testbed.controller.results import FAILURE

AT_ONCE = 100
Work = Callable[[Record], str]


class Builds:
    """The builds that wait and those that run."""

    def __init__(self, records: Records, work: Work, at_once: int = AT_ONCE) -> None:
        """`work` runs a build and answers its result; builds that an earlier process left waiting go on first."""
        self.records, self.work, self.at_once = records, work, at_once
        self._lock = threading.Lock()
        self._waiting: deque[Record] = deque()
        self._running: dict[Record, threading.Thread] = {}
        self._closed = False
        for record in records.recovered():
            self.submit(record)

    def submit(self, record: Record) -> None:
        """Runs it now, or as soon as there is room."""
        with self._lock:
            self._waiting.append(record)
            self._next()

    def stop(self, record: Record) -> None:
        """Aborts a build, whether it waits or runs; one that is over stays as it is."""
        with self._lock:
            waited = record in self._waiting
            if waited:
                self._waiting.remove(record)
        if waited:
            record.abort("Aborted before it began.")
        else:
            record.interrupt.set()

    def running(self) -> list[Record]:
        """Those that run now."""
        with self._lock:
            return list(self._running)

    def close(self) -> None:
        """Starts no more, aborts what runs, and waits until each has deleted its pods; what waits is kept for later."""
        with self._lock:
            self._closed = True
            running = dict(self._running)
            nobodys = [record for record in self._waiting if record.attached]
        for record in nobodys:
            self.stop(record)
        for record in running:
            record.interrupt.set()
        for thread in running.values():
            thread.join()

    def _next(self) -> None:
        """Starts what there is room for; the lock is held."""
        while self._waiting and len(self._running) < self.at_once and not self._closed:
            record = self._waiting.popleft()
            record.begin()
            thread = threading.Thread(target=self._run, args=(record,), name=f"build {record.title}")
            self._running[record] = thread
            thread.start()

    def _run(self, record: Record) -> None:
        result = FAILURE
        try:
            result = self.work(record)
        except Exception as error:  # a build's end must be told, whatever it is
            logging.getLogger(__name__).exception("build %s", record.title)
            record.emit(f"ERROR: the stand-in controller failed: {error}\nFinished: {result}\n".encode())
        finally:
            record.end(result)
            with self._lock:
                self._running.pop(record, None)
                self._next()

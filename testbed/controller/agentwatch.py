"""What is known of one agent's pod, and what the reaper says of it: fed by the informer, read by the build."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from testbed.controller import pods
from testbed.controller.buildlog import BuildLog
from testbed.controller.cluster import ApiError, Cluster, Object
from testbed.controller.reaper import End, Reaper

LOG_LINES = 30


class AgentWatch:
    """A listener of `informer.Informers`; everything may be called from any thread."""

    def __init__(self, log: BuildLog, limit: int, ended: Callable[[str], None]) -> None:
        """`limit`: see Reaper. `ended` is called once, with words, when the pod cannot be an agent any more."""
        self._log, self._reaper, self._ended = log, Reaper(limit), ended
        self._changed = threading.Condition()
        self._said = ""
        self._told = False
        self._count = 0
        self.pod: Object = {}
        self.end: End | None = None
        self.error: ApiError | None = None

    def first(self, pod: Object) -> None:
        """The pod as its creation answered it, unless more is known already."""
        with self._changed:
            self.pod = self.pod or pod
        self.notify()

    def changed(self, kind: str, pod: Object) -> None:
        """See informer.Listener."""
        with self._changed:
            self.pod = pod
            if self.end is not None:
                return
            said = pods.info(pod) if kind != "DELETED" else ""
            if said and said != self._said:
                self._log.line(said)
                self._said = said
            meanwhile, self.end = self._reaper.judge(kind, pod)
            if meanwhile:
                self._log.line(meanwhile)
        self.notify()
        if self.end is not None:
            self._log.line(self.end.words)
            self._ended(self.end.words)

    def failed(self, error: ApiError) -> None:
        """See informer.Listener."""
        with self._changed:
            self.error = error
        self.notify()

    def notify(self) -> None:
        """Wakes `wait`."""
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def state(self) -> tuple[Object, End | None, ApiError | None, int]:
        """(pod, end, error, a number for `wait`), as they belong together."""
        with self._changed:
            return self.pod, self.end, self.error, self._count

    def wait(self, seconds: float, seen: int) -> None:
        """Until something changed since `state` answered `seen`, `seconds` at most."""
        with self._changed:
            self._changed.wait_for(lambda: self._count != seen, seconds)

    def settled(self, seconds: float) -> End | None:
        """The agent's end, once it is known; None when it is not in `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: self.end is not None, seconds)
            return self.end

    def print_last_words(self, cluster: Cluster) -> None:
        """The last lines of all containers, once, if the end asks for them."""
        with self._changed:
            told, self._told = self._told, True
        if told or self.end is None or not self.end.last_words:
            return
        self._log.line(pods.last_words(self.pod, partial(self._read, cluster)))

    def _read(self, cluster: Cluster, container: str) -> str:
        metadata = self.pod["metadata"]
        try:
            return cluster.log(metadata["namespace"], metadata["name"], container, LOG_LINES)
        except ApiError as error:
            return str(error)

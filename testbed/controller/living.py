"""The agents that live, and the pods that have yet to be deleted: what garbage collection and a restart go by."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from pathlib import Path

# A create whose answer got lost may still arrive: for so long its pod is deleted again and again.
LATE_SECONDS = 90.0


@dataclass(frozen=True)
class Agent:
    """A pod. `refreshed`: its cloud collects garbage, so it has to be marked as in use."""

    namespace: str
    name: str
    refreshed: bool = False


class Living:
    """All agents of this controller; may be used from any thread."""

    def __init__(self, file: Path | None = None) -> None:
        """`file` keeps them over a restart: those that it has now have lost their builds, and are to be deleted."""
        self._file = file
        self._lock = threading.Lock()
        self._live: set[Agent] = set()
        self._doomed: dict[Agent, float] = {}
        if file and file.exists():
            self._doomed = {Agent(one["namespace"], one["name"]): 0.0 for one in json.loads(file.read_text())}

    def begin(self, agent: Agent) -> None:
        """It is about to be created."""
        with self._lock:
            self._live.add(agent)
            self._save()

    def end(self, agent: Agent, deleted: bool, late: bool = False) -> None:
        """Its build is over; unless `deleted` its pod is tried again. `late`: nobody knows whether it was created."""
        with self._lock:
            self._live.discard(agent)
            if not deleted or late:
                self._doomed[agent] = time.monotonic() + LATE_SECONDS if late else 0.0
            self._save()

    def live(self) -> list[Agent]:
        """Those that live."""
        with self._lock:
            return sorted(self._live, key=lambda agent: (agent.namespace, agent.name))

    def doomed(self) -> list[Agent]:
        """Those whose pods are to be deleted."""
        with self._lock:
            return list(self._doomed)

    def deleted(self, agent: Agent) -> None:
        """A doomed agent's pod is gone, or was not there."""
        with self._lock:
            if time.monotonic() >= self._doomed.get(agent, 0.0):
                self._doomed.pop(agent, None)
                self._save()

    def _save(self) -> None:
        if self._file is None:
            return
        agents = [{"namespace": one.namespace, "name": one.name} for one in {*self._live, *self._doomed}]
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps(agents))
        new.replace(self._file)

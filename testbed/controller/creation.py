"""Creates an agent's pod, once: an answer that got lost is looked for before it is asked again.

After jenkinsci/kubernetes-plugin, KubernetesLauncher.launch: what is refused for good ends, what the quota has no room
for now waits. The plugin gives the next try a new name; here it keeps its name, so that none can be created twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from testbed.controller import pods
from testbed.controller.buildlog import BuildLog
from testbed.controller.capacity import Turns
from testbed.controller.cluster import ApiError, Cluster, Object
from testbed.controller.failures import AbortedError

QUOTA_PAUSE = 5.0  # seconds until the next try, when no pod goes before
LOST_PAUSE = 1.0  # seconds until the next look for a server that does not answer


class RefusedError(Exception):
    """The API server refuses the pod, or did not answer for too long; str() is its words."""


@dataclass
class Creation:
    """The creation of one pod of a cloud. `patience`: seconds without an answer, or without room, that end it.

    `possible` is True as soon as the pod may be there: whoever made this then has to delete it. `late`: an answer got
    lost, and nobody has seen the pod since, so it may even come later.
    """

    cluster: Cluster
    turns: Turns
    log: BuildLog
    cloud: str
    pod: Mapping[str, Any]
    patience: float
    interrupted: Callable[[], bool]
    possible: bool = field(default=False, init=False)
    late: bool = field(default=False, init=False)

    @property
    def namespace(self) -> str:
        """Where it is created."""
        return str(self.pod["metadata"]["namespace"])

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.pod["metadata"]["name"])

    def run(self) -> Object:
        """Answers the pod as the API server has it.

        Raises:
            RefusedError: see there; the log has the words.
            AbortedError: interrupted meanwhile.
        """
        with self.turns.turn(self.namespace, self.interrupted):
            look, told, end = True, False, time.monotonic() + self.patience
            while True:
                seen = self.turns.count(self.namespace)
                try:
                    return self.looked_for() if look else self.created()
                except ApiError as error:
                    if look and error.status == 404:
                        look = False
                        continue
                    lost = error.passing
                    if not lost and not pods.is_over_quota(error.status, error.message):
                        if not look and error.status == 409 and error.reason == "AlreadyExists":
                            look = True
                            continue
                        raise self.refused(error) from error
                    if time.monotonic() > end:
                        raise self.refused(error) from error
                    if not lost and not told:
                        words = pods.over_quota(self.cloud, self.namespace, self.name, error.status, str(error))
                        self.log.line(words)
                        told = True
                    look = lost
                if self.rested(LOST_PAUSE if lost else QUOTA_PAUSE, seen) and not lost:
                    end = time.monotonic() + self.patience

    def looked_for(self) -> Object:
        """The pod, if it is there already; else ApiError 404."""
        found = self.cluster.pod(self.namespace, self.name)
        self.possible, self.late = True, False
        self.log.line(f"Pod already exists: {self.cloud} {self.namespace}/{self.name}")
        return found

    def created(self) -> Object:
        """Asks for the pod."""
        try:
            created = self.cluster.create_pod(self.namespace, self.pod)
        except ApiError as error:
            if error.passing:
                self.possible = self.late = True
            raise
        self.possible, self.late = True, False
        self.log.line(f"Created Pod: {self.cloud} {self.namespace}/{self.name}")
        return created

    def refused(self, error: ApiError) -> RefusedError:
        """For good: tells so in the log."""
        self.log.line(pods.refusal(self.cloud, self.namespace, self.name, str(error)))
        return RefusedError(str(error))

    def rested(self, seconds: float, seen: int) -> bool:
        """Waits; answers whether a pod of this namespace went meanwhile, so that there is room."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.interrupted():
                raise AbortedError
            if self.turns.room(self.namespace, seen, min(left, 1.0)):
                return True
        if self.interrupted():
            raise AbortedError
        return False

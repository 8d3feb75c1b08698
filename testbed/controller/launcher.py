"""Gives builds their agents as the Kubernetes plugin does: place in the cloud, pod, agent; deleted at the end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.buildkeep.ci.plugins.module_utils import plugin_pod
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

from testbed.controller.artifacts import Artifacts
from testbed.controller.build import Build
from testbed.controller.buildlog import BuildLog
from testbed.controller.capacity import Capacity, Turns
from testbed.controller.cluster import ApiError, Cluster
from testbed.controller.connections import Connections
from testbed.controller.failures import BuildError
from testbed.controller.flow import Flow
from testbed.controller.folders import Offers, read_folders
from testbed.controller.informer import Informers
from testbed.controller.launch import Launch, RelaunchError
from testbed.controller.living import Living
from testbed.controller.model import Agent
from testbed.controller.node import PodNode
from testbed.controller.reaper import BACKOFF_EVENTS
from testbed.controller.selection import Choice, choose

QUOTA_SECONDS = 1800.0


@dataclass
class Controller:
    """What all builds share.

    Attributes:
        cluster: the API server.
        connections: the agents that may connect.
        capacity: how many agents there may be.
        namespace: where the clouds' ConfigMaps are.
        selector: their labels.
        launch_seconds: an agent must be there by then, or by its template's `slaveConnectTimeout` if that is less.
        artifacts: what builds archive.
        living: the agents that live.
        backoff_events: see Reaper.
        quota_seconds: who is first in line gives up when no room came for so long.
        credentials: a folder of credentials, mounted from Secrets.
    """

    cluster: Cluster
    connections: Connections
    capacity: Capacity
    namespace: str
    selector: str
    launch_seconds: float
    artifacts: Artifacts
    living: Living = field(default_factory=Living)
    backoff_events: int = BACKOFF_EVENTS
    quota_seconds: float = QUOTA_SECONDS
    credentials: Path = Path("/run/credentials")
    turns: Turns = field(default_factory=Turns)

    def __post_init__(self) -> None:
        """One informer a namespace for all builds; a pod that goes makes room for whoever waits."""
        self.informers = Informers(self.cluster, self.turns.freed)

    def offers(self) -> Offers:
        """The clouds and what folders permit, as they are now.

        Raises:
            BuildError: they cannot be read.
        """
        try:
            return read_folders(self.cluster.configmaps(self.namespace, self.selector))
        except (BuildkeepError, ApiError) as error:
            raise BuildError(f"cannot read the clouds: {error}") from error

    def clouds(self) -> list[plugin_pod.Cloud]:
        """The clouds as they are now; raises BuildError."""
        return list(self.offers().clouds.values())


@dataclass(frozen=True)
class Launcher:
    """Gives one build its agents; may be asked from several threads."""

    controller: Controller
    build: Build
    log: BuildLog

    @contextmanager
    def node(self, agent: Agent, env: Mapping[str, str], flow: Flow) -> Iterator[PodNode]:
        """An agent with the workspace on it, for as long as the block runs. The pod is deleted in any case.

        Raises:
            BuildError: there is no such agent, the API server refused the pod, or it did not come up in time.
            AgentError: its pod ended before it was there.
            AbortedError: the build was interrupted meanwhile.
        """
        interrupted = flow.interrupted
        controller = self.controller
        choice = self.choice(agent, env)
        words = f"Maximum number of concurrently running agents of cloud {choice.cloud.name} reached; waiting"
        with controller.capacity.slot(choice.caps, interrupted, self.log.line, words), ExitStack() as stack:
            end = time.monotonic() + controller.launch_seconds
            while True:
                try:
                    launch = Launch(controller, self.build, self.log, choice, interrupted)
                    node = stack.enter_context(launch.agent())
                    break
                except RelaunchError as error:
                    if time.monotonic() > end:
                        raise BuildError(str(error)) from error
                    choice = self.choice(agent, env)
            yield node

    def choice(self, agent: Agent, env: Mapping[str, str]) -> Choice:
        """Cloud and template for an agent directive, with a new name for the agent."""
        return choose(self.controller.offers(), self.build, agent, env)

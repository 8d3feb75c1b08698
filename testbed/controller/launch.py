"""One agent from its pod's creation to its deletion.

After jenkinsci/kubernetes-plugin 4423: KubernetesLauncher.launch, KubernetesSlave._terminate, Reaper.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from ansible_collections.buildkeep.ci.plugins.module_utils import plugin_pod
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

from testbed.controller import pods
from testbed.controller.agentwatch import AgentWatch
from testbed.controller.build import Build
from testbed.controller.buildlog import BuildLog
from testbed.controller.cluster import ApiError
from testbed.controller.connections import AgentLostError, Connection
from testbed.controller.creation import Creation, RefusedError
from testbed.controller.failures import AbortedError, AgentError, BuildError
from testbed.controller.living import Agent
from testbed.controller.node import PodNode, nothing
from testbed.controller.reaper import CANCELLED, REMOVED, End
from testbed.controller.retention import deletes, needs_status
from testbed.controller.selection import Choice

if TYPE_CHECKING:
    from testbed.controller.launcher import Controller

DEFAULT_FOLDER = "/home/jenkins/agent"
LOST_SECONDS = 5.0  # the reaper hears of a pod's end about when its agent's connection ends
POLL_SECONDS = 0.5


class RelaunchError(Exception):
    """The pod was deleted before its agent was there: Jenkins makes another."""


class Launch:
    """What is done for one agent of one build."""

    def __init__(self, controller: Controller, build: Build, log: BuildLog, choice: Choice,
                 interrupted: Callable[[], bool]) -> None:  # fmt: skip
        """`interrupted` is asked while the agent is waited for."""
        self.controller, self.build, self.log, self.choice = controller, build, log, choice
        self.interrupted = interrupted
        self.name = choice.agent_name
        self._told = threading.Lock()

    @contextmanager
    def agent(self) -> Iterator[PodNode]:
        """The agent with the workspace on it, as long as the block runs.

        Raises:
            RelaunchError: see there; and what Launcher.node raises.
        """
        with self.controller.connections.expect(self.name) as connection:
            self.log.mask(connection.secret)
            for note in self.choice.notes:
                self.log.line(f"[WARNING] {note}")
            try:
                plan = self.choice.plan(plugin_pod.AgentInfo(self.name, connection.secret, int(time.time() * 1000)))
            except BuildkeepError as error:
                raise BuildError(str(error)) from error
            watch = AgentWatch(self.log, self.controller.backoff_events, connection.lose)
            connection.noticed = watch.notify
            creation = Creation(self.controller.cluster, self.controller.turns, self.log, self.choice.cloud.name,
                                plan.pod, self.controller.quota_seconds, self.interrupted)  # fmt: skip
            agent = Agent(creation.namespace, self.name, bool(self.choice.cloud.attributes.get("garbageCollection")))
            with ExitStack() as stack:
                stack.callback(self.end, agent, creation, plan.retention)
                stack.callback(connection.leave)  # after nobody listens any more: this ends a container
                labels = f"{pods.CONTROLLER_LABEL}={plan.pod['metadata']['labels'][pods.CONTROLLER_LABEL]}"
                informers = self.controller.informers
                stack.enter_context(informers.subscribed(agent.namespace, labels, self.name, watch))
                self.controller.living.begin(agent)
                self.create(creation, plan, watch)
                self.wait(agent, watch, connection, min(self.controller.launch_seconds, plan.connect_timeout))
                node = self.prepared(agent.namespace, plan.pod, connection, watch)
                self.log.line(f"Running on {self.name} in {node.environment['WORKSPACE']}")
                yield node

    def create(self, creation: Creation, plan: Any, watch: AgentWatch) -> None:
        """The pod, and the claims that it names; a refusal cancels a build that described its pod itself."""
        try:
            created = creation.run()
            for claim in plan.claims(created):
                self.controller.cluster.create_claim(creation.namespace, claim)
        except (RefusedError, ApiError) as error:
            raise self.cancelled(End("")) from error
        watch.first(created)

    def cancelled(self, end: End) -> Exception:
        """What a build ends with that waits for an agent that will not come.

        The plugin knows the build of a pod that a Jenkinsfile describes, and takes it out of the queue. One that asks
        for a label Jenkins would give another agent, again and again.
        """
        if not self.choice.dynamic:
            return BuildError(f"Failed to launch {self.name}{f': {end.words}' if end.words else ''}")
        self.log.line(f"ERROR: Failed to launch {self.name}")
        return AgentError(CANCELLED, retryable=end.retryable, interruption=True)

    def wait(self, agent: Agent, watch: AgentWatch, connection: Connection, seconds: float) -> None:
        """Waits until every container runs and the agent has connected."""
        limit = time.monotonic() + seconds
        while True:
            pod, end, error, seen = watch.state()
            if end is not None:
                watch.print_last_words(self.controller.cluster)
                raise self.cancelled(end) if end.cancelled else RelaunchError(end.words)
            if error is not None:
                raise BuildError(f"Failed to launch {self.name}: {error}")
            running = self.judged(agent.namespace, pod)
            if running and connection.connected.is_set():
                return
            if self.interrupted():
                raise AbortedError
            if time.monotonic() > limit:
                self.reported(agent.namespace, pod)
                raise BuildError(f"Failed to launch {self.name}: {too_long(agent, seconds, pod, running)}")
            watch.wait(POLL_SECONDS, seen)

    def judged(self, namespace: str, pod: Mapping[str, Any]) -> bool:
        """Whether the pod runs; raises, with the last lines of its containers' logs, when it never will."""
        verdict = pods.judge(pod)
        if not verdict.problem:
            return verdict.running
        for container in verdict.ended:
            try:
                text = self.controller.cluster.log(namespace, self.name, container, 30).rstrip()
            except ApiError as error:
                text = str(error)
            self.log.line(f"Container {container} of {namespace}/{self.name} ended; its last lines:\n{text}")
        self.reported(namespace, pod)
        raise BuildError(f"Failed to launch {self.name}: {verdict.problem}")

    def reported(self, namespace: str, pod: Mapping[str, Any]) -> None:
        """Puts the pod's events into the log, as far as they can be had: in Jenkins they are on the agent's page."""
        with suppress(ApiError):
            for event in self.controller.cluster.events(namespace, self.name, str(pod["metadata"].get("uid", ""))):
                self.log.line(pods.event_line(event))

    def prepared(self, namespace: str, pod: Mapping[str, Any], connection: Connection, watch: AgentWatch) -> PodNode:
        """Puts the workspace on the agent."""
        workspace = f"workspace/{self.build.job}"
        containers = pod["spec"]["containers"]
        folders = [variable["value"] for each in containers for variable in each.get("env") or ()
                   if variable["name"] == "JENKINS_AGENT_WORKDIR" and "value" in variable]  # fmt: skip
        folder = folders[0] if folders else DEFAULT_FOLDER
        gone = partial(self.gone, namespace, connection, watch)
        try:
            connection.unpack(workspace, nothing())
        except AgentLostError as error:
            raise gone(error) from error
        environment = self.build.environment(self.choice.cloud.attributes["jenkinsUrl"])
        environment |= {"NODE_NAME": self.name, "WORKSPACE": f"{folder}/{workspace}"}
        return PodNode(
            cluster=self.controller.cluster, connection=connection, log=self.log,
            namespace=namespace, pod=self.name, containers=[each["name"] for each in containers],
            folder=folder, workspace=workspace, default_container=self.choice.default_container,
            environment=environment, source=self.build.workspace, gone=gone,
        )  # fmt: skip

    def gone(self, namespace: str, connection: Connection, watch: AgentWatch, error: Exception) -> Exception:
        """What a step ends with that its agent could not do; if the agent itself is gone, after the reaper's words."""
        if not connection.lost:
            return BuildError(str(error))
        end = watch.settled(LOST_SECONDS)
        watch.print_last_words(self.controller.cluster)
        if self._told.acquire(blocking=False):  # once for all branches
            if end is None:
                self.log.line(f"Cannot contact {self.name}: {error}")
            self.log.line(f"Agent {self.name} was deleted; cancelling node body")
        return AgentError(REMOVED, retryable=end.retryable if end else True)

    def end(self, agent: Agent, creation: Creation, retention: str) -> None:
        """Deletes the pod, as `podRetention` says; where it cannot, garbage collection goes on trying."""
        deleted = True
        if creation.possible:
            place = f"{agent.namespace}/{self.name}"
            try:
                if self.kept(agent, retention):
                    self.log.line(f"Agent pod {place} was not deleted due to retention policy {retention}.")
                else:
                    self.controller.cluster.delete_pod(agent.namespace, self.name)
            except ApiError as error:
                self.log.line(f"WARNING: cannot delete pod {place}: {error}")
                deleted = False
        self.controller.living.end(agent, deleted, creation.late)

    def kept(self, agent: Agent, retention: str) -> bool:
        """Whether `podRetention` keeps the pod."""
        pod = None
        if needs_status(retention):
            with suppress(ApiError):  # the plugin decides without it, too
                pod = self.controller.cluster.pod(agent.namespace, self.name)
        return not deletes(retention, pod)


def too_long(agent: Agent, seconds: float, pod: Mapping[str, Any], running: bool) -> str:
    """What the launcher, or the client that it waits with, says when the time is over."""
    status = pods.standing(pod) if pod else "unknown"
    if running:
        return f"Agent is not connected after {seconds:.0f} seconds, status: {status}"
    return (f"Timed out waiting for [{seconds * 1000:.0f}] milliseconds for [Pod] with name:[{agent.name}] in namespace"
            f" [{agent.namespace}]; status: {status}")  # fmt: skip

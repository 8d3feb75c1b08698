"""Starts agents as the Kubernetes plugin's launcher does: pod created, running, agent connected; deleted at the end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import plugin_pod
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

from testbed.controller import pods
from testbed.controller.artifacts import Artifacts
from testbed.controller.build import Build
from testbed.controller.buildlog import BuildLog
from testbed.controller.capacity import Capacity
from testbed.controller.connections import AgentLostError, Connection, Connections
from testbed.controller.failures import AbortedError, BuildError
from testbed.controller.kube import ApiError, Cluster
from testbed.controller.model import Agent
from testbed.controller.node import PodNode
from testbed.controller.selection import Choice, choose

DEFAULT_FOLDER = "/home/jenkins/agent"
LOG_LINES = 30
SLICE = 5  # seconds of one watch, after which the clock and the build's interruption are looked at
QUOTA_PAUSE = 5.0  # seconds between two tries while the quota is used up


@dataclass(frozen=True)
class Controller:
    """What all builds share. `namespace` and `selector` tell where the clouds' ConfigMaps are."""

    cluster: Cluster
    connections: Connections
    capacity: Capacity
    namespace: str
    selector: str
    launch_seconds: float
    artifacts: Artifacts


@dataclass(frozen=True)
class Launcher:
    """Gives one build its agents."""

    controller: Controller
    build: Build
    log: BuildLog
    interrupt: threading.Event

    @contextmanager
    def node(self, agent: Agent, env: Mapping[str, str]) -> Iterator[PodNode]:
        """An agent with the workspace on it, for as long as the block runs. The pod is deleted in any case.

        Raises:
            BuildError: there is no such agent, the API server refused the pod, or it did not come up in time.
            AbortedError: the build was interrupted meanwhile.
        """
        choice = choose(self.clouds(), self.build, agent, env)
        cap = choice.cloud.attributes["containerCapStr"]
        seconds, controller = self.controller.launch_seconds, self.controller
        with (
            controller.capacity.slot(choice.cloud.name, int(cap) if str(cap).isdigit() else None, seconds,
                                     self.interrupted, self.log.line),
            controller.connections.expect(choice.agent_name) as connection,
        ):  # fmt: skip
            self.log.mask(connection.secret)
            info = plugin_pod.AgentInfo(choice.agent_name, connection.secret, int(time.time() * 1000))
            try:
                pod = choice.pod(info)
            except BuildkeepError as error:
                raise BuildError(str(error)) from error
            namespace = pod["metadata"]["namespace"]
            self.create(choice, namespace, pod)
            try:
                self.wait(choice, namespace, connection)
                node = self.prepared(choice, namespace, pod, connection)
                self.log.line(f"Running on {choice.agent_name} in {node.environment['WORKSPACE']}")
                yield node
            finally:
                connection.leave()
                self.delete(namespace, choice.agent_name)

    def interrupted(self) -> bool:
        """True once for each interruption: post sections run after it, as in Jenkins."""
        if self.interrupt.is_set():
            self.interrupt.clear()
            return True
        return False

    def clouds(self) -> dict[str, plugin_pod.Cloud]:
        """The clouds as they are now."""
        try:
            return plugin_pod.clouds(self.controller.cluster.configmaps(self.controller.namespace,
                                                                        self.controller.selector))  # fmt: skip
        except (BuildkeepError, ApiError) as error:
            raise BuildError(f"cannot read the clouds: {error}") from error

    def create(self, choice: Choice, namespace: str, pod: Mapping[str, Any]) -> None:
        """Creates the pod; tries again while only the quota is in the way."""
        cloud, name = choice.cloud.name, choice.agent_name
        end = time.monotonic() + self.controller.launch_seconds
        told = False
        while True:
            try:
                self.controller.cluster.create_pod(namespace, pod)
                self.log.line(f"Created Pod: {cloud} {namespace}/{name}")
                return
            except ApiError as error:
                if not 400 <= error.status < 500:
                    self.delete(namespace, name)  # it may have been created all the same
                if not pods.is_over_quota(error.status, error.message) or time.monotonic() > end:
                    self.log.line(pods.refusal(cloud, namespace, name, str(error)))
                    raise BuildError(f"Failed to launch {name}") from error
                if not told:
                    self.log.line(pods.over_quota(cloud, namespace, name, str(error)))
                    told = True
            if self.interrupt.wait(QUOTA_PAUSE) and self.interrupted():
                raise AbortedError

    def wait(self, choice: Choice, namespace: str, connection: Connection) -> None:
        """Waits until every container runs and the agent has connected."""
        name = choice.agent_name
        end = time.monotonic() + self.controller.launch_seconds
        events = Events(self.controller.cluster, namespace, name, self.log)
        try:
            pod: Mapping[str, Any] = {}
            while not (running := bool(pod) and self.judged(namespace, pod)) or not connection.connected.is_set():
                self.in_time(end, name, pod, running)
                if not running:
                    pod = self.changed(namespace, name, pod)
                elif not connection.connected.wait(1):
                    pod = self.controller.cluster.pod(namespace, name)
        except ApiError as error:
            raise BuildError(f"Failed to launch {name}: {error}") from error
        finally:
            events.stop()

    def in_time(self, end: float, name: str, pod: Mapping[str, Any], running: bool) -> None:
        """Raises when the build was interrupted or the time is over."""
        if self.interrupted():
            raise AbortedError
        if time.monotonic() > end:
            seconds, status = f"{self.controller.launch_seconds:.0f} seconds", pods.standing(pod) if pod else "unknown"
            if running:
                raise BuildError(f"Failed to launch {name}: Agent is not connected after {seconds}, status: {status}")
            raise BuildError(f"Failed to launch {name}: pod is not running after {seconds}, status: {status}")

    def changed(self, namespace: str, name: str, pod: Mapping[str, Any]) -> Mapping[str, Any]:
        """The pod as it is after the next change, or after a short time without one."""
        selector = f"metadata.name={name}"
        for event in self.controller.cluster.watch(namespace, "pods", selector, SLICE):
            if event["type"] == "DELETED":
                raise BuildError(f"Failed to launch {name}: Pod no longer exists: {name}")
            if event["type"] in ("ADDED", "MODIFIED") and event["object"] != pod:
                return dict(event["object"])
        return pod

    def judged(self, namespace: str, pod: Mapping[str, Any]) -> bool:
        """Whether the pod runs; raises, with the last lines of its containers' logs, when it never will."""
        verdict = pods.judge(pod)
        if not verdict.problem:
            return verdict.running
        name = pod["metadata"]["name"]
        for container in verdict.ended:
            try:
                text = self.controller.cluster.log(namespace, name, container, LOG_LINES).rstrip()
            except ApiError as error:
                text = str(error)
            self.log.line(f"Container {container} of {namespace}/{name} ended; its last lines:\n{text}")
        raise BuildError(f"Failed to launch {name}: {verdict.problem}")

    def prepared(self, choice: Choice, namespace: str, pod: Mapping[str, Any], connection: Connection) -> PodNode:
        """Puts the workspace on the agent."""
        workspace = f"workspace/{self.build.job}"
        containers = pod["spec"]["containers"]
        folders = [variable["value"] for each in containers for variable in each.get("env") or ()
                   if variable["name"] == "JENKINS_AGENT_WORKDIR" and "value" in variable]  # fmt: skip
        folder = folders[0] if folders else DEFAULT_FOLDER
        try:
            connection.unpack(workspace, self.build.workspace)
        except AgentLostError as error:
            raise BuildError(str(error)) from error
        environment = self.build.environment(choice.cloud.attributes["jenkinsUrl"])
        environment |= {"NODE_NAME": choice.agent_name, "WORKSPACE": f"{folder}/{workspace}"}
        return PodNode(
            cluster=self.controller.cluster, connection=connection, log=self.log, interrupted=self.interrupted,
            namespace=namespace, pod=choice.agent_name, containers=[each["name"] for each in containers],
            folder=folder, workspace=workspace, default_container=choice.default_container, environment=environment,
            keep=partial(self.controller.artifacts.keep, self.build.run_url),
        )  # fmt: skip

    def delete(self, namespace: str, name: str) -> None:
        """Deletes the pod; what goes wrong is told, and changes no result."""
        try:
            self.controller.cluster.delete_pod(namespace, name)
        except ApiError as error:
            self.log.line(f"WARNING: cannot delete pod {namespace}/{name}: {error}")


class Events:
    """Copies a pod's events into the log until stopped, in a thread of its own."""

    def __init__(self, cluster: Cluster, namespace: str, name: str, log: BuildLog) -> None:
        """Begins at once."""
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._copy: Callable[[], None] = lambda: self._run(cluster, namespace, name, log)
        threading.Thread(target=self._copy, daemon=True, name=f"events of {name}").start()

    def stop(self) -> None:
        """Nothing is copied after this."""
        with self._lock:
            self._stopped.set()

    def _run(self, cluster: Cluster, namespace: str, name: str, log: BuildLog) -> None:
        seen: set[tuple[Any, Any]] = set()
        try:
            while not self._stopped.is_set():
                for event in cluster.watch(namespace, "events", f"involvedObject.name={name}", SLICE):
                    each = event["object"]
                    key = ((each.get("metadata") or {}).get("uid"), each.get("count"))
                    with self._lock:
                        if self._stopped.is_set():
                            return
                        if event["type"] in ("ADDED", "MODIFIED") and key not in seen:
                            seen.add(key)
                            log.line(pods.event_line(each))
        except ApiError as error:  # the build goes on without them, as in the plugin
            logging.getLogger(__name__).warning("cannot watch events of %s/%s: %s", namespace, name, error)

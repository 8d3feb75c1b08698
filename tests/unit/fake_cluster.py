"""A cluster that only remembers pods, tells of what happens to them, and runs their agents as processes here."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from testbed.controller.cluster import GONE, ApiError

ROOT = Path(__file__).resolve().parents[2]
Object = dict[str, Any]
NOT_FOUND = ApiError("GET", "u", 404, "pods not found", "NotFound")


class Process(Protocol):
    """What is used of a `subprocess.Popen`."""

    returncode: int | None

    def poll(self) -> int | None:
        """The exit code, once there is one."""

    def wait(self, timeout: float | None = None) -> int:
        """Waits for it."""

    def kill(self) -> None:
        """Ends it."""


def running(pod: Mapping[str, Any]) -> Object:
    """The status of a pod whose containers all run."""
    names = [each["name"] for each in pod["spec"]["containers"]]
    return {"phase": "Running", "containerStatuses": [{"name": name, "state": {"running": {}}} for name in names]}


def terminated(status: Mapping[str, Any], container: str, code: int, reason: str = "Error") -> Object:
    """A status in which one container has ended."""
    containers = [each if each["name"] != container else
                  {"name": container, "state": {"terminated": {"exitCode": code, "reason": reason}}}
                  for each in status["containerStatuses"]]  # fmt: skip
    return {**status, "containerStatuses": containers}


@dataclass
class FakeCluster:
    """Keeps pods, and runs the container `jnlp` of each as a process of this machine.

    `refusals` answer the next creations; `quota`: pods that a namespace may have; `calls` counts what was asked for.
    """

    clouds: list[Object]
    status: Callable[[Mapping[str, Any]], Object] = running
    refusals: list[ApiError] = field(default_factory=list)
    agents: bool = True
    quota: int = 0
    created: list[Object] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    processes: dict[str, Process] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    pods: dict[tuple[str, str], Object] = field(default_factory=dict)
    history: list[Object] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    away: bool = False
    closed: bool = False
    changed: threading.Condition = field(default_factory=lambda: threading.Condition(threading.RLock()))

    def __post_init__(self) -> None:
        """Nothing has happened."""
        self.forgotten = 0

    def configmaps(self, namespace: str, selector: str) -> list[Object]:
        """The clouds' ConfigMaps."""
        assert (namespace, selector) == ("jenkins", "jenkins-jenkins-config=true")
        return self.clouds

    def create_pod(self, namespace: str, pod: Mapping[str, Any]) -> Object:
        """Refuses while there is a refusal left, or no room; else keeps the pod and starts its agent."""
        with self.asked("create"):
            if self.refusals:
                raise self.refusals.pop(0)
            name = pod["metadata"]["name"]
            if (namespace, name) in self.pods:
                raise ApiError("POST", "u", 409, f"pods {name} already exists", "AlreadyExists")
            if self.quota and sum(space == namespace for space, _ in self.pods) >= self.quota:
                raise ApiError("POST", "u", 403, f'pods "{name}" is forbidden: exceeded quota: tenant', "Forbidden")
            return self.admitted(namespace, pod)

    def admitted(self, namespace: str, pod: Mapping[str, Any]) -> Object:
        """The pod is there, a moment later its containers too."""
        name = pod["metadata"]["name"]
        self.created.append(deepcopy(dict(pod)))
        self.put(namespace, name, "ADDED", {**deepcopy(dict(pod)), "status": {"phase": "Pending"}})
        answer = deepcopy(self.pods[namespace, name])
        if self.agents:
            jnlp = next(each for each in pod["spec"]["containers"] if each["name"] == "jnlp")
            env = {each["name"]: each["value"] for each in jnlp["env"]} | dict(self.environment)
            env |= {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
            self.processes[name] = self.start(env)
        self.put(namespace, name, "MODIFIED", {**deepcopy(dict(pod)), "status": self.status(pod)})
        return answer

    def start(self, env: Mapping[str, str]) -> Process:
        """Starts an agent."""
        return subprocess.Popen([sys.executable, "-m", "testbed.agent"], env=env)

    def put(self, namespace: str, name: str, kind: str, pod: Mapping[str, Any]) -> None:
        """Something happens to a pod."""
        with self.changed:
            metadata = {**pod["metadata"], "namespace": namespace, "resourceVersion": str(len(self.history) + 1)}
            new = {**pod, "metadata": metadata}
            if kind == "DELETED":
                self.pods.pop((namespace, name), None)
            else:
                self.pods[namespace, name] = new
            self.history.append({"type": kind, "object": new})
            self.changed.notify_all()

    def become(self, status: Mapping[str, Any], name: str = "") -> None:
        """The only pod, or the pod of this name, has another status."""
        with self.changed:
            ((namespace, name), pod), *_ = [one for one in self.pods.items() if name in ("", one[0][1])]
            self.put(namespace, name, "MODIFIED", {**pod, "status": dict(status)})

    def vanish(self, name: str = "") -> None:
        """Somebody deletes the only pod, or the pod of this name."""
        with self.changed:
            ((namespace, name), pod), *_ = [one for one in self.pods.items() if name in ("", one[0][1])]
            self.put(namespace, name, "DELETED", pod)

    def pod(self, namespace: str, name: str) -> Object:
        """As it is now."""
        with self.asked("get"):
            if (namespace, name) not in self.pods:
                raise NOT_FOUND
            return deepcopy(self.pods[namespace, name])

    def delete_pod(self, namespace: str, name: str) -> None:
        """Notes it."""
        with self.asked("delete"):
            self.deleted.append(name)
            if pod := self.pods.get((namespace, name)):
                self.put(namespace, name, "DELETED", pod)

    def listed(self, namespace: str, labels: str) -> tuple[list[Object], str]:
        """What there is."""
        with self.asked("list"):
            found = [deepcopy(pod) for (space, _), pod in self.pods.items() if space == namespace]
            return found, str(len(self.history))

    def watch(self, namespace: str, labels: str, version: str, seconds: int) -> Iterator[Object]:
        """What happens, until the time is over or the server goes away."""
        with self.asked("watch"):
            if int(version) < self.forgotten:
                self.calls["gone"] += 1
                raise ApiError("GET", "u", GONE, "too old resource version", "Expired")
        seen, end = int(version), time.monotonic() + seconds
        while not self.closed and time.monotonic() < end:
            with self.changed:
                if self.away:
                    self.calls["lost"] += 1
                    self.changed.notify_all()
                    raise ApiError("GET", "u", 0, "connection refused")
                self.bury()
                news = [deepcopy(one) for one in self.history[seen:]]
                seen = len(self.history)
                if not news:
                    self.changed.wait(0.02)
            yield from (one for one in news if one["object"]["metadata"]["namespace"] == namespace)

    def bury(self) -> None:
        """The container of an agent whose process ended has ended."""
        for (namespace, name), pod in list(self.pods.items()):
            process, status = self.processes.get(name), pod.get("status", {})
            if process and process.poll() is not None and status.get("phase") == "Running":
                ended = terminated(status, "jnlp", process.poll() or 0)
                self.put(namespace, name, "MODIFIED", {**pod, "status": {**ended, "phase": "Failed"}})

    def asked(self, verb: str) -> threading.Condition:
        """Counts a call; raises when there is nobody to answer."""
        with self.changed:
            self.calls[verb] += 1
            if self.away:
                self.calls["lost"] += 1
                self.changed.notify_all()
                raise ApiError("GET", "u", 0, "connection refused")
        return self.changed

    def close(self) -> None:
        """Ends every watch."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def create_claim(self, namespace: str, claim: Mapping[str, Any]) -> None:
        """Counts it."""
        with self.asked("claim"):
            pass

    def events(self, namespace: str, name: str, uid: str) -> list[Object]:
        """One, about any pod."""
        about = {"namespace": namespace, "name": name}
        return [{"type": "Warning", "reason": "Because", "message": "of this", "involvedObject": about}]

    def refresh(self, namespace: str, name: str, annotations: Mapping[str, str]) -> None:
        """Marks a pod."""
        with self.asked("refresh"):
            if (namespace, name) not in self.pods:
                raise NOT_FOUND
            self.pods[namespace, name]["metadata"].setdefault("annotations", {}).update(annotations)

    def left_behind(self, namespace: str, labels: str) -> list[Object]:
        """What there is with a label."""
        key, _, value = labels.partition("=")
        with self.asked("left_behind"):
            return [deepcopy(pod) for (space, _), pod in self.pods.items()
                    if space == namespace and pod["metadata"].get("labels", {}).get(key) == value]  # fmt: skip

    def log(self, namespace: str, name: str, container: str, lines: int) -> str:
        """The same for every container."""
        return "last words\n"

    def run(self, namespace: str, name: str, container: str, argv: Sequence[str], sink: Callable[[bytes], None],
            interrupted: Callable[[], bool]) -> int:  # fmt: skip
        """Runs it here."""
        done = subprocess.run(list(argv), capture_output=True, env={"PATH": os.environ["PATH"], "WHERE": container})
        sink(done.stdout)
        return done.returncode

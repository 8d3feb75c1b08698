"""A controller on loopback with real agents as processes, and a cluster that only remembers pods."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3
from aiohttp import web

from testbed.controller.artifacts import Artifacts
from testbed.controller.capacity import Capacity
from testbed.controller.connections import Connections
from testbed.controller.kube import ApiError
from testbed.controller.launcher import Controller
from testbed.controller.server import HEADER_TOKEN, Server

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "t"  # noqa: S105
Object = dict[str, Any]


def running(pod: Mapping[str, Any]) -> Object:
    """The status of a pod whose containers all run."""
    names = [each["name"] for each in pod["spec"]["containers"]]
    return {"phase": "Running", "containerStatuses": [{"name": name, "state": {"running": {}}} for name in names]}


@dataclass
class FakeCluster:
    """Keeps pods, and runs the container `jnlp` of each as a process of this machine."""

    clouds: list[Object]
    status: Callable[[Mapping[str, Any]], Object] = running
    refusals: list[ApiError] = field(default_factory=list)
    agents: bool = True
    created: list[Object] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    def configmaps(self, namespace: str, selector: str) -> list[Object]:
        """The clouds' ConfigMaps."""
        assert (namespace, selector) == ("jenkins", "jenkins-jenkins-config=true")
        return self.clouds

    def create_pod(self, namespace: str, pod: Mapping[str, Any]) -> Object:
        """Refuses while there is a refusal left; else keeps the pod and starts its agent."""
        if self.refusals:
            raise self.refusals.pop(0)
        self.created.append(dict(pod))
        if self.agents:
            jnlp = next(each for each in pod["spec"]["containers"] if each["name"] == "jnlp")
            env = {each["name"]: each["value"] for each in jnlp["env"]} | dict(self.environment)
            env |= {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
            self.processes[pod["metadata"]["name"]] = subprocess.Popen([sys.executable, "-m", "testbed.agent"], env=env)
        return dict(pod)

    def pod(self, namespace: str, name: str) -> Object:
        """As it is now."""
        (event,) = self.watch(namespace, "pods", "", 0)
        return dict(event["object"])

    def delete_pod(self, namespace: str, name: str) -> None:
        """Notes it."""
        self.deleted.append(name)

    def watch(self, namespace: str, kind: str, selector: str, seconds: int) -> Iterator[Object]:
        """What there is, once."""
        if kind == "pods" and self.created:
            pod = self.created[-1]
            yield {"type": "ADDED", "object": {**pod, "status": self.status(pod)}}

    def log(self, namespace: str, name: str, container: str, lines: int) -> str:
        """The same for every container."""
        return "last words\n"

    def run(self, namespace: str, name: str, container: str, argv: Sequence[str], sink: Callable[[bytes], None],
            interrupted: Callable[[], bool]) -> int:  # fmt: skip
        """Runs it here."""
        done = subprocess.run(list(argv), capture_output=True, env={"PATH": os.environ["PATH"], "WHERE": container})
        sink(done.stdout)
        return done.returncode


def jcasc(name: str, url: str, folder: Path, cap: int = 2) -> Object:
    """The ConfigMap of a cloud with one template, as the chart renders it in short."""
    text = f"""
jenkins:
  clouds:
    - kubernetes:
        name: {name}
        namespace: ci-{name}
        jenkinsUrl: {url}
        webSocket: true
        usageRestricted: true
        jnlpregistry: docker.io
        containerCapStr: "{cap}"
        podLabels: [{{key: buildkeep.dev/tenant, value: {name}}}]
        templates:
          - name: {name}-kaniko
            label: {name}-kaniko
            nodeUsageMode: EXCLUSIVE
            containers:
              - {{name: jnlp, image: agent, workingDir: {folder}}}
              - {{name: kaniko, image: kaniko, workingDir: {folder}}}
"""
    return {"metadata": {"name": f"buildkeep-cloud-{name}"}, "data": {f"cloud-{name}.yaml": text}}


def tar(files: Mapping[str, str]) -> bytes:
    """A tar of texts."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text.encode()), 0o755
            archive.addfile(member, io.BytesIO(text.encode()))
    return data.getvalue()


@dataclass
class World:
    """A controller that serves on loopback."""

    url: str
    cluster: FakeCluster
    server: Server

    def post(self, job: str, files: Mapping[str, str], token: str = TOKEN) -> urllib3.BaseHTTPResponse:
        """Starts a build; the answer is read by the caller."""
        headers = {HEADER_TOKEN: token}
        return urllib3.request("POST", f"{self.url}/job/{job}/build", body=tar(files), headers=headers,
                               preload_content=False, timeout=60)  # fmt: skip

    def build(self, jenkinsfile: str, job: str = "shop/hello", files: Mapping[str, str] | None = None) -> str:
        """The whole log of a build."""
        response = self.post(job, {"Jenkinsfile": jenkinsfile} | dict(files or {}))
        assert response.status == 200
        return response.data.decode()


@contextmanager
def world(tmp_path: Path, seconds: float = 20, **behaviour: Any) -> Iterator[World]:
    """A controller with the cloud `shop`; at the end no agent is left."""
    cluster = FakeCluster([], **behaviour)
    controller = Controller(cluster, Connections(), Capacity(), "jenkins", "jenkins-jenkins-config=true", seconds,
                            Artifacts())  # fmt: skip
    server = Server(controller, TOKEN)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    runner = web.AppRunner(server.application())

    async def start() -> int:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return int(runner.addresses[0][1])

    try:
        url = f"http://127.0.0.1:{asyncio.run_coroutine_threadsafe(start(), loop).result(10)}"
        cluster.clouds.append(jcasc("shop", url, tmp_path))
        yield World(url, cluster, server)
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        for process in cluster.processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()

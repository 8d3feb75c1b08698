"""A controller on loopback with real agents as processes, and a cluster that only remembers pods."""

from __future__ import annotations

import asyncio
import io
import subprocess
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
from aiohttp import web

from testbed.controller.artifacts import Artifacts
from testbed.controller.capacity import Capacity
from testbed.controller.collector import Collector
from testbed.controller.connections import Connections
from testbed.controller.launcher import Controller
from testbed.controller.living import Living
from testbed.controller.records import Record
from testbed.controller.server import HEADER_TOKEN, Server
from tests.unit.fake_cluster import FakeCluster, Object, running
from tests.unit.inline_agents import InlineAgent

__all__ = ["TOKEN", "FakeCluster", "Object", "World", "jcasc", "running", "tar", "world"]
TOKEN = "t"  # noqa: S105


def jcasc(name: str, url: str, folder: Path, cap: int = 2, more: str = "") -> Object:
    """The ConfigMap of a cloud with one template, as the chart renders it in short; `more`: attributes of the cloud."""
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
        {more}
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

    def ask(self, method: str, path: str) -> tuple[int, str]:
        """Status and answer of a request about builds."""
        answer = urllib3.request(method, f"{self.url}{path}", headers={HEADER_TOKEN: TOKEN}, timeout=60)
        return answer.status, answer.data.decode()

    def submit(self, jenkinsfile: str, job: str = "shop/hello") -> int:
        """Starts a build that nobody waits for; its number."""
        answer = urllib3.request("POST", f"{self.url}/job/{job}/build?queue=1", headers={HEADER_TOKEN: TOKEN},
                                 body=tar({"Jenkinsfile": jenkinsfile}), timeout=60)  # fmt: skip
        assert answer.status == 201, answer.data
        return int(answer.data)

    def record(self, number: int, job: str = "shop/hello") -> Record:
        """A build as the controller keeps it."""
        folder, _, name = job.partition("/")
        record = self.server.records.find(folder, name, number)
        assert record
        return record

    def build(self, jenkinsfile: str, job: str = "shop/hello", files: Mapping[str, str] | None = None) -> str:
        """The whole log of a build."""
        response = self.post(job, {"Jenkinsfile": jenkinsfile} | dict(files or {}))
        assert response.status == 200
        return response.data.decode()


class InlineCluster(FakeCluster):
    """Whose agents are no processes: for builds that do not kill theirs."""

    def start(self, env: Mapping[str, str]) -> InlineAgent:
        """See FakeCluster."""
        return InlineAgent(env)


@contextmanager
def world(
    tmp_path: Path, seconds: float = 20, inline: bool = False, period: float | None = None, **behaviour: Any
) -> Iterator[World]:
    """A controller with the cloud `shop`; at the end no agent is left. `period`: garbage is collected so often."""
    cluster = (InlineCluster if inline else FakeCluster)([], **behaviour)
    controller = Controller(cluster, Connections(), Capacity(), "jenkins", "jenkins-jenkins-config=true", seconds,
                            Artifacts(), Living(tmp_path / "agents.json"))  # fmt: skip
    collector = Collector(cluster, controller.living, controller.clouds, period) if period else None
    server = Server(controller, TOKEN, tmp_path / "state", collector=collector)
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
        cluster.close()
        for process in cluster.processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()

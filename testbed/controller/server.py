"""The controller's one port: builds by HTTP, agents by WebSocket. Builds want the header X-Buildkeep-Token.

POST /job/<folder>/<name>/build[?jenkinsfile=PATH]: the body is a tar, the workspace; the answer is the log as it comes,
whose last line is `Finished: <result>`. The build is aborted when whoever asked for it goes away.
POST the same with queue=1: 201, the build's number in text; it goes on by itself.
GET  /job/<folder>/<name>/<number>/log[?start=BYTE]: the log so far; the header X-More-Data as long as it may grow.
GET  …/<number>/result: QUEUED, RUNNING or the result.
POST …/<number>/stop: aborts it.
GET  …/<number>/artifact/PATH: what that build archived.
GET  /statistics: threads, memory, builds by state, calls of the API server by row of the table, as JSON.
GET  /wsagents/: the agents' WebSocket. GET /healthz: 200 when it serves.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import resource
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import mkdtemp

from aiohttp import web

from testbed.agent import protocol
from testbed.controller.build import PART, Build
from testbed.controller.collector import Collector
from testbed.controller.launcher import Controller
from testbed.controller.queueing import AT_ONCE, Builds
from testbed.controller.records import Record, Records
from testbed.controller.runner import run_build

HEADER_TOKEN = "X-Buildkeep-Token"  # noqa: S105 - a header's name
HEADER_MORE = "X-More-Data"
LARGEST_WORKSPACE = 512 * 1024 * 1024  # bytes
PIECE = 256 * 1024  # bytes of a log at a time
POLL_SECONDS = 1.0
JOB = "/job/{folder}/{name}"
BUILD = JOB + r"/{number:\d+}"


class Server:
    """Serves builds and agents for one controller."""

    def __init__(self, controller: Controller, token: str, state: Path | None = None, at_once: int = AT_ONCE,
                 collector: Collector | None = None) -> None:  # fmt: skip
        """`token` is what whoever starts builds must send; `state` keeps them; `at_once` run at a time."""
        self.controller, self.token, self.collector = controller, token, collector
        self.records = Records(state or Path(mkdtemp(prefix="builds-")))
        for record in self.records.results():
            controller.artifacts.ended(f"{record.folder}/{record.name}", record.state)
        self.builds = Builds(self.records, self.work, at_once)

    def application(self) -> web.Application:
        """The web application."""
        application = web.Application(client_max_size=LARGEST_WORKSPACE)
        application.router.add_post(f"{JOB}/build", self.build)
        application.router.add_get(f"{BUILD}/log", self.log)
        application.router.add_get(f"{BUILD}/result", self.result)
        application.router.add_post(f"{BUILD}/stop", self.stop)
        application.router.add_get(f"{BUILD}/artifact/{{path:.+}}", self.artifact)
        application.router.add_get("/statistics", self.statistics)
        application.router.add_get(protocol.PATH, self.controller.connections.handle)
        application.router.add_get("/healthz", self.health)
        application.on_startup.append(self.begin)
        application.on_shutdown.append(self.close)
        return application

    def work(self, record: Record) -> str:
        """Runs a build in this thread."""
        build = Build(record.folder, record.name, record.number, record.workspace())
        return run_build(self.controller, build, record.jenkinsfile, record.emit, record.interrupt)

    async def begin(self, application: web.Application) -> None:
        """What runs beside the builds."""
        if self.collector:
            self.collector.start()

    async def close(self, application: web.Application) -> None:
        """Aborts every build that runs and waits until each has deleted its pods."""
        await asyncio.to_thread(self.builds.close)
        if self.collector:
            await asyncio.to_thread(self.collector.stop)

    async def health(self, request: web.Request) -> web.Response:
        """Readiness."""
        return web.Response(text="ok\n")

    async def build(self, request: web.Request) -> web.StreamResponse:
        """Starts a build; see above."""
        self.let_in(request)
        folder, name = request.match_info["folder"], request.match_info["name"]
        if not (PART.fullmatch(folder) and PART.fullmatch(name)):
            raise web.HTTPBadRequest(text="folder and job name: lower-case letters, digits and -._ only\n")
        workspace = await request.read()
        attached = request.query.get("queue") != "1"
        jenkinsfile = request.query.get("jenkinsfile", "Jenkinsfile")
        record = await asyncio.to_thread(self.records.new, folder, name, workspace, jenkinsfile, attached)
        self.builds.submit(record)
        if not attached:
            return web.Response(status=201, text=f"{record.number}\n")
        response = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8"})
        response.enable_chunked_encoding()
        try:
            await response.prepare(request)
            async for piece in self.growing(record, request):
                await response.write(piece)
            await response.write_eof()
        except ConnectionResetError as error:
            logging.getLogger(__name__).info("build %s is aborted: %s", record.title, error)
        finally:
            self.builds.stop(record)
            await asyncio.to_thread(record.done.wait)
        return response

    async def growing(self, record: Record, request: web.Request) -> AsyncIterator[bytes]:
        """The log as it grows, until the build is over.

        Raises:
            ConnectionResetError: whoever asked has gone.
        """
        loop, changed, at = asyncio.get_running_loop(), asyncio.Event(), 0

        def told() -> None:
            loop.call_soon_threadsafe(changed.set)

        record.follow(told)
        try:
            while True:
                changed.clear()
                over = record.over  # asked before the log is read: nothing is written after it
                while piece := await asyncio.to_thread(record.read, at, PIECE):
                    at += len(piece)
                    yield piece
                if over:
                    return
                try:
                    await asyncio.wait_for(changed.wait(), POLL_SECONDS)
                except TimeoutError:
                    if request.transport is None or request.transport.is_closing():
                        raise ConnectionResetError(f"the client of {request.path} went away") from None
        finally:
            record.unfollow(told)

    def let_in(self, request: web.Request) -> None:
        """Raises HTTPForbidden for whoever does not show the token."""
        if not hmac.compare_digest(request.headers.get(HEADER_TOKEN, "").encode(), self.token.encode()):
            raise web.HTTPForbidden(text=f"the header {HEADER_TOKEN} is missing or wrong\n")

    def record(self, request: web.Request) -> Record:
        """The build that is asked for; raises HTTPForbidden or HTTPNotFound."""
        self.let_in(request)
        folder, name, number = (request.match_info[part] for part in ("folder", "name", "number"))
        record = self.records.find(folder, name, int(number))
        if record is None:
            raise web.HTTPNotFound(text=f"there is no build {folder}/{name} #{number}\n")
        return record

    async def log(self, request: web.Request) -> web.Response:
        """A log so far."""
        record = self.record(request)
        more = {} if record.over else {HEADER_MORE: "true"}
        start = request.query.get("start", "0")
        if not start.isdigit():
            raise web.HTTPBadRequest(text="start: a number of bytes\n")
        data = await asyncio.to_thread(record.read, int(start))
        return web.Response(body=data, headers=more, content_type="text/plain", charset="utf-8")

    async def result(self, request: web.Request) -> web.Response:
        """A build's state."""
        return web.Response(text=f"{self.record(request).state}\n")

    async def stop(self, request: web.Request) -> web.Response:
        """Aborts a build."""
        self.builds.stop(self.record(request))
        return web.Response(text="ok\n")

    async def artifact(self, request: web.Request) -> web.Response:
        """A file that a build archived."""
        record, path = self.record(request), request.match_info["path"]
        data = self.controller.artifacts.get(f"job/{record.folder}/job/{record.name}/{record.number}/", path)
        if data is None:
            raise web.HTTPNotFound(text=f"{record.title} archived no {path}\n")
        return web.Response(body=data)

    async def statistics(self, request: web.Request) -> web.Response:
        """What the controller needs; memory is the most that it ever had, in KiB."""
        self.let_in(request)
        facts = {
            "threads": threading.active_count(),
            "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            "builds": self.records.counts(),
            "calls": getattr(self.controller.cluster, "calls", {}),
        }
        return web.json_response(facts)

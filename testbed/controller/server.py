"""The controller's one port: builds by HTTP, agents by WebSocket.

POST /job/<folder>/<name>/build[?jenkinsfile=PATH], header X-Buildkeep-Token: the body is a tar, the workspace; the
answer is the log as it comes, whose last line is `Finished: <result>`.
GET /job/<folder>/<name>/<number>/artifact/PATH, the same header: what that build archived.
GET /wsagents/: the agents' WebSocket. GET /healthz: 200 when it serves.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import threading
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from testbed.agent import protocol
from testbed.controller.build import PART, Build
from testbed.controller.launcher import Controller
from testbed.controller.runner import run_build

HEADER_TOKEN = "X-Buildkeep-Token"  # noqa: S105 - a header's name
LARGEST_WORKSPACE = 512 * 1024 * 1024  # bytes
POLL_SECONDS = 1.0


class Server:
    """Serves builds and agents for one controller."""

    def __init__(self, controller: Controller, token: str) -> None:
        """`token` is what whoever starts builds must send."""
        self.controller, self.token = controller, token
        self.numbers: Counter[str] = Counter()
        self.running: dict[threading.Thread, threading.Event] = {}

    def application(self) -> web.Application:
        """The web application."""
        application = web.Application(client_max_size=LARGEST_WORKSPACE)
        application.router.add_post("/job/{folder}/{name}/build", self.build)
        application.router.add_get("/job/{folder}/{name}/{number}/artifact/{path:.+}", self.artifact)
        application.router.add_get(protocol.PATH, self.controller.connections.handle)
        application.router.add_get("/healthz", self.health)
        application.on_shutdown.append(self.interrupt)
        return application

    async def health(self, request: web.Request) -> web.Response:
        """Readiness."""
        return web.Response(text="ok\n")

    async def interrupt(self, application: web.Application) -> None:
        """Aborts every build and waits until each has deleted its pod."""
        running = dict(self.running)
        for interrupt in running.values():
            interrupt.set()
        await asyncio.gather(*(asyncio.to_thread(thread.join) for thread in running))

    async def build(self, request: web.Request) -> web.StreamResponse:
        """Runs a build; it is aborted when whoever asked for it goes away."""
        self.let_in(request)
        folder, name = request.match_info["folder"], request.match_info["name"]
        if not (PART.fullmatch(folder) and PART.fullmatch(name)):
            raise web.HTTPBadRequest(text="folder and job name: lower-case letters, digits and -._ only\n")
        workspace = await request.read()
        self.numbers[f"{folder}/{name}"] += 1
        build = Build(folder, name, self.numbers[f"{folder}/{name}"], workspace)
        response = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        try:
            async with self.started(build, request.query.get("jenkinsfile", "Jenkinsfile")) as lines:
                while (line := await self.next_line(lines, request)) is not None:
                    await response.write(line)
            await response.write_eof()
        except ConnectionResetError as error:
            logging.getLogger(__name__).info("build %s #%s is aborted: %s", build.job, build.number, error)
        return response

    def let_in(self, request: web.Request) -> None:
        """Raises HTTPForbidden for whoever does not show the token."""
        if not hmac.compare_digest(request.headers.get(HEADER_TOKEN, "").encode(), self.token.encode()):
            raise web.HTTPForbidden(text=f"the header {HEADER_TOKEN} is missing or wrong\n")

    async def artifact(self, request: web.Request) -> web.Response:
        """A file that a build archived."""
        self.let_in(request)
        folder, name, number = (request.match_info[part] for part in ("folder", "name", "number"))
        path = request.match_info["path"]
        data = self.controller.artifacts.get(f"job/{folder}/job/{name}/{number}/", path)
        if data is None:
            raise web.HTTPNotFound(text=f"{folder}/{name} #{number} archived no {path}\n")
        return web.Response(body=data)

    async def next_line(self, lines: asyncio.Queue[bytes | None], request: web.Request) -> bytes | None:
        """The next line of a log, None after the last.

        Raises:
            ConnectionResetError: whoever asked has gone.
        """
        while True:
            try:
                return await asyncio.wait_for(lines.get(), POLL_SECONDS)
            except TimeoutError:
                if request.transport is None or request.transport.is_closing():
                    raise ConnectionResetError(f"the client of {request.path} went away") from None

    @asynccontextmanager
    async def started(self, build: Build, jenkinsfile: str) -> AsyncIterator[asyncio.Queue[bytes | None]]:
        """A build that runs in a thread of its own; its log comes line by line, None at the end."""
        loop = asyncio.get_running_loop()
        lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        interrupt = threading.Event()

        def emit(line: bytes | None) -> None:
            loop.call_soon_threadsafe(lines.put_nowait, line)

        def work() -> None:
            try:
                run_build(self.controller, build, jenkinsfile, emit, interrupt)
            finally:
                emit(None)

        thread = threading.Thread(target=work, name=f"build {build.job} #{build.number}")
        self.running[thread] = interrupt
        thread.start()
        try:
            yield lines
        finally:
            interrupt.set()
            await asyncio.to_thread(thread.join)
            del self.running[thread]

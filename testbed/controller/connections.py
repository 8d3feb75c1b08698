"""The agents' connections, as the builds see them.

The web server runs in an event loop, each build in a thread of its own. A build expects an agent by name and secret,
waits for it, then asks it for one thing at a time.
"""

from __future__ import annotations

import asyncio
import hmac
import queue
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from aiohttp import WSMsgType, web

from testbed.agent import protocol

SEND_SECONDS = 60.0
CLOSE_SECONDS = 2.0  # for the answer of an agent that may be gone
POLL_SECONDS = 0.25


class AgentLostError(Exception):
    """The agent's connection ended, or the agent answered with an error."""


class Connection:
    """One agent: not there at first, then connected, then gone."""

    def __init__(self, name: str) -> None:
        """An agent that is expected under `name`, with a new random secret."""
        self.name = name
        self.secret = secrets.token_hex(32)  # as long as the real ones
        self.connected = threading.Event()
        self.lost = ""  # how the connection ended; empty as long as it has not
        self.noticed: Callable[[], None] = lambda: None  # called when the agent connects
        self._received: queue.SimpleQueue[str | bytes | None] = queue.SimpleQueue()
        self._socket: web.WebSocketResponse | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def attach(self, request: web.Request) -> web.WebSocketResponse:
        """Holds an accepted agent's WebSocket until it closes (in the event loop)."""
        socket = web.WebSocketResponse(heartbeat=30, max_msg_size=0, timeout=CLOSE_SECONDS)
        await socket.prepare(request)
        self._socket, self._loop = socket, asyncio.get_running_loop()
        self.connected.set()
        self.noticed()
        try:
            async for message in socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    self._received.put(message.data)
        finally:
            self.lose(f"agent {self.name} went offline")
        return socket

    def lose(self, words: str) -> None:
        """Ends whatever is asked of this agent, now and later: it is no more. From any thread."""
        self.lost = self.lost or words
        self._received.put(None)

    def _send(self, data: str | bytes) -> None:
        if self.lost:
            raise AgentLostError(self.lost)
        if self._socket is None or self._loop is None:
            raise AgentLostError(f"agent {self.name} is not connected")
        send = self._socket.send_str(data) if isinstance(data, str) else self._socket.send_bytes(data)
        try:
            asyncio.run_coroutine_threadsafe(send, self._loop).result(SEND_SECONDS)
        except (OSError, TimeoutError) as error:
            self.lose(f"agent {self.name} went offline: {error}")
            raise AgentLostError(self.lost) from error

    def _answer(self, sink: Callable[[bytes], None], interrupted: Callable[[], bool]) -> int:
        stopped = False
        while True:
            if not stopped and interrupted():
                self._send(protocol.encode("stop"))
                stopped = True
            try:
                received = self._received.get(timeout=POLL_SECONDS)
            except queue.Empty:
                continue
            if received is None:
                raise AgentLostError(self.lost)
            if isinstance(received, bytes):
                sink(received)
                continue
            message = protocol.decode(received)
            if message.get("error"):
                raise AgentLostError(f"agent {self.name}: {message['error']}")
            if stopped:
                raise InterruptedError(int(message["code"]))
            return int(message["code"])

    def unpack(self, path: str, tar: bytes) -> None:
        """Puts a tar's files into the folder `path` of the agent.

        Raises:
            AgentLostError: it could not.
        """
        self._send(protocol.encode("unpack", {"path": path}))
        for start in range(0, len(tar), protocol.CHUNK):
            self._send(tar[start : start + protocol.CHUNK])
        self._send(protocol.encode("end"))
        self._answer(lambda _: None, lambda: False)

    def write(self, path: str, text: str) -> None:
        """Writes an executable file on the agent.

        Raises:
            AgentLostError: it could not.
        """
        self._send(protocol.encode("write", {"path": path, "text": text}))
        self._answer(lambda _: None, lambda: False)

    def run(
        self, argv: Sequence[str], cwd: str, env: Mapping[str, str], sink: Callable[[bytes], None],
        interrupted: Callable[[], bool] = lambda: False,
    ) -> int:  # fmt: skip
        """Runs a command on the agent, gives its output to `sink`, answers the exit code.

        Raises:
            AgentLostError: the connection ended first.
            InterruptedError: `interrupted()` was true first; the command has been killed.
        """
        self._send(protocol.encode("run", {"argv": list(argv), "cwd": cwd, "env": dict(env)}))
        return self._answer(sink, interrupted)

    def follow(self, path: str, sink: Callable[[bytes], None], interrupted: Callable[[], bool]) -> int:
        """Gives the log of a step to `sink` as it grows, and answers the step's result; `path` is its folder.

        Raises:
            AgentLostError: the connection ended first, or the agent could not read the files.
            InterruptedError: `interrupted()` was true first; if the step's folder is gone, its result all the same.
        """
        self._send(protocol.encode("follow", {"path": path}))
        return self._answer(sink, interrupted)

    def collect(self, path: str, patterns: Sequence[str]) -> bytes:
        """A tar of the files below the folder `path` that match.

        Raises:
            AgentLostError: the connection ended first, or the agent could not read them.
        """
        pieces: list[bytes] = []
        self._send(protocol.encode("collect", {"path": path, "patterns": list(patterns)}))
        self._answer(pieces.append, lambda: False)
        return b"".join(pieces)

    def leave(self) -> None:
        """Tells the agent to end, if it is there; one that is still busy ends since the connection closes."""
        if self._socket is None or self._loop is None or self._socket.closed:
            return
        with suppress(AgentLostError):  # a pod that is gone may have an agent that does not know it yet
            self._send(protocol.encode("leave"))
        with suppress(OSError, TimeoutError):
            asyncio.run_coroutine_threadsafe(self._socket.close(), self._loop).result(SEND_SECONDS)


class Connections:
    """The agents that builds wait for."""

    def __init__(self) -> None:
        """Nobody is expected."""
        self._expected: dict[str, Connection] = {}

    @contextmanager
    def expect(self, name: str) -> Iterator[Connection]:
        """An agent that may connect as long as the block runs."""
        connection = Connection(name)
        self._expected[name] = connection
        try:
            yield connection
        finally:
            del self._expected[name]
            connection.leave()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The agents' endpoint: lets in who is expected, once, with the right secret."""
        connection = self._expected.get(request.headers.get(protocol.HEADER_NAME, ""))
        secret = request.headers.get(protocol.HEADER_SECRET, "")
        if connection is None or not hmac.compare_digest(secret.encode(), connection.secret.encode()):
            raise web.HTTPForbidden(text="no agent of that name and secret is expected\n")
        if connection.connected.is_set():
            raise web.HTTPConflict(text=f"{connection.name} is already connected to this controller\n")
        return await connection.attach(request)

"""The agent's side of the connection: dials until it is let in, then does what it is asked until told to leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from testbed.agent import protocol, work
from testbed.agent.protocol import Message, ProtocolError

PAUSE = 1.0  # seconds between two tries


class RefusedError(Exception):
    """The controller does not know this agent, or not this secret."""


@dataclass(frozen=True)
class Agent:
    """Who dials: the controller's URL (http or https), the agent's name and secret, its folder."""

    url: str
    name: str
    secret: str
    folder: Path

    @property
    def address(self) -> str:
        """The WebSocket URL."""
        scheme, _, rest = self.url.rstrip("/").partition("://")
        return f"{'wss' if scheme == 'https' else 'ws'}://{rest}{protocol.PATH}"


async def dial(agent: Agent, patience: float, say: Callable[[str], None]) -> ClientConnection:
    """Connects; tries again for `patience` seconds while nobody answers.

    Raises:
        RefusedError: the controller answered, and said no.
        TimeoutError: nobody answered.
    """
    headers = {protocol.HEADER_NAME: agent.name, protocol.HEADER_SECRET: agent.secret}
    last = ""
    end = asyncio.get_running_loop().time() + patience
    while True:
        try:
            return await connect(agent.address, additional_headers=headers, max_size=None, proxy=None)
        except InvalidStatus as error:
            if 400 <= error.response.status_code < 500:
                raise RefusedError(f"{agent.address} answered {error.response.status_code}") from error
            problem = str(error)
        except (OSError, InvalidHandshake, TimeoutError) as error:
            problem = str(error) or type(error).__name__
        if problem != last:
            say(f"cannot reach {agent.address}: {problem}; trying again")
            last = problem
        if asyncio.get_running_loop().time() > end:
            raise TimeoutError(f"{agent.address} could not be reached in {patience:.0f} seconds: {last}")
        await asyncio.sleep(PAUSE)


async def serve(connection: ClientConnection, folder: Path) -> None:
    """Does what the controller asks until it says `leave`.

    Raises:
        ConnectionError: the connection ended without that.
    """
    try:
        while True:
            message = protocol.decode(await connection.recv())
            if message["type"] == "leave":
                await connection.close()
                return
            if message["type"] == "stop":
                continue  # the command was quicker
            await connection.send(await _answer(message, connection, folder))
    except ConnectionClosed as error:
        raise ConnectionError(f"the controller went away: {error}") from error


async def _answer(message: Message, connection: ClientConnection, folder: Path) -> str:
    task = TASKS.get(message["type"])
    if task is None:
        return protocol.done(2, f"the agent does not know {message['type']!r}")
    try:
        return await task(message, connection, folder)
    except (OSError, ProtocolError, KeyError, ValueError) as error:
        if isinstance(error, ConnectionError):
            raise
        return protocol.done(2, f"{message['type']}: {error}")


async def _chunks(connection: ClientConnection) -> AsyncIterator[bytes]:
    while isinstance(data := await connection.recv(), bytes):
        yield data
    if protocol.decode(data)["type"] != "end":
        raise ProtocolError("the data did not end with `end`")


async def _unpack(message: Message, connection: ClientConnection, folder: Path) -> str:
    chunks = _chunks(connection)
    try:
        code, words = await work.unpack(work.inside(folder, message["path"]), chunks)
    except (OSError, ProtocolError):
        async for _ in chunks:
            pass  # the data comes all the same; what follows it is the next request
        raise
    return protocol.done(code, f"tar: {words}" if code else "")


async def _write(message: Message, connection: ClientConnection, folder: Path) -> str:
    work.write(work.inside(folder, message["path"]), message["text"])
    return protocol.done()


async def _run(message: Message, connection: ClientConnection, folder: Path) -> str:
    cwd = work.inside(folder, message["cwd"])
    return await _until_stopped(
        connection, lambda stop: work.run(message["argv"], cwd, message["env"], connection.send, stop)
    )


async def _follow(message: Message, connection: ClientConnection, folder: Path) -> str:
    step = work.inside(folder, message["path"])
    return await _until_stopped(connection, lambda stop: work.follow(step, connection.send, stop))


async def _until_stopped(connection: ClientConnection, task: Callable[[asyncio.Future[None]], Awaitable[int]]) -> str:
    stop = asyncio.ensure_future(_stopped(connection))
    try:
        code = await task(stop)
    finally:
        stop.cancel()
        await asyncio.wait({stop})
    if not stop.cancelled():
        stop.result()  # raises when the connection ended
    return protocol.done(code)


async def _collect(message: Message, connection: ClientConnection, folder: Path) -> str:
    tar = work.collect(work.inside(folder, message["path"]), message["patterns"])
    for start in range(0, len(tar), protocol.CHUNK):
        await connection.send(tar[start : start + protocol.CHUNK])
    return protocol.done()


async def _stopped(connection: ClientConnection) -> None:
    """Ends when the controller says `stop`, the one thing that it may say while a command runs."""
    message = protocol.decode(await connection.recv())
    if message["type"] != "stop":
        raise ProtocolError(f"{message['type']} came while a command was running")


TASKS: dict[str, Callable[[Message, ClientConnection, Path], Awaitable[str]]] = {
    "unpack": _unpack, "write": _write, "run": _run, "follow": _follow, "collect": _collect,
}  # fmt: skip

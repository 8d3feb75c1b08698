"""The stand-in agent over a loopback WebSocket: is let in or not, works, stays inside its folder, ends."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from testbed.agent import protocol
from testbed.agent.session import Agent, RefusedError, dial
from testbed.agent.session import serve as work

ROOT = Path(__file__).resolve().parents[2]


def tar(name: str, text: str) -> bytes:
    """A tar of one file."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text.encode()))
    return data.getvalue()


@asynccontextmanager
async def controller(folder: Path, secret: str = "s") -> AsyncIterator[tuple[ServerConnection, asyncio.Task[None]]]:  # noqa: S107
    """A controller's end of the connection, and the agent as a task."""
    arrived: asyncio.Queue[ServerConnection] = asyncio.Queue()
    finished = asyncio.Event()

    async def handler(connection: ServerConnection) -> None:
        await arrived.put(connection)
        await finished.wait()

    def check(connection: ServerConnection, request: Request) -> Response | None:
        right = (request.path, request.headers.get("Node-Name"), request.headers.get("Secret-Key"))
        return None if right == ("/wsagents/", "a1", "s") else connection.respond(403, "no")

    async with serve(handler, "127.0.0.1", 0, process_request=check, max_size=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        agent = Agent(f"http://127.0.0.1:{port}/", "a1", secret, folder)
        connection = await dial(agent, 5, print)
        task = asyncio.create_task(work(connection, folder))
        try:
            yield await asyncio.wait_for(arrived.get(), 5), task
        finally:
            finished.set()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def ask(connection: ServerConnection, *messages: str | bytes) -> tuple[bytes, protocol.Message]:
    """Sends a request, answers (output, done)."""
    for message in messages:
        await connection.send(message)
    output = b""
    while isinstance(received := await asyncio.wait_for(connection.recv(), 20), bytes):
        output += received
    return output, protocol.decode(received)


def run(argv: list[str], cwd: str = ".") -> str:
    """A request to run a command."""
    return protocol.encode("run", {"argv": argv, "cwd": cwd, "env": {"X": "y"}})


def test_a_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unpack, write, run, exit codes, environment; each answered once; `leave` ends it."""
    monkeypatch.setenv("JENKINS_SECRET", "hidden")

    async def scenario() -> None:
        async with controller(tmp_path) as (connection, task):
            unpack = protocol.encode("unpack", {"path": "w/job"})
            assert (await ask(connection, unpack, tar("f", "text"), protocol.encode("end")))[1]["code"] == 0
            write = protocol.encode("write", {"path": "w/job@tmp/s.sh", "text": "#!/bin/sh\ncat f; exit 5\n"})
            assert (await ask(connection, write))[1] == {"type": "done", "code": 0, "error": ""}
            output, done = await ask(connection, run([str(tmp_path / "w/job@tmp/s.sh")], "w/job"))
            assert (output, done["code"]) == (b"text", 5)
            output, done = await ask(connection, run(["sh", "-c", "echo $X-$JENKINS_SECRET; kill -9 $$"]))
            assert (output, done["code"]) == (b"y-\n", 137)
            output, done = await ask(connection, run(["head", "-c", "3000000", "/dev/zero"]))
            assert len(output) == 3_000_000
            await connection.send(protocol.encode("leave"))
            await asyncio.wait_for(task, 5)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([protocol.encode("write", {"path": "../out", "text": ""})], "write: ../out is outside the agent's folder"),
        ([protocol.encode("unpack", {"path": "/etc"}), b"data", protocol.encode("end")], "unpack: /etc is outside"),
        ([protocol.encode("unpack", {"path": "w"}), b"no tar at all" * 99, protocol.encode("end")], "tar: "),
        ([protocol.encode("dance")], "does not know 'dance'"),
        ([protocol.encode("write", {"path": "x"})], "write: 'text'"),
        ([run(["/no/such/command"])], "run: [Errno 2]"),
    ],
)
def test_what_cannot_be_done_is_answered(tmp_path: Path, messages: list[str | bytes], words: str) -> None:
    """With a reason; the agent then goes on."""

    async def scenario() -> None:
        async with controller(tmp_path) as (connection, _):
            _, done = await ask(connection, *messages)
            assert words in done["error"]
            assert (await ask(connection, run(["true"])))[1]["code"] == 0

    asyncio.run(scenario())


def alive(group: int) -> list[str]:
    """The processes of a group that have not ended (proc(5), stat: state and process group)."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            state, _, owner = path.read_text().rpartition(")")[2].split()[:3]
            found += [path.parent.name] if int(owner) == group and state != "Z" else []
    return found


def test_a_command_ends_with_the_connection(tmp_path: Path) -> None:
    """And so does what it started."""

    async def scenario() -> None:
        async with controller(tmp_path) as (connection, task):
            await connection.send(run(["sh", "-c", "echo $$; sleep 1000 & sleep 1000"]))
            group = int(await asyncio.wait_for(connection.recv(), 10))
            await connection.close()
            with pytest.raises(ConnectionError):
                await asyncio.wait_for(task, 10)
            assert alive(group) == []

    asyncio.run(scenario())


def test_stop(tmp_path: Path) -> None:
    """Kills a running command; one that comes too late is passed over; the agent goes on."""

    async def scenario() -> None:
        async with controller(tmp_path) as (connection, _):
            await connection.send(run(["sh", "-c", "echo $$; sleep 1000 & sleep 1000"]))
            group = int(await asyncio.wait_for(connection.recv(), 10))
            _, done = await ask(connection, protocol.encode("stop"))
            assert done["code"] == 143
            assert alive(group) == []
            output, done = await ask(connection, protocol.encode("stop"), run(["echo", "on"]))
            assert (output, done["code"]) == (b"on\n", 0)

    asyncio.run(scenario())


def test_a_wrong_secret(tmp_path: Path) -> None:
    """Is not tried twice."""

    async def scenario() -> None:
        with pytest.raises(RefusedError, match="answered 403"):
            async with controller(tmp_path, secret="wrong"):  # noqa: S106
                pass

    asyncio.run(scenario())


def test_nobody_there(tmp_path: Path) -> None:
    """Is tried for a while, and told once."""
    told: list[str] = []
    with pytest.raises(TimeoutError, match="could not be reached"):
        asyncio.run(dial(Agent("http://127.0.0.1:1", "a", "s", tmp_path), 0, told.append))
    assert len(told) == 1


def test_the_commands_bad_input() -> None:
    """All missing variables at once, exit code 2."""
    done = subprocess.run([sys.executable, "-m", "testbed.agent"], env={"PYTHONPATH": str(ROOT), "JENKINS_URL": "x"},
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 2
    assert "JENKINS_AGENT_NAME, JENKINS_SECRET, JENKINS_WEB_SOCKET=true" in done.stderr

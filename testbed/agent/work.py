"""What the agent does on its own file system: folders, files, commands."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import shutil
import signal
import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from testbed.agent.protocol import CHUNK, LOG, RESULT, ProtocolError

Send = Callable[[bytes], Awaitable[None]]
# A process that the command left behind keeps the output open; it gets this long (seconds) after the command's end.
GRACE = 2.0
POLL = 0.1  # seconds between two looks at a step's files
HIDDEN = ("JENKINS_SECRET",)
STOPPED = 143  # as if by SIGTERM


def inside(root: Path, path: str) -> Path:
    """`path` below `root`.

    Raises:
        ProtocolError: the path leads out of it.
    """
    target = (root / path).resolve()
    if not target.is_relative_to(root.resolve()):
        raise ProtocolError(f"{path} is outside the agent's folder")
    return target


async def unpack(folder: Path, chunks: AsyncIterator[bytes]) -> tuple[int, str]:
    """Unpacks a tar into `folder`, which is made; files belong to the agent's user. Answers exit code and words."""
    folder.mkdir(parents=True, exist_ok=True)
    tar = await asyncio.create_subprocess_exec(
        "tar", "--extract", "--no-same-owner", "--file=-", f"--directory={folder}",
        stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    if tar.stdin is None or tar.stderr is None:
        raise AssertionError("the pipes were asked for")
    reader = asyncio.create_task(tar.stderr.read())
    async for chunk in chunks:  # all of them, also when tar has given up: the next message is not data
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            tar.stdin.write(chunk)
            await tar.stdin.drain()
    tar.stdin.close()
    words = (await reader).decode(errors="replace").strip()
    return await tar.wait(), words


def write(path: Path, text: str) -> None:
    """Writes a file that everyone may read and run: the builder's container may have another user."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


async def run(argv: Sequence[str], cwd: Path, env: Mapping[str, str], send: Send, stop: asyncio.Future[None]) -> int:
    """Runs a command, sends its output as it comes, and answers its exit code (128 + n for signal n, as sh does).

    When `stop` is done before the command, the command and all that it started are killed, and the answer is STOPPED.
    """
    own = {name: value for name, value in os.environ.items() if name not in HIDDEN}
    process = await asyncio.create_subprocess_exec(
        *argv, cwd=cwd, env={**own, **env}, start_new_session=True,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    pump = asyncio.create_task(_pump(process, send))
    ended = asyncio.create_task(process.wait())
    either: set[asyncio.Future[Any]] = {ended, stop}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            return STOPPED
        await asyncio.wait({pump}, timeout=GRACE)
        return ended.result() if ended.result() >= 0 else 128 - ended.result()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        pump.cancel()
        await asyncio.gather(pump, ended, return_exceptions=True)


async def follow(folder: Path, send: Send, stop: asyncio.Future[None]) -> int:
    """Sends the log of a step in another container as it grows, until its result is there, and answers that.

    Both files belong to that container's user. The folder is removed then, as Jenkins' agent does.
    """
    at = 0
    while not stop.done():
        ended = (folder / RESULT).exists()  # asked before the log is read: nothing is written after the result
        at += await _grown(folder / LOG, at, send)
        if ended:
            code = int((folder / RESULT).read_text())
            shutil.rmtree(folder)
            return code
        await asyncio.wait({stop}, timeout=POLL)
    return STOPPED


async def _grown(log: Path, at: int, send: Send) -> int:
    if not log.exists():
        return 0
    sent = 0
    with log.open("rb") as file:
        file.seek(at)
        while chunk := file.read(CHUNK):
            await send(chunk)
            sent += len(chunk)
    return sent


def collect(folder: Path, patterns: Sequence[str]) -> bytes:
    """A tar of the files below `folder` that match one of the patterns, by their paths in it."""
    found = sorted({path for pattern in patterns for path in folder.glob(pattern) if path.is_file()})
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", dereference=True) as tar:
        for path in found:
            tar.add(inside(folder, str(path)), arcname=str(path.relative_to(folder)))
    return data.getvalue()


async def _pump(process: asyncio.subprocess.Process, send: Send) -> None:
    if process.stdout is None:
        raise AssertionError("the pipe was asked for")
    while chunk := await process.stdout.read(CHUNK):
        await send(chunk)

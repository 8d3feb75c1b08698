"""What the agent does on its own file system: folders, files, commands."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from testbed.agent.protocol import CHUNK, ProtocolError

Send = Callable[[bytes], Awaitable[None]]
# A process that the command left behind keeps the output open; it gets this long (seconds) after the command's end.
GRACE = 2.0
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


async def _pump(process: asyncio.subprocess.Process, send: Send) -> None:
    if process.stdout is None:
        raise AssertionError("the pipe was asked for")
    while chunk := await process.stdout.read(CHUNK):
        await send(chunk)

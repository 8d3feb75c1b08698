"""Runs builds on the stand-in controller: sends a folder as the workspace, passes the log on as it comes.

The controller is reached through the API server's proxy for Services, so that nothing listens on this machine.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3

from testbed import paths
from testbed.controller_client import CONNECT_SECONDS, access, asked, remedy
from testbed.errors import TestbedError

JOB = re.compile(r"[a-z0-9._-]+/[a-z0-9._-]+")
POLL_SECONDS = 1.0
UNFINISHED = ("QUEUED", "RUNNING")
# The log's longest silence; an agent may take LAUNCH_SECONDS to come up, a step may compute for long.
SILENCE_SECONDS = 1800.0
PIECE = 256 * 1024  # bytes
RESULT = "Finished: "
STARTED = re.compile(r"Started build #(\d+) of ")
LEFT_OUT = (".git", "__pycache__")


@dataclass(frozen=True)
class BuildResult:
    """`ok`: the build said SUCCESS. `log`: all that it said."""

    ok: bool
    log: str

    @property
    def result(self) -> str:
        """The word after `Finished: `."""
        return self.log.rstrip().rpartition(RESULT)[2]

    @property
    def number(self) -> int:
        """The build's number, from the log's first line."""
        found = STARTED.match(self.log)
        return int(found[1]) if found else 0


def build(
    job: str,
    directory: Path,
    *,
    jenkinsfile: str = "Jenkinsfile",
    kubeconfig: Path | None = None,
    echo: Callable[[str], None] | None = None,
) -> BuildResult:
    """Runs one build and waits for its end.

    Args:
        job: `<folder>/<name>`; the folder may use the cloud of the same name.
        directory: the workspace, with the Jenkinsfile in it.
        jenkinsfile: the Jenkinsfile's path in it.
        kubeconfig: an administrator's (default: the running test cluster's).
        echo: takes each line of the log as it comes.

    Raises:
        TestbedError: the build could not be started, or its log broke off.
    """
    _checked(job, directory, jenkinsfile)
    kubeconfig = kubeconfig or paths.kubeconfig()
    lines: list[str] = []
    for line in _submit(job, packed(directory), jenkinsfile, kubeconfig):
        lines.append(line)
        if echo:
            echo(line)
    log = "".join(lines)
    if not lines or not lines[-1].startswith(RESULT):
        raise TestbedError(f"the log of {job} broke off:\n{log[-2000:]}", remedy=remedy(kubeconfig))
    return BuildResult(lines[-1].strip() == f"{RESULT}SUCCESS", log)


def packed(directory: Path) -> bytes:
    """A folder as a tar, owners left out."""

    def kept(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        if Path(member.name).name in LEFT_OUT:
            return None
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        return member

    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        tar.add(directory, arcname=".", filter=kept)
    return data.getvalue()


def submit(job: str, directory: Path, *, jenkinsfile: str = "Jenkinsfile", kubeconfig: Path | None = None) -> int:
    """Starts a build that goes on by itself, and answers its number. See `build` for the arguments.

    Raises:
        TestbedError: it could not be started.
    """
    _checked(job, directory, jenkinsfile)
    query = {"jenkinsfile": jenkinsfile, "queue": "1"}
    return int(asked("POST", f"job/{job}/build", kubeconfig, query, packed(directory)))


def log(job: str, number: int, kubeconfig: Path | None = None) -> str:
    """A build's log so far.

    Raises:
        TestbedError: there is no such build, or the controller cannot be reached.
    """
    return asked("GET", f"job/{job}/{number}/log", kubeconfig).decode(errors="replace")


def result(job: str, number: int, kubeconfig: Path | None = None) -> str:
    """QUEUED, RUNNING, or how a build ended; raises TestbedError as `log` does."""
    return asked("GET", f"job/{job}/{number}/result", kubeconfig).decode().strip()


def stop(job: str, number: int, kubeconfig: Path | None = None) -> None:
    """Aborts a build; raises TestbedError as `log` does."""
    asked("POST", f"job/{job}/{number}/stop", kubeconfig)


def wait(job: str, number: int, seconds: float, kubeconfig: Path | None = None) -> BuildResult:
    """Waits for a build's end, also while API server or controller are away.

    Raises:
        TestbedError: it was not over in so many seconds; str() has the end of its log, or why that cannot be read.
    """
    end = time.monotonic() + seconds
    last = ""
    while time.monotonic() < end:
        try:
            last = result(job, number, kubeconfig)
            if last not in UNFINISHED:
                text = log(job, number, kubeconfig)
                return BuildResult(last == "SUCCESS", text)
        except TestbedError as error:
            last = str(error)
        time.sleep(POLL_SECONDS)
    if last in UNFINISHED:
        last += f"\n{log(job, number, kubeconfig)[-2000:]}"
    raise TestbedError(f"{job} #{number} is not over after {seconds:.0f} seconds: {last}")


def statistics(kubeconfig: Path | None = None) -> dict[str, Any]:
    """The controller's threads, memory (KiB), builds by state and calls of the API server by row of their table."""
    facts: dict[str, Any] = json.loads(asked("GET", "statistics", kubeconfig))
    return facts


def artifact(job: str, number: int, path: str, kubeconfig: Path | None = None) -> bytes:
    """A file that a build archived.

    Raises:
        TestbedError: it did not, or the controller cannot be reached.
    """
    return asked("GET", f"job/{job}/{number}/artifact/{path}", kubeconfig)


def _checked(job: str, directory: Path, jenkinsfile: str) -> None:
    if not JOB.fullmatch(job):
        raise TestbedError(f"job {job!r}: write FOLDER/NAME in lower-case letters, digits and -._")
    if not (directory / jenkinsfile).is_file():
        raise TestbedError(f"{directory} holds no {jenkinsfile}")


def _submit(job: str, workspace: bytes, jenkinsfile: str, kubeconfig: Path) -> Iterator[str]:
    """The log's lines as they come."""
    service, headers, context = access(kubeconfig)
    headers["Content-Type"] = "application/x-tar"
    url = f"{service}/job/{job}/build?{urlencode({'jenkinsfile': jenkinsfile})}"
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=SILENCE_SECONDS)
    try:
        with urllib3.PoolManager(ssl_context=context) as pool:
            # In chunks, so that the end of the workspace passes the proxy before the answer begins: with a length, a
            # quick answer can find the proxy still reading, and it then drops the connection (Go's net/http).
            pieces = (workspace[start : start + PIECE] for start in range(0, len(workspace), PIECE))
            response = pool.request("POST", url, body=pieces, headers=headers, preload_content=False, retries=False,
                                    timeout=timeout, chunked=True)  # fmt: skip
            if response.status != 200:
                raise TestbedError(f"the controller answered {response.status}: {response.data.decode().strip()}",
                                   remedy=remedy(kubeconfig))  # fmt: skip
            rest = b""
            for chunk in response.stream():  # each chunk as it comes
                *whole, rest = (rest + chunk).split(b"\n")
                yield from (f"{line.decode(errors='replace')}\n" for line in whole)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise TestbedError(f"the controller cannot be reached: {error}", remedy=remedy(kubeconfig)) from error


def main(words: Sequence[str]) -> int:
    """Runs a build on the stand-in controller and shows its log; exit code 0 when it ends with SUCCESS, else 1."""
    parser = argparse.ArgumentParser(prog="python -m testbed build", description=main.__doc__)
    parser.add_argument("--job", required=True, help="FOLDER/NAME; the folder may use the cloud of its name")
    parser.add_argument("--dir", required=True, type=Path, help="the workspace, a folder with a Jenkinsfile")
    parser.add_argument("--jenkinsfile", default="Jenkinsfile", help="its path in that folder (default: Jenkinsfile)")
    parser.add_argument("--kubeconfig", type=Path, help="an administrator's (default: the test cluster's)")
    given = parser.parse_args(words)

    def echo(line: str) -> None:
        sys.stdout.write(line)
        sys.stdout.flush()

    done = build(given.job, given.dir, jenkinsfile=given.jenkinsfile, kubeconfig=given.kubeconfig, echo=echo)
    return 0 if done.ok else 1

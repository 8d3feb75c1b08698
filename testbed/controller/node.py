"""An agent that is connected: runs scripts on it, by its own connection or by exec in another container, and files."""

from __future__ import annotations

import glob
import io
import posixpath
import secrets
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from testbed.agent.protocol import LOG, SCRIPT
from testbed.controller.buildlog import BuildLog
from testbed.controller.cluster import ApiError, Cluster
from testbed.controller.connections import AgentLostError, Connection
from testbed.controller.execution import COOKIE, enter, exports, killing, recorded
from testbed.controller.failures import AbortedError, BuildError
from testbed.controller.inorder import InOrder
from testbed.controller.pipeline.context import Command

Sink = Callable[[bytes], None]
TURN_SECONDS = 0.3  # that a step in a container is followed before another branch may ask something of the agent
VARIABLES = "environment.sh"  # beside a step's script
STARTED_SECONDS = 2.0  # for the log of a step to be there whose exec's connection broke
TO_FILE = 'out=$1; shift; exec "$@" >"$out"'


def nothing() -> bytes:
    """A tar without files."""
    data = io.BytesIO()
    tarfile.open(fileobj=data, mode="w").close()
    return data.getvalue()


@dataclass(frozen=True)
class PodNode:
    """A pod with a connected agent; see pipeline.context.Node for what steps want of it.

    Attributes:
        folder: the agent's, in all containers.
        workspace: below that.
        source: a tar of what a checkout would give.
        gone: tells what a step ends with that the agent failed at.
        turns: the agent is asked one thing at a time, by several branches in turn.
    """

    cluster: Cluster
    connection: Connection
    log: BuildLog
    namespace: str
    pod: str
    containers: Sequence[str]
    folder: str
    workspace: str
    default_container: str
    environment: Mapping[str, str]
    source: bytes
    gone: Callable[[Exception], Exception] = lambda error: BuildError(str(error))
    turns: InOrder = field(default_factory=InOrder)

    @contextmanager
    def asked(self) -> Iterator[Connection]:
        """The agent, for one thing; what goes wrong as steps have it."""
        try:
            with self.turns.turn():
                yield self.connection
        except AgentLostError as error:
            raise self.gone(error) from error
        except InterruptedError as error:
            raise AbortedError from error

    def place(self, path: str) -> str:
        """A path below the workspace as one below the agent's folder."""
        return posixpath.normpath(posixpath.join(self.workspace, path))

    def run(self, command: Command) -> tuple[int, str]:
        """Runs a script; its output goes to the log. See pipeline.context.Node.

        As Jenkins' durable-task plugin does: the agent writes the script beside the workspace, `sh -xe` runs it,
        or what its first line `#!` names.
        """
        if command.container and command.container not in self.containers:
            raise BuildError(f"container {command.container} was not found in pod {self.pod} (it has: "
                             f"{', '.join(self.containers)})")  # fmt: skip
        token = f"durable-{secrets.token_hex(4)}"
        control = f"{self.workspace}@tmp/{token}"
        whole = f"{self.folder}/{control}/{SCRIPT}"
        argv = [whole] if command.script.startswith("#!") else [command.shell or "sh", "-xe", whole]
        output = f"{self.folder}/{control}.out" if command.capture else ""
        with self.asked() as agent:
            if command.folder:
                agent.unpack(self.place(command.folder), nothing())
            agent.write(f"{control}/{SCRIPT}", command.script)
            if not command.container:
                argv = ["sh", "-c", TO_FILE, "sh", output, *argv] if output else argv
                with self.log.stream() as sink:
                    code = agent.run(argv, self.place(command.folder), command.env, sink, command.flow.interrupted)
        if command.container:
            code = self._in_container(command, argv, control, output)
        if not output:
            return code, ""
        with self.asked() as agent:
            data = self._cat(agent, output)
            agent.run(["rm", "-f", "--", output], ".", {}, lambda _: None)
        return code, (data or b"").decode(errors="replace")

    def _in_container(self, command: Command, argv: Sequence[str], control: str, output: str) -> int:
        """The container's user writes log and result into the agent's folder; the agent reads and removes them."""
        cookie = secrets.token_hex(8)
        variables = f"{control}/{VARIABLES}"
        line = enter(f"{self.folder}/{self.place(command.folder)}", f"{self.folder}/{variables}",
                     recorded(argv, f"{self.folder}/{control}", output))  # fmt: skip
        with self.asked() as agent:
            agent.write(variables, exports({**command.env, COOKIE: cookie}))
            self._started(agent, command, line, control)
        seen = 0
        with self.log.stream() as sink:
            while True:  # until it ends; whenever another branch wants the agent, it is let in
                with self.asked() as agent:
                    try:
                        return self._followed(agent, command, control, sink, seen)
                    except InterruptedError as error:
                        if not self._there(agent, control):
                            return int(error.args[0])
                        if command.flow.interrupted():
                            with suppress(ApiError, RuntimeError):
                                self._exec(command, killing(cookie), lambda: False)
                            raise
                        seen = error.args[1]

    def _followed(self, agent: Connection, command: Command, control: str, sink: Sink, seen: int) -> int:
        """A step's result; `seen`: how much of its log is in the build's already.

        Raises:
            InterruptedError: it was stopped, or another branch wants the agent; with what the agent answered, and how
                much of the log is in the build's now.
        """
        came, begun = 0, time.monotonic()

        def fresh(data: bytes) -> None:
            nonlocal came
            sink(data[max(seen - came, 0) :])
            came += len(data)

        def enough() -> bool:
            return command.flow.interrupted() or (self.turns.wanted() and time.monotonic() > begun + TURN_SECONDS)

        try:
            return agent.follow(control, fresh, enough)
        except InterruptedError as error:
            raise InterruptedError(error.args[0], max(seen, came)) from error

    def _exec(self, command: Command, line: str, interrupted: Callable[[], bool]) -> tuple[int, str]:
        """(exit code, what it says) of a shell's line in the command's container."""
        said: list[bytes] = []
        argv = [command.shell or "sh", "-c", line]
        code = self.cluster.run(self.namespace, self.pod, command.container, argv, said.append, interrupted)
        return code, b"".join(said).decode(errors="replace").strip()

    def _started(self, agent: Connection, command: Command, line: str, control: str) -> None:
        """Starts a step in its container; where the exec's connection breaks, what counts is whether there is a log."""
        where = f"container {command.container} of pod {self.pod}"
        try:
            code, said = self._exec(command, line, command.flow.interrupted)
        except ApiError as error:
            raise BuildError(str(error)) from error
        except RuntimeError as error:
            end = time.monotonic() + STARTED_SECONDS
            while not self._there(agent, f"{control}/{LOG}"):
                if time.monotonic() > end or command.flow.wait(0.2):
                    raise BuildError(f"{where}: {error}") from error
            return
        if code:
            raise BuildError(f"{where}: process apparently never started in {control} (exit code {code}): {said}")

    def _there(self, agent: Connection, path: str) -> bool:
        return agent.run(["test", "-e", path], ".", {}, lambda _: None) == 0

    def _cat(self, agent: Connection, path: str) -> bytes | None:
        pieces: list[bytes] = []
        if not self._there(agent, path):
            return None
        code = agent.run(["cat", "--", path], ".", {}, pieces.append)
        if code:
            raise BuildError(f"cannot read {path}: {b''.join(pieces).decode(errors='replace').strip()}")
        return b"".join(pieces)

    def checkout(self) -> None:
        """Puts the job's files into the workspace. See pipeline.context.Node."""
        self.unpack("", self.source)

    def files(self, folder: str) -> Sequence[str]:
        """The paths of all files below a folder. See pipeline.context.Node."""
        pieces: list[bytes] = []
        with self.asked() as agent:
            agent.unpack(self.place(folder), nothing())
            agent.run(["find", ".", "-type", "f", "-printf", "%P\\0"], self.place(folder), {}, pieces.append)
        return [each.decode(errors="replace") for each in b"".join(pieces).split(b"\0") if each]

    def collect(self, folder: str, paths: Sequence[str]) -> bytes:
        """A tar of files below a folder. See pipeline.context.Node."""
        with self.asked() as agent:
            return agent.collect(self.place(folder), [glob.escape(path) for path in paths])

    def unpack(self, folder: str, tar: bytes) -> None:
        """Puts a tar's files into a folder. See pipeline.context.Node."""
        with self.asked() as agent:
            agent.unpack(self.place(folder), tar)

    def read(self, path: str) -> bytes | None:
        """A file's content. See pipeline.context.Node."""
        with self.asked() as agent:
            return self._cat(agent, self.place(path))

    def exists(self, path: str) -> bool:
        """Whether there is such a file or folder. See pipeline.context.Node."""
        with self.asked() as agent:
            return self._there(agent, self.place(path))

    def remove(self, path: str) -> None:
        """Removes a file or a folder. See pipeline.context.Node."""
        words: list[bytes] = []
        with self.asked() as agent:
            if agent.run(["rm", "-rf", "--", self.place(path)], ".", {}, words.append):
                raise BuildError(b"".join(words).decode(errors="replace").strip())

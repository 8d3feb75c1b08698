"""A step in a container: an exec that starts it, while the agent follows the files that it writes."""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from testbed.agent.protocol import LOG, RESULT
from testbed.controller.failures import BuildError
from testbed.controller.kube import ApiError

# The result is on the volume before the exec ends; the agent looks for it ten times a second.
RESULT_SECONDS = 2.0
Command = Callable[[Callable[[bytes], None], Callable[[], bool]], int]


def recorded(argv: Sequence[str], control: str) -> str:
    """A shell command that runs `argv`, its output in the log and its exit code in the result file of `control`.

    The shell runs in the container, so both files belong to the container's user, in a folder of the agent's. The
    result comes under its name when it is whole. After jenkinsci/durable-task-plugin, BourneShellScript.java.
    """
    log, result = (shlex.quote(f"{control}/{name}") for name in (LOG, RESULT))
    return f"{{ {shlex.join(argv)} > {log} 2>&1; echo $? > {result}.tmp; mv {result}.tmp {result}; }}"


def enter(folder: str, env: Mapping[str, str], command: str) -> str:
    """A shell command that runs `command` in `folder` with `env`."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in env.items()]
    return " && ".join([f"cd {shlex.quote(folder)}", *exports, command])


class Execution:
    """An exec in a thread of its own. What it prints is no part of the step's log: the shell could not start it."""

    def __init__(self, command: Command) -> None:
        """Begins at once; `command(sink, interrupted)` answers the exit code."""
        self._said: list[bytes] = []
        self._stop = threading.Event()
        self._ended: float | None = None
        self._code = 0
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(command,), daemon=True, name="exec")
        self._thread.start()

    def _run(self, command: Command) -> None:
        try:
            self._code = command(self._said.append, self._stop.is_set)
        except InterruptedError:
            return
        except Exception as error:  # raised again, for whoever waits, by `failure`
            self.error = error
        finally:
            self._ended = time.monotonic()

    def overdue(self) -> bool:
        """Whether it ended, and what it should have left is not going to come."""
        if self._ended is None:
            return False
        return isinstance(self.error, ApiError) or time.monotonic() > self._ended + RESULT_SECONDS

    def stop(self) -> None:
        """Ends it, if it still runs."""
        self._stop.set()
        self._thread.join()

    def failure(self, where: str, control: str) -> BuildError:
        """Why there is no result; `where` names the container."""
        if isinstance(self.error, ApiError):
            return BuildError(str(self.error))
        if self.error is not None:
            return BuildError(f"{where}: {self.error}")
        said = b"".join(self._said).decode(errors="replace").strip()
        return BuildError(f"{where}: process apparently never started in {control} (exit code {self._code}): {said}")

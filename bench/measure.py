"""Wall seconds and CPU seconds of one command with everything that it starts."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """What a command took: `seconds` on the clock, `cpu` seconds (user and system) of its whole process tree."""

    seconds: float
    cpu: float


class CommandError(Exception):
    """A measured command failed; the message is the end of what it printed."""


def measure(command: Sequence[str], env: Mapping[str, str], log: Path, cwd: Path) -> Cost:
    """Runs a command to its end.

    Args:
        command: the words of the command.
        env: its environment.
        log: where its output goes.
        cwd: where it runs.

    Raises:
        CommandError: its exit code is not 0.
    """
    started = time.monotonic()
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        # wait4 counts this child and all descendants that were waited for, and nothing else that runs beside it.
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        end = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-30:])
        raise CommandError(f"{' '.join(command)}: exit code {process.returncode}\n{end}")
    return Cost(time.monotonic() - started, usage.ru_utime + usage.ru_stime)

"""Processes of the layer runner: in the foreground, side by side, and in the background with a log."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO

from testbed import paths

ROOT = Path(__file__).resolve().parent.parent
LOGS = paths.cache() / "logs"


@dataclass(frozen=True)
class Outcome:
    """How something ended: whether well, and the last line that it printed."""

    ok: bool
    last: str

    @property
    def word(self) -> str:
        """`passed` or `FAILED`."""
        return "passed" if self.ok else "FAILED"


def environment(base: Mapping[str, str]) -> dict[str, str]:
    """The environment of every layer: the locked tools first on PATH, UTF-8, and no downloads by linters.

    Args:
        base: the caller's environment.
    """
    env = dict(base)
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', os.defpath)}"
    env["MOLECULE_GLOB"] = "molecule/*/molecule.yml"
    # Not the cluster of `make demo`, which may be in use.
    env.setdefault("BUILDKEEP_CLUSTER", "molecule")
    env["PYTHONUNBUFFERED"] = "1"
    # pytest asks the terminal how wide it is; there is none behind a pipe.
    env.setdefault("COLUMNS", "120")
    # ansible-core refuses to start under a locale that is not UTF-8; C.UTF-8 is in every Debian.
    env["LC_ALL"] = "C.UTF-8"
    return env


def _start(command: Sequence[str], env: Mapping[str, str], output: int | IO[str]) -> subprocess.Popen[str]:
    """Starts a command in a process group of its own, so that all of it can be stopped."""
    return subprocess.Popen(
        list(command),
        cwd=ROOT,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )


def stop(process: subprocess.Popen[str], patience: float = 60.0) -> None:
    """Ends a process and its children: asks first, and insists after `patience` seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, number)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue


def run_one(command: Sequence[str], env: Mapping[str, str]) -> Outcome:
    """Runs a command, shows its output as it comes, and remembers the last line."""
    process = _start(command, env, subprocess.PIPE)
    last = ""
    try:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            last = line.strip() or last
        return Outcome(process.wait() == 0, last)
    finally:
        stop(process)


def _run_captured(command: Sequence[str], env: Mapping[str, str]) -> Outcome:
    """Runs a command and prints what it said in one piece: all of it on failure, else its last line."""
    process = _start(command, env, subprocess.PIPE)
    try:
        started = time.monotonic()
        said = process.communicate()[0].strip()
    finally:
        stop(process)
    ok = process.returncode == 0
    name = shlex.join([Path(command[0]).name, *command[1:]])
    last = said.splitlines()[-1] if said else "no findings"
    shown = last if ok else f"{said}\nexit code {process.returncode}"
    print(f"-- {name}: {time.monotonic() - started:.1f} s\n{shown}", flush=True)
    return Outcome(ok, name)


def run_all(commands: Sequence[Sequence[str]], env: Mapping[str, str]) -> Outcome:
    """Runs commands side by side, as many as there are processors; all of them, even when one fails."""
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        outcomes = list(pool.map(lambda command: _run_captured(command, env), commands))
    failed = [outcome.last for outcome in outcomes if not outcome.ok]
    if failed:
        return Outcome(False, "failed: " + "; ".join(failed))
    return Outcome(True, f"{len(outcomes)} commands, none failed")


@dataclass
class Background:
    """A long build beside the first layers, with its output in a log."""

    process: subprocess.Popen[str]
    started: float
    log: Path
    ended: float = 0.0

    @classmethod
    def start(cls, command: Sequence[str], env: Mapping[str, str], log: Path) -> Background:
        """Starts the command at low priority."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w", encoding="utf-8") as output:
            process = _start(("nice", "-n", "5", *command), env, output)
        print(f"building in the background: {shlex.join(command[1:])} (log: {log})", flush=True)
        build = cls(process, time.monotonic(), log)
        Thread(target=build._note_end, daemon=True).start()
        return build

    def _note_end(self) -> None:
        self.process.wait()
        self.ended = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds from the start to the end, or to now."""
        return (self.ended or time.monotonic()) - self.started

    def wait(self, every: float = 30.0) -> Outcome:
        """Waits for the end; shows the log's last line every `every` seconds, and its end when the build failed."""
        print(f"\n== builds (log: {self.log})", flush=True)
        while True:
            try:
                code = self.process.wait(every)
                break
            except subprocess.TimeoutExpired:
                print(f"   {self.seconds:5.0f} s  {self._end(1)}", flush=True)
        if code:
            print(self._end(40), flush=True)
        return Outcome(code == 0, self._end(1))

    def stop(self) -> None:
        """Ends the build, if it still runs."""
        stop(self.process)

    def _end(self, lines: int) -> str:
        """The last lines of the log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-lines:])

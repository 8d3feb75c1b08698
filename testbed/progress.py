"""Shows what is being made, how far and for how long, and keeps the log of each step in a file.

On a terminal one status line tells the running steps every second; elsewhere (CI) the same is a plain line every
half minute. Every step has a line at its start and one at its end in both cases.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from testbed import paths
from testbed.errors import TestbedError

TERMINAL_INTERVAL, PLAIN_INTERVAL = 1.0, 30.0


def spell(seconds: float) -> str:
    """A duration for people: `7 s`, `2 min 05 s`."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


@dataclass
class Step:
    """One running step: a title, its place, the seconds that it is expected to take, and its log."""

    title: str
    place: str
    expected: float
    log: Path
    remedy: str = ""
    started: float = field(default_factory=time.monotonic)

    @property
    def elapsed(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self.started

    def status(self) -> str:
        """What a status line says of it."""
        return f"{self.place} {self.title}: {spell(self.elapsed)} of about {spell(self.expected)}"

    def say(self, text: str) -> None:
        """Adds a line to the log."""
        with self.log.open("a") as log:
            log.write(text.rstrip("\n") + "\n")

    def run(
        self,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        feed: str | None = None,
        timeout: float = 3600,
    ) -> str:
        """Runs a command with its output in the log; returns its standard output.

        `env` is added to the environment, `feed` is its standard input. Raises TestbedError with the log's end
        if it fails or takes longer than `timeout` seconds.
        """
        words = [str(word) for word in command]
        self.say("$ " + " ".join(words))
        try:
            with self.log.open("ab") as log:
                done = subprocess.run(
                    words, env={**os.environ, **(env or {})}, cwd=cwd, input=None if feed is None else feed.encode(),
                    stdin=subprocess.DEVNULL if feed is None else None, stdout=subprocess.PIPE, stderr=log,
                    timeout=timeout, check=False,
                )  # fmt: skip
                log.write(done.stdout)
        except FileNotFoundError as error:
            raise TestbedError(f"{self.title}: the command {words[0]} is missing", log=self.log) from error
        except OSError as error:
            raise self.failed(f"{words[0]} did not start: {error.strerror}") from error
        except subprocess.TimeoutExpired as error:
            raise self.failed(f"{words[0]} did not finish within {spell(timeout)}") from error
        if done.returncode:
            raise self.failed(f"{Path(words[0]).name} ended with exit code {done.returncode}")
        return done.stdout.decode(errors="replace")

    def failed(self, why: str) -> TestbedError:
        """The error to raise when this step failed because of `why`."""
        remedy = self.remedy or "Mend what the log's last lines say, then run the same command again: it goes on there."
        return TestbedError(f"{self.title} failed: {why}", log=self.log, remedy=remedy)


class Progress:
    """Numbers the steps of one run, `[1/total]` on, and shows the running ones; steps may run in threads."""

    def __init__(self, total: int, out: TextIO | None = None) -> None:
        """Takes the number of steps of the run and the stream of the lines (default: standard error)."""
        self.total, self.count = total, 0
        self.out = out or sys.stderr
        self.terminal = self.out.isatty()
        self.running: list[Step] = []
        self.lock = threading.Lock()
        self.ended = threading.Event()

    @contextmanager
    def step(self, title: str, expected: float, remedy: str = "") -> Iterator[Step]:
        """A step from its first line to its last."""
        with self.lock:
            self.count += 1
            log = paths.logs() / (re.sub(r"[^a-zA-Z0-9.-]+", "-", title).strip("-").lower() + ".log")
            log.write_text(f"{title}\n")
            step = Step(title, f"[{self.count}/{self.total}]", expected, log, remedy)
            self.running.append(step)
            self._line(f"{step.place} {title} ... (about {spell(expected)})")
            if len(self.running) == 1:
                self.ended.clear()
                threading.Thread(target=self._tick, args=(self.ended,), daemon=True).start()
        word = "failed"
        try:
            yield step
            word = "done"
        finally:
            with self.lock:
                self.running.remove(step)
                if not self.running:
                    self.ended.set()
                    self.ended = threading.Event()
                self._line(f"{step.place} {title}: {word} in {spell(step.elapsed)}")

    def _line(self, text: str) -> None:
        print(("\r\033[K" if self.terminal else "") + text, file=self.out, flush=True)

    def _tick(self, ended: threading.Event) -> None:
        interval = TERMINAL_INTERVAL if self.terminal else PLAIN_INTERVAL
        while not ended.wait(interval):
            with self.lock:
                text = "; ".join(step.status() for step in self.running)
                if self.terminal and text:
                    print(
                        f"\r\033[K{text[: shutil.get_terminal_size().columns - 1]}", end="", file=self.out, flush=True
                    )
                elif text:
                    self._line(text)

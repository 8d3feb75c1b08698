"""A build's log: whole lines, without the secrets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MASK = "****"
SHORTEST = 4  # characters of a line that is masked although it is only a part of a secret


class BuildLog:
    """Passes lines on to `emit`, from any thread, with every secret masked."""

    def __init__(self, emit: Callable[[bytes], None]) -> None:
        """`emit` gets one line at a time, with its line end."""
        self._emit = emit
        self._secrets: list[bytes] = []
        self._lock = threading.Lock()

    def mask(self, secret: str) -> None:
        """Never lets this text through, nor a line of it."""
        text = secret.strip()
        lines = {line for line in text.splitlines() if len(line) >= SHORTEST}
        with self._lock:
            known = {*self._secrets, *(each.encode() for each in ({text} - {""}) | lines)}
            self._secrets = sorted(known, key=len, reverse=True)  # one may hold another

    @contextmanager
    def stream(self) -> Iterator[Callable[[bytes], None]]:
        """Takes a command's output as it comes; each command has its own, so that no line is mixed of two."""
        rest = b""

        def write(data: bytes) -> None:
            nonlocal rest
            *lines, rest = (rest + data).split(b"\n")
            with self._lock:
                for line in lines:
                    self._out(line)

        try:
            yield write
        finally:
            if rest:
                write(b"\n")

    def line(self, text: str) -> None:
        """Adds one or more whole lines."""
        with self._lock:
            for each in text.split("\n"):
                self._out(each.encode())

    def _out(self, line: bytes) -> None:
        for secret in self._secrets:
            line = line.replace(secret, MASK.encode())
        self._emit(line + b"\n")

"""A build's log: whole lines, without the secrets."""

from __future__ import annotations

import threading
from collections.abc import Callable

MASK = "****"


class BuildLog:
    """Passes lines on to `emit`, from any thread, with every secret masked."""

    def __init__(self, emit: Callable[[bytes], None]) -> None:
        """`emit` gets one line at a time, with its line end."""
        self._emit = emit
        self._secrets: list[bytes] = []
        self._rest = b""
        self._lock = threading.Lock()

    def mask(self, secret: str) -> None:
        """Never lets this text through."""
        self._secrets.append(secret.encode())

    def write(self, data: bytes) -> None:
        """Adds a command's output; what follows the last line end waits for the rest of its line."""
        with self._lock:
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                self._out(line)

    def line(self, text: str) -> None:
        """Adds one or more whole lines; ends an unfinished one first."""
        with self._lock:
            if self._rest:
                self._out(self._rest)
                self._rest = b""
            for each in text.split("\n"):
                self._out(each.encode())

    def _out(self, line: bytes) -> None:
        for secret in self._secrets:
            line = line.replace(secret, MASK.encode())
        self._emit(line + b"\n")

"""The one error that the testbed shows to its user: what failed, the end of the log, where it is, what to do."""

from __future__ import annotations

from pathlib import Path

LAST_LINES = 30


class TestbedError(Exception):
    """A step that failed: `message`, and where there are any, `log` (its file) and `remedy` (a sentence)."""

    __test__ = False  # the name is no pytest class

    def __init__(self, message: str, *, log: Path | None = None, remedy: str = "") -> None:
        """Keeps the parts; str() puts them together."""
        super().__init__(message)
        self.message, self.log, self.remedy = message, log, remedy

    def __str__(self) -> str:
        """The message, the last lines of the log, its path and the remedy, each only where it is known."""
        lines = [self.message]
        if self.log is not None and self.log.exists():
            lines += [f"    {line}" for line in self.log.read_text(errors="replace").splitlines()[-LAST_LINES:]]
            lines += [f"Log: {self.log}"]
        if self.remedy:
            lines += [f"Remedy: {self.remedy}"]
        return "\n".join(lines)

"""Builds as the controller keeps them: one folder each, with log, state and, until it is over, the workspace.

They outlive the process that made them, as long as the volume does: what waited goes on waiting, what ran is aborted.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from testbed.controller.results import ABORTED

QUEUED, RUNNING = "QUEUED", "RUNNING"
KEPT = 500  # builds that are over; of more the oldest are forgotten
LOST = ("The controller ended while this build was running, and the stand-in for Jenkins does not resume builds; what"
        " was left of its agents is deleted.")  # fmt: skip


class Record:
    """One build. Its log grows by whole lines, from one thread; everything may be read from any."""

    def __init__(self, folder: str, name: str, number: int, directory: Path, jenkinsfile: str = "Jenkinsfile",
                 attached: bool = False, state: str = QUEUED) -> None:  # fmt: skip
        """Build `number` of the job `folder/name`; `attached`: it ends when whoever asked for it goes away."""
        self.folder, self.name, self.number, self.directory = folder, name, number, directory
        self.jenkinsfile, self.attached, self.state = jenkinsfile, attached, state
        self.interrupt = threading.Event()
        self.done = threading.Event()
        if self.over:
            self.done.set()
        self._lock = threading.Lock()
        self._followers: list[Callable[[], None]] = []

    @property
    def over(self) -> bool:
        """Whether it has a result."""
        return self.state not in (QUEUED, RUNNING)

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"{self.folder}/{self.name} #{self.number}"

    def save(self) -> None:
        """Writes its state, whole or not at all."""
        facts = {"jenkinsfile": self.jenkinsfile, "attached": self.attached, "state": self.state}
        new = self.directory / "build.json.new"
        new.write_text(json.dumps(facts))
        new.replace(self.directory / "build.json")

    def workspace(self) -> bytes:
        """The tar that came with it."""
        return (self.directory / "workspace.tar").read_bytes()

    def emit(self, line: bytes) -> None:
        """Adds to the log."""
        with self._lock, (self.directory / "log").open("ab") as log:
            log.write(line)
        self._tell()

    def read(self, start: int, size: int = -1) -> bytes:
        """The log from a byte on."""
        with (self.directory / "log").open("rb") as log:
            log.seek(start)
            return log.read(size)

    def begin(self) -> None:
        """It runs."""
        self.state = RUNNING
        self.save()

    def end(self, result: str) -> None:
        """It is over."""
        self.state = result
        self.save()
        (self.directory / "workspace.tar").unlink(missing_ok=True)
        self.done.set()
        self._tell()

    def abort(self, *lines: str) -> None:
        """Ends it without its having run to its end."""
        self.emit("".join(f"{line}\n" for line in (*lines, f"Finished: {ABORTED}")).encode())
        self.end(ABORTED)

    def follow(self, told: Callable[[], None]) -> None:
        """`told` is called after every change, in the thread that makes it."""
        with self._lock:
            self._followers.append(told)

    def unfollow(self, told: Callable[[], None]) -> None:
        """Undoes `follow`."""
        with self._lock:
            self._followers.remove(told)

    def _tell(self) -> None:
        with self._lock:
            followers = list(self._followers)
        for told in followers:
            told()


class Records:
    """All builds below a folder."""

    def __init__(self, root: Path, kept: int = KEPT) -> None:
        """Reads what is there."""
        self.root, self.kept = root, kept
        self._lock = threading.Lock()
        self._all: dict[tuple[str, str, int], Record] = {}
        found = [_read(file) for file in root.glob("*/*/*/build.json")]
        for record in sorted(found, key=lambda one: one.directory.stat().st_ctime_ns):
            self._all[record.folder, record.name, record.number] = record

    def new(self, folder: str, name: str, workspace: bytes, jenkinsfile: str, attached: bool) -> Record:
        """The next build of a job."""
        with self._lock:
            job = self.root / folder / name
            job.mkdir(parents=True, exist_ok=True)
            counter = job / "next"
            number = int(counter.read_text()) if counter.exists() else 1
            counter.write_text(str(number + 1))
            record = Record(folder, name, number, job / str(number), jenkinsfile, attached)
            record.directory.mkdir()
            (record.directory / "workspace.tar").write_bytes(workspace)
            (record.directory / "log").touch()
            record.save()
            self._all[folder, name, number] = record
            self._forget()
        return record

    def find(self, folder: str, name: str, number: int) -> Record | None:
        """One build; None if there is none, or it is forgotten."""
        with self._lock:
            return self._all.get((folder, name, number))

    def recovered(self) -> list[Record]:
        """Those that still wait, in their order; what was running, or has nobody left who waits for it, is aborted."""
        with self._lock:
            open_ = [record for record in self._all.values() if not record.over]
        for record in open_:
            if record.state == RUNNING or record.attached:
                record.abort(LOST if record.state == RUNNING else "The controller ended before this build began.")
        return [record for record in open_ if not record.over]

    def results(self) -> list[Record]:
        """Those that are over, the oldest first."""
        with self._lock:
            return [record for record in self._all.values() if record.over]

    def counts(self) -> dict[str, int]:
        """How many builds there are in each state."""
        with self._lock:
            states = [record.state for record in self._all.values()]
        return {state: states.count(state) for state in sorted(set(states))}

    def _forget(self) -> None:
        over = [key for key, record in self._all.items() if record.over]
        for key in over[: max(0, len(over) - self.kept)]:
            shutil.rmtree(self._all.pop(key).directory, ignore_errors=True)


def _read(file: Path) -> Record:
    directory = file.parent
    facts = json.loads(file.read_text())
    name = directory.parent
    return Record(name.parent.name, name.name, int(directory.name), directory, **facts)

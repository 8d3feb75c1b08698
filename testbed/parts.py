"""Parts: everything that is made once and kept in the cache, each in a folder named by a hash of what made it.

A part is made in a temporary folder that is renamed when it is whole, under a file lock: an interrupted run leaves
no half part, and of two runs at the same time the second waits for the first. Parts that only download run beside
those that compile; two compilations never run at once, since one already uses every core.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed import paths
from testbed.errors import TestbedError
from testbed.progress import Progress, Step
from testbed.system import Need, require

KEPT_DAYS = 30
COMPILING = "compile"  # a lane, and the lock of whoever is at it
LANES = {COMPILING: 1, "fetch": 2, "pack": 2}


@dataclass(frozen=True)
class Part:
    """How one thing is made.

    `build(folder, step, made)` fills the empty `folder`; `made` maps each name in `needs` to that part's folder.
    `inputs` is what the key is made of beside the keys of `needs`: texts, or files and folders to read.
    `seconds` is what it takes on two cores with nothing cached; `system` are the system packages that it needs.
    """

    name: str
    title: str
    seconds: int
    lane: str
    inputs: tuple[str | Path, ...]
    build: Callable[[Path, Step, Mapping[str, Path]], None]
    needs: tuple[str, ...] = ()
    remedy: str = ""
    system: tuple[Need, ...] = ()


Table = Mapping[str, Part]


def digest(inputs: Iterable[str | Path]) -> str:
    """A short hash of texts, and of files and folders by their names and contents."""
    total = hashlib.sha256()
    for item in inputs:
        files = [item] if isinstance(item, str) else sorted(_files(item))
        for file in files:
            data = file.encode() if isinstance(file, str) else file.read_bytes()
            name = "" if isinstance(file, str) else str(file.relative_to(item)) if file != item else file.name
            total.update(f"{len(name)} {len(data)} {name}\n".encode() + data)
    return total.hexdigest()[:16]


def _files(path: Path) -> Iterator[Path]:
    if not path.exists():
        raise TestbedError(f"{path} is missing", remedy="Restore it, or take it out of the recipe that names it.")
    if path.is_file():
        yield path
    else:
        yield from (file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)


def key(table: Table, name: str) -> str:
    """The key of a part: a hash of its own inputs and of the keys of what it needs."""
    part = table[name]
    return digest([part.name, *part.inputs, *(key(table, need) for need in part.needs)])


def folder(table: Table, name: str) -> Path:
    """Where a part is, or will be, in the cache."""
    safe = name.replace("/", "_").replace(":", "_")
    return paths.cache() / "parts" / f"{safe}-{key(table, name)}"


def missing(table: Table, names: Iterable[str]) -> list[str]:
    """The parts that must still be made for `names`, needs before what needs them.

    Raises TestbedError for names that the table does not have.
    """
    names = list(names)
    if unknown := sorted(set(names) - table.keys()):
        raise TestbedError(f"no such part: {', '.join(unknown)}", remedy=f"Name one of: {', '.join(sorted(table))}.")
    order: list[str] = []

    def visit(name: str) -> None:
        if name not in order and not folder(table, name).exists():
            for need in table[name].needs:
                visit(need)
            order.append(name)

    for name in names:
        visit(name)
    return order


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Holds the lock file `name` of the cache, waiting for whoever has it."""
    path = paths.cache() / "locks" / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make(table: Table, name: str, step: Step) -> Path:
    """Makes one part, whose needs are there, unless another run has; returns its folder."""
    final = folder(table, name)
    with locked(final.name):
        if not final.exists():
            part = table[name]
            work = paths.cache() / "work" / final.name
            remove(work)
            work.mkdir(parents=True)
            require(part.system, step)
            with locked(COMPILING) if part.lane == COMPILING else nullcontext():
                part.build(work, step, {need: folder(table, need) for need in part.needs})
            final.parent.mkdir(parents=True, exist_ok=True)
            work.rename(final)
    return final


def sweep() -> None:
    """Deletes the half parts of interrupted runs, but none that another run is at."""
    work = paths.cache() / "work"
    for left in sorted(work.iterdir()) if work.is_dir() else ():
        with (paths.cache() / "locks" / f"{left.name}.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            remove(left)


def prune(table: Table, names: Iterable[str], days: float = KEPT_DAYS) -> None:
    """Deletes parts that no run has used for `days`; those that `names` and their needs use now are marked as used."""
    used: set[Path] = set()

    def visit(name: str) -> None:
        path = folder(table, name)
        if path not in used and path.exists():
            used.add(path)
            os.utime(path)
            for need in table[name].needs:
                visit(need)

    for name in names:
        visit(name)
    for path in (paths.cache() / "parts").iterdir():
        if path not in used and path.stat().st_mtime < time.time() - days * 86_400:
            remove(path)


def drop_sources(table: Table) -> None:
    """Deletes Go's caches, which are by far the largest, once nothing of `table` is left to compile from them."""
    if any(part.lane == COMPILING and not folder(table, name).exists() for name, part in table.items()):
        return
    with (paths.cache() / "locks" / f"{COMPILING}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # another run compiles: its own end will do it
        if (paths.cache() / "go").exists():
            with Progress(1).step("delete sources, of which all is compiled", 30):
                remove(paths.cache() / "go")


def remove(path: Path) -> None:
    """Deletes a folder tree, also one with read-only folders in it; a missing one is fine.

    Raises TestbedError if something is mounted in it, as a killed debootstrap may leave it.
    """
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    if inside := [mount for mount in mounts if Path(mount).is_relative_to(path.absolute())]:
        raise TestbedError(f"{path} has mounts in it", remedy=f"Take them off: sudo umount {' '.join(inside)}")
    if path.exists():
        path.chmod(0o755)
        for root, folders, _ in os.walk(path):  # from the top, and into each folder only after it was opened here
            for name in folders:
                if not (sub := Path(root, name)).is_symlink():
                    sub.chmod(0o755)
        shutil.rmtree(path)


def ensure(table: Table, names: Sequence[str], progress: Progress | None = None) -> dict[str, Path]:
    """Makes all of `names` and what they need, in parallel where that helps; returns the folder of each of `names`.

    Raises the first TestbedError, after the steps that were running have ended.
    """
    todo = missing(table, names)
    if todo:
        _run(table, todo, progress or Progress(len(todo)))
    return {name: folder(table, name) for name in names}


@contextmanager
def _setting(failed: threading.Event) -> Iterator[None]:
    """Sets the event when the block is left early, by Ctrl-C for one: no waiting step begins any more."""
    try:
        yield
    except BaseException:
        failed.set()
        raise


def _run(table: Table, todo: list[str], progress: Progress) -> None:
    lanes = {lane: threading.Semaphore(count) for lane, count in LANES.items()}
    failed = threading.Event()

    def work(name: str) -> None:
        part = table[name]
        with lanes[part.lane]:
            if not failed.is_set():
                with progress.step(part.title, part.seconds, part.remedy) as step:
                    make(table, name, step)

    running: dict[Future[Any], str] = {}
    waiting, ready = list(todo), set[str]()
    error: BaseException | None = None
    with ThreadPoolExecutor(max_workers=len(todo)) as pool, _setting(failed):
        while (waiting and not error) or running:
            for name in [n for n in waiting if not error and not (set(table[n].needs) & set(todo)) - ready]:
                waiting.remove(name)
                running[pool.submit(work, name)] = name
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                ready.add(running.pop(future))
                error = error or future.exception()
                if error:
                    failed.set()
    if error:
        raise error

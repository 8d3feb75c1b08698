"""Python packages of a lock file, installed by pip into a folder of their own, held to the lock's hashes."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from testbed import paths
from testbed.progress import Step

TOOLS_LOCK = paths.TESTBED / "requirements.lock"
PYTHON_LOCK = paths.ROOT / "requirements.lock"
REMEDY = "Check that pip reaches its package index (pip config list; PIP_INDEX_URL), then run the same command again."


def normal(name: str) -> str:
    """A package's name as the packaging standard (PEP 503) spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def stanzas(lock: str, names: Iterable[str]) -> str:
    """The entries of `names` (version and hashes) out of a lock file's text.

    Raises KeyError with the names that the lock does not hold.
    """
    entries: dict[str, str] = {}
    name = ""
    for line in lock.splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)==", line):
            name = normal(match[1])
            entries[name] = line
        elif name and line.strip().startswith("--hash="):
            entries[name] += f"\n{line}"
    wanted = {normal(name) for name in names}
    if absent := sorted(wanted - entries.keys()):
        raise KeyError(f"not in the lock file: {', '.join(absent)}")
    return "".join(f"{entries[name]}\n" for name in sorted(wanted))


def locked(lock: Path, names: Iterable[str]) -> str:
    """`stanzas` of a lock file; its text is what a part's key is made of."""
    return stanzas(lock.read_text(), names)


def install(requirements: str, target: Path, step: Step, python: str = "") -> None:
    """Installs locked `requirements` into the folder `target`.

    `python` (as `3.11`) takes wheels for that CPython on this machine's processor instead of the running Python's.
    """
    file = target.with_name(target.name + ".requirements")
    file.write_text(requirements)
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-cache-dir", "--no-deps",
               "--no-compile", "--require-hashes", *wheel_options(python), "--target", str(target),
               "-r", str(file)]  # fmt: skip
    step.run(command)
    file.unlink()


def wheel_options(python: str, machine: str = "") -> Sequence[str]:
    """Pip's options for wheels that fit CPython `python` on glibc 2.36 (Debian bookworm); none for ''."""
    if not python:
        return []
    machine = machine or platform.machine()
    tags = [f"manylinux_2_{minor}_{machine}" for minor in (17, 28, 31, 34)]
    tags += [f"manylinux2014_{machine}", f"manylinux2010_{machine}", f"manylinux1_{machine}"]
    return ["--only-binary=:all:", "--implementation=cp", f"--python-version={python}",
            *(f"--platform={tag}" for tag in tags)]  # fmt: skip

"""What the repository holds: the files that git tracks, and the roles."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path.parent.parent for path in ROOT.glob("roles/*/tasks/main.yml"))


@cache
def tracked() -> tuple[str, ...]:
    """Paths of all tracked files that are there, from the repository's root; links are files."""
    # In continuous integration the checkout may belong to somebody else, which git refuses to read.
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return tuple(name for name in listed.split("\0") if name and (ROOT / name).is_file())


def lines(name: str) -> int:
    """How many lines a tracked file has."""
    return len((ROOT / name).read_text(encoding="utf-8").splitlines())

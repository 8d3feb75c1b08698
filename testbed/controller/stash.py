"""What `stash` puts away, and Ant's patterns, by which it and `archiveArtifacts` choose files."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

from testbed.controller.failures import BuildError

LARGEST = 64 * 1024 * 1024  # bytes that one build may stash
# What Ant leaves out unless it is told not to (DirectoryScanner.DEFAULTEXCLUDES), as far as builds meet it.
DEFAULT_EXCLUDES = (
    "**/*~", "**/#*#", "**/.#*", "**/%*%", "**/._*", "**/CVS", "**/CVS/**", "**/.cvsignore", "**/SCCS", "**/SCCS/**",
    "**/.svn", "**/.svn/**", "**/.DS_Store", "**/.git", "**/.git/**", "**/.gitattributes", "**/.gitignore",
    "**/.gitmodules", "**/.hg", "**/.hg/**", "**/.hgignore", "**/.bzr", "**/.bzr/**", "**/.bzrignore",
)  # fmt: skip


def patterns(words: str) -> list[str]:
    """The patterns of a comma-separated list; one that ends in `/` means all below."""
    found = [each.strip().removeprefix("./") for each in words.split(",")]
    return [f"{each}**" if each.endswith("/") else each for each in found if each]


def chosen(files: Iterable[str], includes: str, excludes: str = "", defaults: bool = True) -> list[str]:
    """The files that match one of the patterns and none of the excluded ones, in order of their names."""
    wanted, left_out = patterns(includes), [*patterns(excludes), *(DEFAULT_EXCLUDES if defaults else ())]
    return sorted(
        path
        for path in files
        if any(matches(path, each) for each in wanted) and not any(matches(path, each) for each in left_out)
    )


def matches(path: str, pattern: str) -> bool:
    """Ant's rule: `?` one character, `*` any within a name, `**` any number of folders."""
    return _parts_match(path.split("/"), pattern.split("/"))


def _parts_match(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_parts_match(parts[skip:], pattern[1:]) for skip in range(len(parts) + 1))
    return bool(parts) and _name_matches(parts[0], pattern[0]) and _parts_match(parts[1:], pattern[1:])


def _name_matches(name: str, pattern: str) -> bool:
    if not pattern:
        return not name
    if pattern[0] == "*":
        return any(_name_matches(name[skip:], pattern[1:]) for skip in range(len(name) + 1))
    return bool(name) and pattern[0] in ("?", name[0]) and _name_matches(name[1:], pattern[1:])


class Stashes:
    """One build's stashes, by name, as tars; gone with the build."""

    def __init__(self) -> None:
        """Nothing is stashed."""
        self._kept: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def put(self, name: str, tar: bytes) -> None:
        """Keeps a stash, instead of one of the same name.

        Raises:
            BuildError: the build stashes more than LARGEST.
        """
        with self._lock:
            if sum(map(len, {**self._kept, name: tar}.values())) > LARGEST:
                raise BuildError(f"stash {name}: the stand-in controller keeps {LARGEST} bytes of a build, and no more")
            self._kept[name] = tar

    def get(self, name: str) -> bytes:
        """A stash.

        Raises:
            BuildError: there is none of this name.
        """
        with self._lock:
            if name not in self._kept:
                raise BuildError(f"No such saved stash '{name}'")
            return self._kept[name]

"""Files of ours in a folder that others share: written, brought up to date, and taken away when no longer wanted.

Ours is what begins with the mark. Nothing else is ever overwritten, deleted or followed, links included.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

MARK = "# Made by buildkeep.ci.render: it is written anew, and removed when no longer wanted."
# The folders at the top that hold files of ours: other folders may hold those of another render.
_FOLDERS = re.compile(r"\d\d-[a-z-]+|static|jcasc")


@dataclass(frozen=True)
class FileChange:
    """One file that is to change: its path in the folder, and its text before and after; None where there is none."""

    path: PurePosixPath
    before: str | None
    after: str | None


def marked(text: str) -> str:
    """The text as a file of ours."""
    return f"{MARK}\n{text}"


def plan(directory: Path, wanted: Mapping[PurePosixPath, str]) -> list[FileChange]:
    """Compare what is in a folder with what should be there; changes nothing.

    Args:
        directory: the folder; it need not be there.
        wanted: text by path in it, each begun by the mark.

    Raises:
        BuildkeepError: naming everything of others that is in the way.
    """
    with _system_errors():
        problems = [problem for path in _folders(wanted) if (problem := _folder_problem(directory, path))]
        problems += [problem for path in sorted(wanted) if (problem := _file_problem(directory / path))]
        if problems:
            raise BuildkeepError([f"buildkeep_render_directory: {problem}" for problem in problems])
        changes = [FileChange(path, _read(directory / path), text) for path, text in sorted(wanted.items())]
        stale = [path for path in _ours(directory) if path not in wanted]
        changes += [FileChange(path, _read(directory / path), None) for path in sorted(stale)]
        return [change for change in changes if change.before != change.after]


def write(directory: Path, changes: Sequence[FileChange]) -> None:
    """Make the changes; each file is whole at any moment. Raises BuildkeepError for what the system refuses."""
    with _system_errors():
        for change in changes:
            path = directory / change.path
            if change.after is None:
                path.unlink(missing_ok=True)
                _remove_empty(directory, path.parent)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            half = path.with_name(f".{path.name}.buildkeep")
            half.unlink(missing_ok=True)
            with half.open("x", encoding="utf-8", newline="\n") as file:
                file.write(change.after)
            half.replace(path)


@contextlib.contextmanager
def _system_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        remedy = "give a folder that you may read and write"
        raise BuildkeepError([f"buildkeep_render_directory: {error.filename}: {error.strerror}; {remedy}"]) from error


def _folders(wanted: Mapping[PurePosixPath, str]) -> list[PurePosixPath]:
    return sorted({parent for path in wanted for parent in path.parents})


def _folder_problem(directory: Path, folder: PurePosixPath) -> str:
    path = directory / folder
    # The folder that the user named may be a link; one inside it could lead anywhere.
    link = path.is_symlink() and (folder.parts or not path.is_dir())
    if link or (path.exists() and not path.is_dir()):
        return f"{path} is in the way, for it is no folder; remove it, or give another folder"
    return ""


def _file_problem(path: Path) -> str:
    if path.is_symlink() or (path.exists() and not _is_ours(path)):
        return f"{path} is in the way, for somebody else made it; remove it, or give another folder"
    return ""


def _is_ours(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(MARK)) == MARK.encode()


def _ours(directory: Path) -> Iterator[PurePosixPath]:
    """Paths of the files of ours that are there, in folders that are no links."""
    tops = directory.iterdir() if directory.is_dir() else iter(())
    folders = [top for top in tops if _FOLDERS.fullmatch(top.name) and top.is_dir() and not top.is_symlink()]
    while folders:
        for path in folders.pop().iterdir():
            if path.is_dir() and not path.is_symlink():
                folders.append(path)
            elif path.suffix == ".yaml" and _is_ours(path):
                yield PurePosixPath(path.relative_to(directory).as_posix())


def _read(path: Path) -> str | None:
    return path.read_bytes().decode("utf-8", "replace") if path.is_file() else None


def _remove_empty(directory: Path, folder: Path) -> None:
    while folder != directory:
        with contextlib.suppress(OSError):  # not empty: it holds something of others
            folder.rmdir()
        folder = folder.parent

"""What builds archive: kept in memory until the controller ends."""

from __future__ import annotations

import io
import tarfile
import threading
from collections.abc import Mapping

from testbed.controller.failures import BuildError

LARGEST = 1024 * 1024  # bytes that one build may archive


class Artifacts:
    """The archived files of all builds, by the build's URL and their paths in the workspace."""

    def __init__(self) -> None:
        """Nothing is archived."""
        self._kept: dict[str, dict[str, bytes]] = {}
        self._results: dict[str, str] = {}
        self._lock = threading.Lock()

    def keep(self, run_url: str, path: str, data: bytes) -> None:
        """Keeps a file.

        Raises:
            BuildError: the build archives more than LARGEST.
        """
        with self._lock:
            files = {**self._kept.get(run_url, {}), path: data}
            if sum(map(len, files.values())) > LARGEST:
                raise BuildError(f"{path}: the stand-in controller keeps {LARGEST} bytes of a build, and no more")
            self._kept[run_url] = files

    def ended(self, job: str, result: str) -> None:
        """Notes a build's result, for the next build of its job."""
        with self._lock:
            self._results[job] = result

    def previous(self, job: str) -> str | None:
        """The result of the job's build that ended last; None if there was none."""
        with self._lock:
            return self._results.get(job)

    def get(self, run_url: str, path: str) -> bytes | None:
        """A file of a build; None if it was not archived."""
        with self._lock:
            return self._kept.get(run_url, {}).get(path)


def read(tar: bytes) -> Mapping[str, bytes]:
    """The files of a tar."""
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        members = [(member.name, archive.extractfile(member)) for member in archive]
        return {name: data.read() for name, data in members if data}

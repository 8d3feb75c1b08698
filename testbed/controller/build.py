"""One build: its names, its number, and the workspace that came with it."""

from __future__ import annotations

import io
import posixpath
import re
import tarfile
from dataclasses import dataclass

# A part of a job's name: what can stand in a URL, in a folder and in an agent's name without quoting.
PART = re.compile(r"[a-z0-9]([a-z0-9_.-]{0,40}[a-z0-9])?")


@dataclass(frozen=True)
class Build:
    """Build `number` of the job `folder/name`; `workspace` is a tar of the files that a checkout would give."""

    folder: str
    name: str
    number: int
    workspace: bytes

    @property
    def job(self) -> str:
        """The job's full name."""
        return f"{self.folder}/{self.name}"

    @property
    def run_url(self) -> str:
        """The build's URL below Jenkins'."""
        return f"job/{self.folder}/job/{self.name}/{self.number}/"

    def file(self, path: str) -> str | None:
        """The text of a file of the workspace; None if there is no such file.

        Raises:
            tarfile.TarError: the workspace is no tar.
        """
        wanted = posixpath.normpath(path)
        with tarfile.open(fileobj=io.BytesIO(self.workspace)) as tar:
            for member in tar:
                if posixpath.normpath(member.name) == wanted and member.isreg():
                    data = tar.extractfile(member)
                    return data.read().decode() if data else None
        return None

    def environment(self, jenkins_url: str = "") -> dict[str, str]:
        """The variables that Jenkins gives to every build, with those of the URL where it is known: on an agent."""
        urls = {"BUILD_URL": f"{jenkins_url}{self.run_url}", "JENKINS_URL": jenkins_url} if jenkins_url else {}
        return {
            "BUILD_ID": str(self.number),
            "BUILD_NUMBER": str(self.number),
            "BUILD_TAG": f"jenkins-{self.folder}-{self.name}-{self.number}",
            "JOB_BASE_NAME": self.name,
            "JOB_NAME": self.job,
            **urls,
        }

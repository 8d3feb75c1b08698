"""The helm command, version 3 or 4, for one release: render, look, install or upgrade, uninstall.

The chart is fetched once and then used from there, so that what was judged is what is installed. Values go in by
standard input, so that they are on no command line. Nothing here waits for pods.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NOT_FOUND = "not found"
# Seconds for one call of the API server by helm; hooks are none.
_TIMEOUT = "120s"


@dataclass(frozen=True)
class Release:
    """A release as Helm remembers it.

    Attributes:
        status: `deployed`, `failed`, `pending-install` and so on.
        revision: number of the newest revision.
        values: the values that were given.
        objects: what was rendered, without hooks.
    """

    status: str
    revision: int
    values: Mapping[str, Any]
    objects: Sequence[Mapping[str, Any]]


class Helm:
    """The command, for the release of one Jenkins.

    Args:
        command: name or path.
        settings: which chart, and where the release is.
        kubeconfig: of the cluster; empty: the usual places.
        context: of that kubeconfig; empty: its current one.
    """

    def __init__(self, command: str, settings: JenkinsSettings, kubeconfig: str = "", context: str = "") -> None:
        self._command = command
        self._settings = settings
        self._environment = _environment(kubeconfig)
        self._context = context or os.environ.get("K8S_AUTH_CONTEXT", "")
        self._chart = ""

    @contextlib.contextmanager
    def chart(self) -> Iterator[None]:
        """Have the chart at hand.

        Raises:
            BuildkeepError: when the chart cannot be had, or is another version than the pinned one.
        """
        with tempfile.TemporaryDirectory(prefix="buildkeep-") as folder:
            self._chart = self._fetched(Path(folder))
            found = yaml.load(self._run("show", "chart", self._chart), Loader=_LOADER)  # noqa: S506 (a safe loader)
            version, wanted = str(found.get("version")), self._settings.version
            if version != wanted:
                text = f"{self._settings.chart} is version {version}, and {wanted} is wanted"
                remedy = "Read what changed between the two, then name the one that you mean"
                raise BuildkeepError([f"buildkeep_jenkins.version: {text}. {remedy}."])
            yield

    def listed(self) -> str:
        """Read the text of the chart's `values.yaml`."""
        return self._run("show", "values", self._chart)

    def _fetched(self, folder: Path) -> str:
        chart, version = self._settings.chart, self._settings.version
        repository = () if chart.startswith("oci://") else ("--repo", self._settings.repository)
        if not repository or not (Path(chart).exists() or "/" in chart or chart.endswith(".tgz")):
            self._run("pull", chart, *repository, "--version", version, "--destination", str(folder))
            return str(next(folder.glob("*.tgz")))
        if not Path(chart).exists():
            remedy = "Correct the path, or name a chart of the repository"
            raise BuildkeepError([f"buildkeep_jenkins.chart: there is no {chart} on this machine. {remedy}."])
        return chart

    def render(self, values: Mapping[str, Any], version: str) -> list[dict[str, Any]]:
        """Render everything, hooks and tests too.

        Args:
            values: of the chart.
            version: of the API server, such as `v1.37.1`.
        """
        words = ("template", self._settings.name, self._chart, "--kube-version", version, "--values", "-")
        return objects(self._run(*words, given=json.dumps(values)))

    def release(self) -> Release | None:
        """Look at the release; None where there is none."""
        try:
            found = json.loads(self._run("status", self._settings.name, "-o", "json", cluster=True))
        except HelmError as error:
            if _NOT_FOUND in error.words:
                return None
            raise
        return Release(
            status=found["info"]["status"],
            revision=found["version"],
            values=found.get("config") or {},
            objects=objects(found.get("manifest") or ""),
        )

    def upgrade(self, values: Mapping[str, Any]) -> None:
        """Install the release, or upgrade it. Raises BuildkeepError with Helm's words."""
        newer = ("--server-side=true", "--force-conflicts") if self._major() >= 4 else ()
        words = ("upgrade", self._settings.name, self._chart, "--install", "--reset-values", *newer)
        more = ("--timeout", _TIMEOUT, "--history-max", "5", "--values", "-")
        self._run(*words, *more, given=json.dumps(values), cluster=True)

    def uninstall(self) -> None:
        """Take the release away; what is annotated to be kept stays. Raises BuildkeepError with Helm's words."""
        self._run("uninstall", self._settings.name, "--ignore-not-found", "--timeout", _TIMEOUT, cluster=True)

    def _major(self) -> int:
        return int(self._run("version", "--short").strip().lstrip("v").partition(".")[0])

    def _run(self, *words: str, given: str | None = None, cluster: bool = False) -> str:
        place = ["--namespace", self._settings.namespace]
        place += ["--kube-context", self._context] if cluster and self._context else []
        command = [self._command, *words, *place]
        try:
            done = subprocess.run(
                command, input=given, capture_output=True, text=True, check=False, env=self._environment
            )
        except OSError as error:
            remedy = "install Helm 4 or 3, or set jenkins_helm to its path"
            raise BuildkeepError([f"jenkins_helm: cannot run {self._command!r} ({error.strerror}); {remedy}"]) from None
        if done.returncode:
            raise HelmError(words, done.stderr.strip())
        return done.stdout


def _environment(kubeconfig: str) -> dict[str, str]:
    """The process's own, with the cluster that the client of module_utils/client.py would take."""
    kubeconfig = kubeconfig or os.environ.get("K8S_AUTH_KUBECONFIG", "")
    names = {"K8S_AUTH_HOST": "HELM_KUBEAPISERVER", "K8S_AUTH_API_KEY": "HELM_KUBETOKEN"}
    names |= {"K8S_AUTH_SSL_CA_CERT": "HELM_KUBECAFILE"}
    found = {theirs: os.environ[ours] for ours, theirs in names.items() if not kubeconfig and os.environ.get(ours)}
    return {**os.environ, **found, **({"KUBECONFIG": kubeconfig} if kubeconfig else {})}


class HelmError(BuildkeepError):
    """Helm refused. `words` is what it said."""

    def __init__(self, command: Sequence[str], words: str) -> None:
        self.words = words
        said = words.removeprefix("Error: ") or "it gave no reason"
        what = " ".join(word for word in command[:3] if not word.startswith("-"))
        super().__init__([f"helm {what}: {said}"])


def objects(text: str) -> list[dict[str, Any]]:
    """Read the objects of a manifest."""
    return [one for one in yaml.load_all(text, Loader=_LOADER) if one]

"""The paths of an attacker: each takes one entry of the table and returns the answer that came back."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from testbed.attacks.answers import Answer
from testbed.attacks.jenkinsfile import PROOF, jenkinsfile
from testbed.attacks.stage import TWIN, Stage, in_twin, namespace_path


class Build(Protocol):
    """What a build came to: whether it succeeded, and its log."""

    @property
    def ok(self) -> bool:
        """Whether every stage succeeded."""

    @property
    def log(self) -> str:
        """All that the build printed."""


Builder = Callable[[str, Path], Build]


def run_build(build: Builder, name: str, part: Mapping[str, Any], tenant: str = "shop", cloud: str = "") -> Build:
    """Hands a Jenkinsfile to the controller as an author of a tenant.

    Args:
        build: submits the folder's Jenkinsfile as a job, and waits for its end.
        name: the job's name below the tenant's folder.
        part: `pod` and optionally `agent`.
        tenant: whose author it is.
        cloud: the cloud that the Jenkinsfile asks for, where it is not the tenant's own.
    """
    with tempfile.TemporaryDirectory(prefix="buildkeep-attack-") as folder:
        (Path(folder) / "Jenkinsfile").write_text(jenkinsfile(part, tenant=cloud or tenant), encoding="utf-8")
        return build(f"{tenant}/{name}", Path(folder))


def attempted(result: Build) -> Answer:
    """What an attack's build amounts to: one whose step ran got through, however the build ended after it."""
    return Answer(result.ok or PROOF in result.log, result.log)


def accomplished(result: Build) -> Answer:
    """What a permitted build amounts to: its step ran, and the build succeeded."""
    return Answer(result.ok and PROOF in result.log, result.log)


def by_token(stage: Stage, part: Mapping[str, Any]) -> Answer:
    """Sends one request with the controller's own token.

    Args:
        stage: for the token.
        part: `verb`, `path`, and optionally `body`.
    """
    return stage.controller.ask(part["verb"], part["path"], part.get("body"))


def by_debugging(stage: Stage, namespace: str, pod: str, part: Mapping[str, Any]) -> Answer:
    """Adds an ephemeral container to a running pod, as the user who may.

    Args:
        stage: for the user.
        namespace: the pod's namespace.
        pod: the pod's name.
        part: `container`.
    """
    path = f"{namespace_path(namespace)}/pods/{pod}/ephemeralcontainers"
    return stage.debugger.ask("PATCH", path, {"spec": {"ephemeralContainers": [part["container"]]}})


def in_the_twin(stage: Stage, pod: Mapping[str, Any]) -> Answer:
    """Sends a pod, as the controller would, to shop's twin without Pod Security; nothing is stored.

    Args:
        stage: for the controller's identity.
        pod: the whole pod, as the Kubernetes plugin makes it of the Jenkinsfile.
    """
    return stage.controller.ask("POST", f"{namespace_path(TWIN)}/pods?dryRun=All", in_twin(pod))

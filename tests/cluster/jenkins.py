"""Builds of small agents on the stand-in controller, and the pods that they leave."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from testbed import builds
from testbed.attacks.api import Api
from testbed.attacks.plugin import table_names
from testbed.attacks.stage import namespace_path
from testbed.attacks.waiting import wait
from testbed.errors import TestbedError

# What Jenkins looks for when it collects agents that were left behind.
CONTROLLER_LABEL = "kubernetes.jenkins.io/controller"
AGENT_IMAGE = table_names()["agent"]
RUNNING_ON = re.compile(r"^Running on (\S+) in ", re.MULTILINE)
SECONDS = 300  # of a build, also where fifty others have to go first
GONE_SECONDS = 60


def container(name: str, image: str = "", command: Sequence[str] = ("sleep", "infinity"), **requests: str) -> Any:
    """A container as an author writes it: small, and nobody special.

    Args:
        name: its name.
        image: from the tenant's list; the agent's, which every node has, if not given.
        command: what it runs.
        requests: resources that it asks for, by name, each its own limit as well.
    """
    resources = {
        "limits": {"cpu": "100m", "memory": "64Mi", **requests},
        **({"requests": requests} if requests else {}),
    }
    return {
        "name": name,
        "image": image or AGENT_IMAGE,
        "command": list(command),
        "securityContext": {"runAsUser": 1000},
        "resources": resources,
    }


def agent(cloud: str, *containers: Any, **options: str) -> str:
    """The agent directive of a pod with these containers beside the agent's own, and further options as Groovy."""
    pod = yaml.safe_dump({"spec": {"containers": list(containers)}}, sort_keys=False) if containers else ""
    lines = [f"cloud '{cloud}'", *(f"{name} {value}" for name, value in options.items())]
    lines += [f"yaml '''\n{pod}'''"] if pod else []
    return "agent { kubernetes {\n" + "\n".join(lines) + "\n} }"


def pipeline(directive: str, steps: str) -> str:
    """A Jenkinsfile of one stage."""
    return f"pipeline {{\n{directive}\nstages {{ stage('only') {{ steps {{\n{steps}\n}} }} }}\n}}\n"


@dataclass(frozen=True)
class Started:
    """A build that runs whether or not somebody waits for it."""

    job: str
    number: int

    def log(self) -> str:
        """What it has said so far."""
        return builds.log(self.job, self.number)

    def wait(self) -> builds.BuildResult:
        """Waits for its end; a controller or an API server that is away for a while is waited for."""
        return builds.wait(self.job, self.number, SECONDS)

    def pod(self) -> str:
        """The path of the pod that it runs in."""
        (name,) = RUNNING_ON.findall(self.log())
        folder = self.job.partition("/")[0]
        return f"{namespace_path(f'ci-{folder}')}/pods/{name}"

    def stop(self) -> None:
        """Aborts it."""
        builds.stop(self.job, self.number)


def start(job: str, text: str) -> Started:
    """Puts a Jenkinsfile into the controller's queue."""
    with tempfile.TemporaryDirectory(prefix="buildkeep-jenkins-") as folder:
        (Path(folder) / "Jenkinsfile").write_text(text, encoding="utf-8")
        return Started(job, builds.submit(job, Path(folder)))


def begun(job: str, text: str, line: str) -> Started:
    """A build that has printed a line, and goes on.

    Raises:
        AssertionError: it ended without it.
    """
    started = start(job, text)

    def says() -> bool:
        log = started.log()
        assert "\nFinished: " not in log, log
        return f"\n{line}\n" in log

    wait(says, SECONDS, f"{job} to say {line}")
    return started


def run(job: str, text: str) -> builds.BuildResult:
    """Runs a Jenkinsfile to its end, nothing else in its workspace."""
    return start(job, text).wait()


def serves() -> bool:
    """Whether the controller answers."""
    try:
        return bool(builds.statistics())
    except TestbedError:
        return False


def agents(admin: Api, namespace: str) -> list[Any]:
    """The pods of a namespace that Jenkins has made."""
    return list(admin.must("GET", f"{namespace_path(namespace)}/pods?labelSelector={CONTROLLER_LABEL}")["items"])


def names(pods: Sequence[Any]) -> list[str]:
    """The pods' names."""
    return sorted(pod["metadata"]["name"] for pod in pods)


def all_gone(admin: Api, namespace: str) -> None:
    """Waits until no pod of Jenkins is left in a namespace.

    Raises:
        AssertionError: some stayed; their names are told.
    """
    left: list[str] = []

    def none() -> bool:
        left[:] = names(agents(admin, namespace))
        return not left

    try:
        wait(none, GONE_SECONDS, f"the agents of {namespace} to be gone")
    except TimeoutError as error:
        raise AssertionError(f"left over in {namespace}: {', '.join(left)}") from error

"""A running agent for those who may add debug containers: a real build that takes its time."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from testbed.attacks import ways
from testbed.attacks.api import Api
from testbed.attacks.jenkinsfile import jenkinsfile
from testbed.attacks.stage import TENANT, TWIN, Stage, in_twin, namespace_path
from testbed.attacks.waiting import wait

MARK = "attack-run"
START_SECONDS = 60
# Long enough to be debugged; an agent that is gone by then answers 404, which no refusal is mistaken for.
STEP = "sleep 8"


def find_running(admin: Api, mark: str) -> str:
    """The name of the marked pod of shop that runs; empty while there is none."""
    pods = admin.must("GET", f"{namespace_path(TENANT)}/pods")["items"]
    names = [
        pod["metadata"]["name"]
        for pod in pods
        if pod["metadata"].get("annotations", {}).get(MARK) == mark and pod["status"].get("phase") == "Running"
    ]
    return str(names[0]) if names else ""


@contextmanager
def running_agent(stage: Stage, build: ways.Builder, tool: Mapping[str, Any]) -> Iterator[str]:
    """A build of shop whose agent can be debugged for some seconds.

    Args:
        stage: to see the pod.
        build: submits the job and waits for its end.
        tool: the container that waits.

    Yields:
        The pod's name.

    Raises:
        TimeoutError: the agent did not start.
        RuntimeError: the build did not end well.
    """
    mark = uuid.uuid4().hex
    part = {"pod": {"metadata": {"annotations": {MARK: mark}}, "spec": {"containers": [tool]}}}
    with tempfile.TemporaryDirectory(prefix="buildkeep-attack-") as folder, ThreadPoolExecutor(1) as pool:
        (Path(folder) / "Jenkinsfile").write_text(jenkinsfile(part, STEP), encoding="utf-8")
        ending = pool.submit(build, "shop/debugged-agent", Path(folder))
        name = wait(lambda: ending.done() or find_running(stage.admin, mark), START_SECONDS, "the agent to debug")
        if not isinstance(name, str):
            raise RuntimeError(f"the build to be debugged ended too early: \n{ending.result().log}")
        yield name
        if not ending.result().ok:
            raise RuntimeError(f"the build that was debugged did not end well: \n{ending.result().log}")


def twin_agent(stage: Stage, pod: Mapping[str, Any]) -> str:
    """Starts a plain agent pod in the twin, where Pod Security does not answer first; returns its name.

    Args:
        stage: for the controller's identity.
        pod: a whole, permitted pod.

    Raises:
        RuntimeError: the API server refused it.
    """
    answer = stage.controller.must("POST", f"{namespace_path(TWIN)}/pods", in_twin(pod))
    return str(answer["metadata"]["name"])

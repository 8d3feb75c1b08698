"""A running agent for those who may add debug containers: a real build that waits until they have come and gone."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from testbed.attacks import ways
from testbed.attacks.answers import last_line
from testbed.attacks.api import Api
from testbed.attacks.jenkinsfile import jenkinsfile
from testbed.attacks.stage import TENANT, TWIN, Stage, in_twin, namespace_path
from testbed.attacks.waiting import wait

MARK = "attacks/run"
SIGNAL = {"name": "signal", "mountPath": "/signal"}
START_SECONDS, WAIT_SECONDS = 60, 90
# Each debug container leaves a file; the build ends well only when the last has done so.
STEP = (
    f"for i in $(seq {WAIT_SECONDS}); do test $(ls /signal | wc -l) -lt %d || exec ls /signal; sleep 1; done; "
    "echo the debug containers did not come; exit 1"
)


def agent_part(tool: Mapping[str, Any], mark: str) -> dict[str, Any]:
    """The pod of the agent that is going to be debugged: a tool container with a folder to leave signs in."""
    return {
        "pod": {
            "metadata": {"annotations": {MARK: mark}},
            "spec": {
                "containers": [{**tool, "volumeMounts": [SIGNAL]}],
                "volumes": [{"name": SIGNAL["name"], "emptyDir": {}}],
            },
        }
    }


def leaving_a_sign(container: Mapping[str, Any]) -> dict[str, Any]:
    """A permitted debug container that shows it ran: it puts a file of its name where the build waits for it."""
    command = ["touch", f"{SIGNAL['mountPath']}/{container['name']}"]
    return {**container, "command": command, "volumeMounts": [SIGNAL]}


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
def running_agent(stage: Stage, build: ways.Builder, tool: Mapping[str, Any], signs: int) -> Iterator[str]:
    """A build of shop that runs for as long as its agent is debugged.

    Args:
        stage: to see the pod.
        build: submits the job and waits for its end.
        tool: the container that waits.
        signs: how many debug containers have to come.

    Yields:
        The pod's name.

    Raises:
        TimeoutError: the agent did not start.
        RuntimeError: the build did not end well: not every debug container ran.
    """
    mark = uuid.uuid4().hex
    with tempfile.TemporaryDirectory(prefix="buildkeep-attack-") as folder, ThreadPoolExecutor(1) as pool:
        text = jenkinsfile(agent_part(tool, mark), STEP % signs)
        (Path(folder) / "Jenkinsfile").write_text(text, encoding="utf-8")
        ending = pool.submit(build, "shop/debugged-agent", Path(folder))
        name = wait(lambda: ending.done() or find_running(stage.admin, mark), START_SECONDS, "the agent to debug")
        if not isinstance(name, str):
            raise RuntimeError(f"the build to be debugged ended too early: {last_line(ending.result().log)}")
        yield name
        if not ending.result().ok:
            raise RuntimeError(f"not every permitted debug container ran: {last_line(ending.result().log)}")


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

"""An agent that is connected: runs scripts on it, by its own connection or by exec in another container."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from testbed.agent.protocol import SCRIPT
from testbed.controller import artifacts
from testbed.controller.buildlog import BuildLog
from testbed.controller.connections import AgentLostError, Connection
from testbed.controller.execution import Execution, enter, recorded
from testbed.controller.failures import AbortedError, BuildError
from testbed.controller.kube import Cluster


@dataclass(frozen=True)
class PodNode:
    """A pod with a connected agent. `folder` is the agent's, in all containers; `workspace` is relative to it.

    `keep` takes what the build archives: path and bytes. `gone` tells what a step ends with that the agent failed at.
    """

    cluster: Cluster
    connection: Connection
    log: BuildLog
    interrupted: Callable[[], bool]
    namespace: str
    pod: str
    containers: Sequence[str]
    folder: str
    workspace: str
    default_container: str
    environment: Mapping[str, str]
    keep: Callable[[str, bytes], None]
    gone: Callable[[Exception], Exception] = lambda error: BuildError(str(error))

    def run(self, script: str, env: Mapping[str, str], container: str = "", shell: str = "") -> int:
        """Runs a script with the workspace as the current folder; output goes to the log. See executor.Node.

        As Jenkins' durable-task plugin does: the agent writes the script beside the workspace, `sh -xe` runs it,
        or what its first line `#!` names.
        """
        if container and container not in self.containers:
            raise BuildError(f"container {container} was not found in pod {self.pod} (it has: "
                             f"{', '.join(self.containers)})")  # fmt: skip
        control = f"{self.workspace}@tmp/durable-{secrets.token_hex(4)}"
        whole = f"{self.folder}/{control}/{SCRIPT}"
        argv = [whole] if script.startswith("#!") else [shell or "sh", "-xe", whole]
        try:
            self.connection.write(f"{control}/{SCRIPT}", script)
            if container:
                return self._in_container(container, shell or "sh", argv, env, control)
            return self.connection.run(argv, self.workspace, env, self.log.write, self.interrupted)
        except AgentLostError as error:
            raise self.gone(error) from error
        except InterruptedError as error:
            raise AbortedError from error

    def _in_container(
        self, container: str, shell: str, argv: Sequence[str], env: Mapping[str, str], control: str
    ) -> int:
        """The container's user writes log and result into the agent's folder; the agent reads and removes them."""
        command = enter(f"{self.folder}/{self.workspace}", env, recorded(argv, f"{self.folder}/{control}"))
        execution = Execution(
            lambda sink, stop: self.cluster.run(self.namespace, self.pod, container, [shell, "-c", command], sink, stop)
        )
        given_up: list[bool] = []

        def give_up() -> bool:
            if not (late := execution.overdue()) and not self.interrupted():
                return False
            given_up.append(late)
            return True

        try:
            return self.connection.follow(control, self.log.write, give_up)
        except InterruptedError as error:
            if not any(given_up):
                raise
            raise execution.failure(f"container {container} of pod {self.pod}", control) from error
        finally:
            execution.stop()

    def archive(self, patterns: Sequence[str]) -> Sequence[str]:
        """Keeps the workspace's files that match; answers their paths. See executor.Node."""
        try:
            found = artifacts.read(self.connection.collect(self.workspace, patterns))
        except AgentLostError as error:
            raise self.gone(error) from error
        for path, data in found.items():
            self.keep(path, data)
        return list(found)

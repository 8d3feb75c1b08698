"""An agent that is connected: runs scripts on it, by its own connection or by exec in another container."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from testbed.controller.buildlog import BuildLog
from testbed.controller.connections import AgentLostError, Connection
from testbed.controller.failures import AbortedError, BuildError
from testbed.controller.kube import ApiError, Cluster


@dataclass(frozen=True)
class PodNode:
    """A pod with a connected agent. `folder` is the agent's, in all containers; `workspace` is relative to it."""

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

    def run(self, script: str, env: Mapping[str, str], container: str = "", shell: str = "") -> int:
        """Runs a script with the workspace as the current folder; output goes to the log. See executor.Node.

        As Jenkins' durable-task plugin does: the agent writes the script beside the workspace, `sh -xe` runs it,
        or what its first line `#!` names.
        """
        if container and container not in self.containers:
            raise BuildError(f"container {container} was not found in pod {self.pod} (it has: "
                             f"{', '.join(self.containers)})")  # fmt: skip
        path = f"{self.workspace}@tmp/durable-{secrets.token_hex(4)}/script.sh"
        whole = f"{self.folder}/{path}"
        argv = [whole] if script.startswith("#!") else [shell or "sh", "-xe", whole]
        try:
            self.connection.write(path, script)
            if not container:
                return self.connection.run(argv, self.workspace, env, self.log.write, self.interrupted)
            command = enter(f"{self.folder}/{self.workspace}", env, argv)
            return self.cluster.run(self.namespace, self.pod, container, [shell or "sh", "-c", command],
                                    self.log.write, self.interrupted)  # fmt: skip
        except (AgentLostError, ApiError) as error:
            raise BuildError(str(error)) from error
        except RuntimeError as error:
            raise BuildError(f"container {container} of pod {self.pod}: {error}") from error
        except InterruptedError as error:
            raise AbortedError from error


def enter(folder: str, env: Mapping[str, str], argv: Sequence[str]) -> str:
    """A shell command that runs `argv` in `folder` with `env`, its errors in one stream with its output."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in env.items()]
    return " && ".join([f"cd {shlex.quote(folder)}", *exports, f"exec {shlex.join(argv)} 2>&1"])

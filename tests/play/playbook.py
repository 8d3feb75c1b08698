"""Runs playbooks as users do, and looks at all that is in a cluster before and after."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import connect

from testbed.apiserver import ApiServer
from testbed.tools import tool

ROOT = Path(__file__).resolve().parents[2]
HOST = "bare"
# What the cluster itself keeps changing.
_RESTLESS = {"Lease", "Event", "EndpointSlice", "Endpoints"}
_SERVER_FIELDS = ("resourceVersion", "managedFields", "generation")
# A play needs the commands that stand beside this interpreter, and no configuration of the machine's.
RUN_SECONDS = 300.0
KILL_SECONDS = 0.02
_BIN = str(Path(sys.executable).parent)


def descendants(process: int) -> list[int]:
    """The processes that one has started, and theirs: Ansible's workers are in sessions of their own."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    children = parents.get(process, [])
    return [*children, *(one for child in children for one in descendants(child))]


@dataclass(frozen=True)
class Run:
    """A playbook that has run: its exit code, all it printed, and the numbers of its recap."""

    code: int
    text: str

    @property
    def changed(self) -> int:
        """Tasks that changed something, or would."""
        return self._count("changed")

    @property
    def failed(self) -> int:
        """Tasks that failed."""
        return self._count("failed")

    def _count(self, word: str) -> int:
        found = re.search(rf"^{HOST} .*{word}=(\d+)", self.text, re.MULTILINE)
        assert found, self.text[-4000:]
        return int(found[1])

    def ok(self) -> Run:
        """Itself, if it ended well."""
        assert self.code == 0, self.text[-4000:]
        return self


class Cluster:
    """A cluster that playbooks run against.

    Args:
        kubeconfig: the administrator's.
        folder: where inventories are written.
    """

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        """Remember both."""
        self.kubeconfig = kubeconfig
        self.folder = folder

    def inventory(self, variables: Mapping[str, Any]) -> Path:
        """Write an inventory of one cluster with these variables."""
        path = self.folder / "hosts.yml"
        known = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "agent_templates_helm": str(tool("helm")),
            "buildkeep_kubeconfig": str(self.kubeconfig),
        }
        path.write_text(yaml.safe_dump({"buildkeep": {"hosts": {HOST: {**known, **variables}}}}), encoding="utf-8")
        return path

    def run(
        self,
        playbook: str,
        variables: Mapping[str, Any],
        *flags: str,
        inventory: Path | None = None,
        installed: Path | None = None,
    ) -> Run:
        """Run a playbook of the checkout, or of an installed collection.

        Args:
            playbook: file or name of the playbook.
            variables: of the cluster's host in the inventory.
            flags: more words of the command.
            inventory: an inventory of the test's own, in place of one with the variables.
            installed: folder of installed collections; the playbook is then run far from the checkout.
        """
        env = {"ANSIBLE_COLLECTIONS_PATH": str(installed)} if installed else {}
        done = subprocess.run(
            self._command(playbook, inventory or self.inventory(variables), flags),
            cwd=self.folder if installed else ROOT,
            env=_environment(env),
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        return Run(done.returncode, done.stdout + done.stderr)

    def killed(self, playbook: str, variables: Mapping[str, Any], *flags: str, when: Callable[[], bool]) -> Run:
        """Run a playbook of the checkout and kill it, with all that it started, at the moment when something holds."""
        command = self._command(playbook, self.inventory(variables), flags)
        with (self.folder / "killed.log").open("w+", encoding="utf-8") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=_environment({}), stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
            end = time.monotonic() + RUN_SECONDS
            try:
                while process.poll() is None and not when():
                    assert time.monotonic() < end, "the run goes on and on"
                    threading.Event().wait(KILL_SECONDS)
            finally:
                if process.poll() is None:
                    for each in (process.pid, *descendants(process.pid)):
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(each, signal.SIGKILL)
            code = process.wait()
            log.seek(0)
            return Run(code, log.read())

    def _command(self, playbook: str, inventory: Path, flags: Sequence[str]) -> list[str]:
        return [f"{_BIN}/ansible-playbook", "-i", str(inventory), playbook, *flags]

    def everything(self, exact: bool = False) -> dict[str, Any]:
        """List every object of every kind; with `exact` including what only tells that somebody wrote to it."""
        cluster = connect(str(self.kubeconfig))
        found = {}
        groups = cluster.client.request("GET", "/apis").body["groups"]
        for version in ["v1", *(group["preferredVersion"]["groupVersion"] for group in groups)]:
            for resource in cluster.resources(version).values():
                if "list" in resource.verbs and resource.kind not in _RESTLESS:
                    for item in cluster.list(resource):
                        metadata = item["metadata"]
                        for field in () if exact else _SERVER_FIELDS:
                            metadata.pop(field, None)
                        found[f"{resource.kind} {metadata.get('namespace', '')}/{metadata['name']}"] = item
        return found

    def kubectl(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run kubectl as the administrator."""
        command = [str(tool("kubectl")), f"--kubeconfig={self.kubeconfig}", *words]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)

    def get(self, *words: str) -> Any:
        """Read with `kubectl get`."""
        done = self.kubectl("get", *words, "-o", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def create_pod(self, namespace: str, pod: Mapping[str, Any], user: str) -> subprocess.CompletedProcess[str]:
        """Try to create a pod, as a dry run and as somebody else."""
        words = ("create", "-n", namespace, "--dry-run=server", f"--as={user}", "-f", "-")
        return self.kubectl(*words, stdin=json.dumps(pod))


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    """Give a play's environment: nothing of the machine's own settings, and results that can be read."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "K8S_AUTH_"))}
    own = {"LC_ALL": "C.UTF-8", "PATH": f"{_BIN}:{os.environ['PATH']}", "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}
    return {**kept, **own, **more}


def lived_in(server: ApiServer, folder: Path) -> Cluster:
    """A cluster with the controller's namespace, and one, `ci-old`, that had a life before Buildkeep came.

    Args:
        server: a running API server whose controllers run as well.
        folder: where inventories are written.
    """
    made = Cluster(server.kubeconfig(), folder)
    for namespace in ("jenkins", "ci-old"):
        assert made.kubectl("create", "namespace", namespace).returncode == 0
    label = "pod-security.kubernetes.io/enforce=privileged"
    assert made.kubectl("label", "namespace", "ci-old", label, "team=old").returncode == 0
    assert made.kubectl("-n", "ci-old", "create", "secret", "generic", "theirs", "--from-literal=a=b").returncode == 0
    wait = ("wait", "--for=create", "serviceaccount/default", "--timeout=60s")
    for namespace in ("jenkins", "ci-old", "default"):
        assert made.kubectl("-n", namespace, *wait).returncode == 0
    return made

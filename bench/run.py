"""One size: `site.yml` twice on a fresh API server, then kubectl with the same objects on another fresh one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from bench.measure import Cost, measure
from bench.objects import export
from testbed.apiserver import ApiServer
from testbed.tools import tool

ROOT = Path(__file__).resolve().parents[1]
CONTROLLER_NAMESPACE = "jenkins"


@dataclass(frozen=True)
class Result:
    """What one number of tenants cost.

    `first` and `second` are runs of site.yml; `kubectl` and `kubectl_again` apply the same objects.
    """

    tenants: int
    objects: int
    first: Cost
    second: Cost
    kubectl: Cost
    kubectl_again: Cost


def inventory(tenants: int, folder: Path) -> Path:
    """Writes an inventory with that many tenants, each with every kind of object that a tenant can have."""
    names = [f"team-{number:04d}" for number in range(1, tenants + 1)]
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "agent_templates_helm": str(tool("helm")),
        "buildkeep_tenants": [
            {
                "name": name,
                "images": [f"registry.example/{name}/"],
                "push": f"registry.example/{name}",
                "limits": {"pods": 10, "cpu": "4", "memory": "8Gi"},
            }
            for name in names
        ],
    }
    path = folder / "hosts.yml"
    path.write_text(yaml.safe_dump({"buildkeep": {"hosts": {"localhost": variables}}}), encoding="utf-8")
    return path


@contextmanager
def fresh_server() -> Iterator[dict[str, str]]:
    """A new API server with the controller's namespace; yields the environment of its administrator."""
    with ApiServer() as server:
        kubeconfig = str(server.kubeconfig("admin"))
        env = {**os.environ, "KUBECONFIG": kubeconfig, "K8S_AUTH_KUBECONFIG": kubeconfig, "LC_ALL": "C.UTF-8"}
        command = [str(tool("kubectl")), "create", "namespace", CONTROLLER_NAMESPACE]
        subprocess.run(command, env=env, check=True, capture_output=True)
        yield env


def site(inventory_path: Path, env: Mapping[str, str], log: Path) -> Cost:
    """One run of site.yml."""
    playbook = str(Path(sys.executable).parent / "ansible-playbook")
    return measure([playbook, "-i", str(inventory_path), "site.yml"], env, log, ROOT)


def kubectl(objects: Path, env: Mapping[str, str], log: Path) -> Cost:
    """One server-side apply of a file of objects."""
    command = [str(tool("kubectl")), "apply", "--server-side", "--force-conflicts", "--filename", str(objects)]
    return measure(command, env, log, ROOT)


def run(tenants: int, folder: Path) -> Result:
    """Measures one number of tenants; logs and the objects stay in `folder`."""
    objects = folder / "objects.json"
    with fresh_server() as env:
        path = inventory(tenants, folder)
        first = site(path, env, folder / "first.log")
        second = site(path, env, folder / "second.log")
        count = export(tool("kubectl"), env, objects)
    with fresh_server() as env:
        plain = kubectl(objects, env, folder / "kubectl.log")
        again = kubectl(objects, env, folder / "kubectl-again.log")
    return Result(tenants, count, first, second, plain, again)

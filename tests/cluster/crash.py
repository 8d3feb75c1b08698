"""Containers of the cluster's node that die as in a crash: killed by their id, no word said to them."""

from __future__ import annotations

from datetime import datetime
from http.client import HTTPException

from testbed import cluster
from testbed.attacks.api import Api
from testbed.attacks.stage import namespace_path
from testbed.attacks.waiting import wait
from testbed.progress import Progress

API_SERVER = ("kube-system", "kube-apiserver")
CONTROLLER = ("jenkins", "jenkins")
# The API server's clients on the control plane, whose leases say that they have found it again.
LEADERS = ("kube-controller-manager", "kube-scheduler")
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
BACK_SECONDS = 120

KILL = """
wanted='labels."io.kubernetes.pod.namespace"=={namespace},labels."io.kubernetes.container.name"=={container}'
running=$(ctr --namespace k8s.io tasks list | awk '$3 == "RUNNING" {{print $1}}')
for id in $(ctr --namespace k8s.io containers list --quiet "$wanted"); do
  case "$running" in *"$id"*) ctr --namespace k8s.io tasks kill --signal SIGKILL "$id"; echo "$id";; esac
done
"""


def kill(namespace: str, container: str, then: str = "") -> None:
    """Kills the one running container of that name; the kubelet makes another, in a second or later.

    Args:
        namespace: its pod's.
        container: its name.
        then: a shell command that the node runs at once after it.

    Raises:
        AssertionError: there is none, or more than one.
    """
    this = cluster.named()
    with Progress(1).step(f"kill the container {container}", 1) as step:
        killed = this.exec(step, KILL.format(namespace=namespace, container=container) + then).split()
    assert len(killed) == 1, killed


def forgetful_controller(admin: Api) -> None:
    """Kills Jenkins' controller and takes away what it has written down, as if its home were lost."""
    (pod,) = admin.must("GET", f"{namespace_path('jenkins')}/pods?labelSelector=app.kubernetes.io/name=jenkins")[
        "items"
    ]
    folder = f"/var/lib/kubelet/pods/{pod['metadata']['uid']}/volumes/kubernetes.io~empty-dir/state"
    kill(*CONTROLLER, then=f"find {folder} -mindepth 1 -delete")


def answers(admin: Api) -> bool:
    """Whether the API server is ready."""
    try:
        return admin.ask("GET", "/readyz").ok
    except (OSError, HTTPException):
        return False


def restart_api_server(admin: Api) -> None:
    """Kills the API server and waits until a new one serves, and its first clients have found it.

    Raises:
        TimeoutError: it did not come back.
    """
    kill(*API_SERVER)
    wait(lambda: answers(admin), BACK_SECONDS, "the API server to be back")
    last = renewed(admin)
    wait(lambda: all(time > last[name] for name, time in renewed(admin).items()), BACK_SECONDS, f"{LEADERS} to be back")


def renewed(admin: Api) -> dict[str, datetime]:
    """When the holders of the control plane's leases last renewed them."""
    found = {name: admin.must("GET", f"{LEASES}/{name}")["spec"]["renewTime"] for name in LEADERS}
    return {name: datetime.fromisoformat(time) for name, time in found.items()}

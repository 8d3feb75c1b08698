"""Builds under seccomp profiles of their own: one pod a builder, in it one container a profile."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profile

from testbed import cluster
from testbed.attacks.api import Api
from testbed.attacks.stage import namespace_path
from testbed.attacks.waiting import wait
from testbed.progress import Progress

# Below the kubelet's folder `seccomp`; not ours on other nodes, so that nothing else takes a file of it away.
FOLDER = "buildkeep-test"
ON_NODE = f"/var/lib/kubelet/seccomp/{FOLDER}"
BUSYBOX = "ghcr.io/osscontainertools/kaniko:v1.28.3-debug"
# The step tries what root can do in a chroot that is nothing but that: under a second one, with a folder outside of it
# still open, it climbs above the first, to the builder's own files.
STEP = """\
exec 3</
if /bin/busybox chroot /proc /self/fd/3/bin/busybox cat /self/fd/3/../../../../../../../../../context/Dockerfile
then echo THE STEP LEFT ITS ROOT FOLDER
exit 1
fi
"""
DOCKERFILE = f"""\
FROM scratch
COPY busybox /bin/busybox
RUN {json.dumps(["/bin/busybox", "sh", "-c", STEP])}
"""
SECONDS = 300


@dataclass(frozen=True)
class Ended:
    """How a container ended: its exit code, and its log."""

    code: int
    log: str


def on_node(script: str, feed: str = "") -> None:
    """Runs a shell script in the node of the cluster."""
    this = cluster.named()
    words = [this.engine.command, "exec", "-i", this.node, "sh", "-ec", script]
    with Progress(1).step("seccomp profiles on the node", 1) as step:
        step.run(words, env=this.engine.environment, feed=feed)


def put(files: Mapping[str, str]) -> None:
    """Puts profiles on the node, by their names without `.json`."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"{name}.json")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    script = f"mkdir -p {ON_NODE}; base64 -d | tar -x -C {ON_NODE}"
    on_node(script, base64.b64encode(packed.getvalue()).decode())


def take_away() -> None:
    """Takes all of them away again."""
    on_node(f"rm -rf {ON_NODE}")


def container(profile: Profile, name: str, localhost: str, build: str, files: list[str]) -> dict[str, Any]:
    """One container with the builder's rights, under the profile of that file on the node; "" is RuntimeDefault."""
    mounts = [{"name": "context", "mountPath": "/context", "readOnly": True}]
    mounts += [{"name": f"{name}-{volume}", "mountPath": one.path} for volume, one in profile.volumes.items()]
    mounts += [{"name": "files", "mountPath": path, "subPath": "empty"} for path in files]
    seccomp = {"type": "Localhost", "localhostProfile": f"{FOLDER}/{localhost}.json"}
    return {
        "name": name,
        "image": profile.image,
        "workingDir": "/context",
        "command": ["sh", "-c", build],
        "env": [{"name": key, "value": value} for key, value in profile.env.items()],
        "securityContext": {
            "runAsUser": profile.run_as_user,
            "runAsGroup": profile.run_as_group,
            "allowPrivilegeEscalation": profile.allow_privilege_escalation,
            "capabilities": {"drop": ["ALL"], "add": list(profile.capabilities_add)},
            "seccompProfile": seccomp if localhost else {"type": "RuntimeDefault"},
        },
        "volumeMounts": mounts,
    }


def pod(profile: Profile, containers: list[dict[str, Any]]) -> dict[str, Any]:
    """The builder's pod; an init container lays out the build's context, and an empty file."""
    script = f"cd /context; cp /busybox/busybox .; cat >Dockerfile <<'END'\n{DOCKERFILE}END\n: >/files/empty"
    mounts = [{"name": name, "mountPath": f"/{name}"} for name in ("context", "files")]
    own = [f"{one['name']}-{volume}" for one in containers for volume in profile.volumes]
    return {
        "metadata": {"generateName": f"{profile.name}-"},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            # As in Jenkins, where the checkout belongs to the agent's user.
            "securityContext": {"runAsUser": 1000, "runAsGroup": 1000},
            "initContainers": [{"name": "context", "image": BUSYBOX, "command": ["/busybox/sh", "-ec", script],
                                "volumeMounts": mounts}],
            "containers": containers,
            "volumes": [{"name": name, "emptyDir": {}} for name in ("context", "files", *own)],
        },
    }  # fmt: skip


def start(admin: Api, namespace: str, body: dict[str, Any]) -> str:
    """Creates a pod; returns its path."""
    made = admin.must("POST", f"{namespace_path(namespace)}/pods", body)
    return f"{namespace_path(namespace)}/pods/{made['metadata']['name']}"


def ended(admin: Api, path: str) -> dict[str, Ended]:
    """How each container of a pod ended, after waiting for all."""

    def codes() -> dict[str, int]:
        status = admin.must("GET", path)["status"]
        assert status["phase"] != "Failed" or "containerStatuses" in status, status
        states = {one["name"]: one["state"] for one in status.get("containerStatuses", [])}
        stuck = [one["waiting"] for one in states.values() if "message" in one.get("waiting", {})]
        assert not stuck, stuck
        done = {name: one["terminated"]["exitCode"] for name, one in states.items() if "terminated" in one}
        return done if states and len(done) == len(states) else {}

    found = wait(codes, SECONDS, f"the containers of {path} to end")
    return {name: Ended(code, admin.text(f"{path}/log?container={name}")) for name, code in found.items()}

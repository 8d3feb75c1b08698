"""Runs images in the cluster, as pods that belong to no tenant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from testbed.attacks.api import Api
from testbed.attacks.stage import namespace_path
from testbed.attacks.waiting import wait

RUN_SECONDS = 180


def run(admin: Api, namespace: str, image: str, command: Sequence[str] = (), **container: Any) -> str:
    """Runs an image as a pod to its end, as whoever the image says; returns what it printed.

    `container` are further fields of the container, such as `securityContext`; each of its `volumeMounts` gets an
    empty folder.

    Raises:
        AssertionError: it cannot be pulled, or fails.
        TimeoutError: it has not ended within RUN_SECONDS.
    """
    fields: Mapping[str, Any] = {**({"command": list(command)} if command else {}), **container}
    volumes = [{"name": mount["name"], "emptyDir": {}} for mount in fields.get("volumeMounts", ())]
    spec = {"restartPolicy": "Never", "automountServiceAccountToken": False, "volumes": volumes,
            "containers": [{"name": "main", "image": image, **fields}]}  # fmt: skip
    made = admin.must("POST", f"{namespace_path(namespace)}/pods", {"metadata": {"generateName": "run-"}, "spec": spec})
    path = f"{namespace_path(namespace)}/pods/{made['metadata']['name']}"

    def ended() -> Any:
        status = admin.must("GET", path)["status"]
        waiting = status.get("containerStatuses", [{}])[0].get("state", {}).get("waiting", {})
        assert waiting.get("reason") not in ("ErrImagePull", "ImagePullBackOff", "CreateContainerConfigError"), waiting
        return status["phase"] if status["phase"] in ("Succeeded", "Failed") else None

    phase = wait(ended, RUN_SECONDS, f"{image} to end")
    log = admin.text(f"{path}/log")
    assert phase == "Succeeded", log
    return log

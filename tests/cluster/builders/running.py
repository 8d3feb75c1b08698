"""Runs what was built: all images as containers of one pod, each as whoever it says, with its own command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from testbed.attacks.api import Api
from testbed.attacks.stage import namespace_path
from testbed.attacks.waiting import wait
from tests.cluster.builders.cases import GREETING

RUN_SECONDS = 120
HOPELESS = ("ErrImagePull", "ImagePullBackOff", "CreateContainerError", "RunContainerError")
# How many names the files of /opt/links and of /opt/kept have, two each. Where a later layer has one of the names anew,
# overlayfs goes on to count it for the other.
NAMES = {"kaniko": "2 2 1 1", "buildah": "2 2 2 2"}
OTHERS = "1 2 2 2"
# What the second name shows after the file was changed by the first: see limits.yaml.
SECOND = {"kaniko": ("original", "changed"), "buildah": ("original", "changed")}


def run(admin: Api, namespace: str, images: Mapping[str, str]) -> Mapping[str, str]:
    """What each image prints, by the container's name; the namespace belongs to no tenant.

    Raises:
        AssertionError: one could not be started, or failed.
        TimeoutError: one has not ended within RUN_SECONDS.
    """
    containers = [{"name": name, "image": image} for name, image in images.items()]
    pod = {"metadata": {"name": "builders"}, "spec": {"restartPolicy": "Never", "containers": containers}}
    admin.must("POST", f"{namespace_path(namespace)}/pods", pod)
    path = f"{namespace_path(namespace)}/pods/builders"

    def ended() -> Any:
        status = admin.must("GET", path)["status"]
        for each in status.get("containerStatuses", ()):
            waiting = each["state"].get("waiting", {})
            assert waiting.get("reason") not in HOPELESS, f"{each['name']}: {waiting}"
        return status["phase"] in ("Succeeded", "Failed") and status

    status = wait(ended, RUN_SECONDS, "the images to end")
    said = {name: admin.text(f"{path}/log?container={name}") for name in images}
    codes = {each["name"]: each["state"]["terminated"]["exitCode"] for each in status["containerStatuses"]}
    assert not any(codes.values()), f"exit codes: {codes}; printed: {said}"
    return said


def greeting(builder: str) -> list[str]:
    """The lines that the image of the case `everything` prints (contexts/everything/greet)."""
    return [
        f"{GREETING}, the whole world (--loud)",
        "2345:2345 in /srv/app/work, PATH begins with /srv/app/bin",
        *("/srv/app/work", "app", "2345", "/srv/app", GREETING, "run as a list", "0"),
        "777 0:0 symbolic link /opt/links/dangling",
        "644 0:0 regular file /opt/links/first",
        "2770 0:2345 directory /opt/links/group",
        "6755 0:0 regular file /opt/links/mode",
        "600 2345:2345 regular file /opt/links/own",
        "644 0:0 regular file /opt/links/second",
        "1777 0:0 directory /opt/links/sticky",
        "777 2345:2345 symbolic link /opt/links/third",
        "755 3456:0 regular file /srv/app/bin/greet",
        "755 2345:2345 regular file /srv/app/words/two",
        "644 12:34 regular file /opt/numbers/one",
        NAMES.get(builder, OTHERS),
        *SECOND.get(builder, ("original",)),
        *("original", "changed", "kept"),
        "4567:34 changed",
    ]

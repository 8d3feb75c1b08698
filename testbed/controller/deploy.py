"""Puts the stand-in controller into a cluster and waits until it serves."""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from testbed.errors import TestbedError
from testbed.tools import tool

NAMESPACE = "jenkins"
NAME = "jenkins"
TOKEN_SECRET = "jenkins-api"  # noqa: S105 - a Secret's name
CREDENTIALS_SECRET = "jenkins-credentials"  # noqa: S105 - a Secret's name
READY_SECONDS = 120
MANIFESTS = Path(__file__).parent / "manifests"
ORDER = ("namespace", "serviceaccount", "role", "rolebinding", "service", "deployment")


def manifests(image: str) -> list[dict[str, Any]]:
    """The controller's objects but its token, in the order in which they are applied."""
    objects = [yaml.safe_load((MANIFESTS / f"{name}.yaml").read_text()) for name in ORDER]
    objects[-1]["spec"]["template"]["spec"]["containers"][0]["image"] = image
    return objects


def deploy(kubeconfig: Path, image: str) -> None:
    """Applies the controller's objects and waits until it is ready; a second time changes nothing.

    Args:
        kubeconfig: of an administrator.
        image: the controller's image, a full reference that the cluster's nodes can pull.

    Raises:
        TestbedError: the cluster refused something, or the controller did not become ready.
    """
    objects = manifests(image)
    _apply(kubeconfig, objects[:1])
    if not api_token(kubeconfig):
        _apply(kubeconfig, [_secret(TOKEN_SECRET, {"token": secrets.token_hex(32)})])
    if not _data(kubeconfig, CREDENTIALS_SECRET):
        _apply(kubeconfig, [_secret(CREDENTIALS_SECRET, credentials())])
    _apply(kubeconfig, objects[1:])
    rollout = ("rollout", "status", f"deployment/{NAME}", f"--namespace={NAMESPACE}", f"--timeout={READY_SECONDS}s")
    _kubectl(kubeconfig, rollout)


def api_token(kubeconfig: Path) -> str:
    """What whoever starts builds must send; '' when there is no controller.

    Raises:
        TestbedError: the cluster does not answer.
    """
    token = _data(kubeconfig, TOKEN_SECRET).get("token", "")
    return base64.b64decode(token).decode()


def credentials() -> dict[str, str]:
    """Credentials of two folders, random, by `<folder>.<id>.<key>`; the Deployment says where their files are."""
    return {
        "shop.registry.username": "robot",
        "shop.registry.password": secrets.token_hex(16),
        "shop.token.text": secrets.token_hex(16),
        "blog.token.text": secrets.token_hex(16),
    }


def _data(kubeconfig: Path, secret: str) -> dict[str, str]:
    """What a Secret holds, encoded; nothing when there is none."""
    words = ("get", "secret", secret, f"--namespace={NAMESPACE}", "--ignore-not-found", "--output=json")
    found = _kubectl(kubeconfig, words)
    return dict(json.loads(found)["data"]) if found.strip() else {}


def _secret(name: str, data: dict[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}


def _apply(kubeconfig: Path, objects: Sequence[dict[str, Any]]) -> None:
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    _kubectl(kubeconfig, ("apply", "--server-side", "--force-conflicts", "--field-manager=testbed", "-f", "-"), listed)


def _kubectl(kubeconfig: Path, words: Sequence[str], feed: str | None = None) -> str:
    command = [str(tool("kubectl")), f"--kubeconfig={kubeconfig}", *words]
    done = subprocess.run(command, input=feed, capture_output=True, text=True)
    if done.returncode:
        remedy = f"See the controller's log: kubectl --kubeconfig={kubeconfig} -n {NAMESPACE} logs deployment/{NAME}"
        raise TestbedError(f"kubectl {' '.join(words[:3])}: {done.stderr.strip()}", remedy=remedy)
    return done.stdout

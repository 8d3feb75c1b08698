"""The user and password of the registry that demands them: random for each cluster, kept in its state folder."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed import paths, system
from testbed.certificates import RESTRICTED_HOST
from testbed.errors import TestbedError
from testbed.progress import Step

FILE = "credentials.json"
SECRET = "registry-credentials"  # noqa: S105 - a Secret's name
USER_BYTES, PASSWORD_BYTES = 4, 24


@dataclass(frozen=True)
class Credentials:
    """What the registry `host` wants to be shown."""

    host: str
    user: str
    password: str

    @property
    def docker_config(self) -> dict[str, Any]:
        """The contents of a config.json of Docker's kind."""
        pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return {"auths": {self.host: {"auth": pair}}}


def make(folder: Path, step: Step) -> None:
    """Writes credentials.json and htpasswd into `folder` (readable by the owner alone), unless they are there.

    The password is handed to htpasswd by its standard input, so that no list of processes shows it.
    """
    if (folder / FILE).exists() and (folder / "htpasswd").exists():
        return
    system.require(system.PASSWORDS, step)
    made = Credentials(RESTRICTED_HOST, f"user-{secrets.token_hex(USER_BYTES)}", secrets.token_urlsafe(PASSWORD_BYTES))
    hashed = step.run(["htpasswd", "-n", "-i", "-B", made.user], feed=made.password)
    for name, text in {FILE: json.dumps(vars(made)), "htpasswd": hashed.strip() + "\n"}.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(text)


def read(cluster: str | None = None) -> Credentials:
    """The credentials of a running cluster (default: `paths.cluster_name()`).

    Raises:
        TestbedError: it has none, since it is not up.
    """
    file = paths.state(cluster or paths.cluster_name()) / FILE
    if not file.exists():
        raise TestbedError(f"{file} is missing", remedy="Run python -m testbed up.")
    return Credentials(**json.loads(file.read_text()))


def secret(namespace: str, credentials: Credentials, name: str = SECRET) -> dict[str, Any]:
    """The Secret that gives a tenant's builds these credentials: `kubernetes.io/dockerconfigjson`."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": json.dumps(credentials.docker_config)},
    }

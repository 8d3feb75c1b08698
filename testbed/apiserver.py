"""A bare API server: etcd and kube-apiserver with its real admission, on loopback, and nothing else.

No controllers run beside it: nothing makes a namespace's ServiceAccounts or starts a pod. It is up in a few seconds.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from testbed import tools
from testbed.errors import LAST_LINES, TestbedError

ADMIN = "admin"
START_SECONDS = 90.0
STOP_SECONDS = 20.0
_DYING = ("fatal error: ", "panic: ", "SIGABRT: ")


def command(version: str) -> str:
    """The command of the API server of a version, as `1.30`; the newest for an empty one.

    Raises TestbedError for a version that the testbed cannot make.
    """
    if not version:
        return "kube-apiserver"
    if version not in tools.OLD_SERVERS:
        remedy = f"Name one of {', '.join(tools.OLD_SERVERS)}, or none for the newest."
        raise TestbedError(f"There is no API server of version {version} here.", remedy=remedy)
    return f"kube-apiserver-{version}"


class ApiServer:
    """A running API server; use as a context manager.

    Args:
        users: groups by user name. Each gets a token of its own; `admin` (in system:masters) is always there. RBAC
            decides what the others may do, so most need a ClusterRoleBinding first.
        flags: more flags for kube-apiserver, a version's own admission plugins for one.
        version: `1.24` or `1.30` (tools.OLD_SERVERS); the newest if empty.
        durable: whether etcd waits for the disk, as one does whose data matters.
    """

    def __init__(
        self,
        users: Mapping[str, Sequence[str]] | None = None,
        flags: Sequence[str] = (),
        version: str = "",
        *,
        durable: bool = False,
    ) -> None:
        """Prepare; entering the context starts it."""
        self._command = command(version)
        self._users = {ADMIN: ["system:masters"], **(users or {})}
        self._tokens = {name: secrets.token_hex(16) for name in self._users}
        self._flags = flags
        self._durability = () if durable else ("--unsafe-no-fsync",)
        self._processes = contextlib.ExitStack()
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._folder = Path()
        self.port = 0

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca(self) -> Path:
        """Its own certificate, which it signed itself."""
        return self._folder / "certs" / "apiserver.crt"

    def token(self, user: str = ADMIN) -> str:
        """The bearer token of a user given at the start."""
        return self._tokens[user]

    def kubeconfig(self, user: str = ADMIN) -> Path:
        """Write a kubeconfig for a user given at the start; it goes away with the server."""
        path = self._folder / f"kubeconfig-{user.replace(':', '-').replace('/', '-')}"
        cluster = {"server": self.url, "certificate-authority": str(self.ca)}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": user,
            "clusters": [{"name": "bare", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": self._tokens[user]}}],
            "contexts": [{"name": user, "context": {"cluster": "bare", "user": user}}],
        }
        path.write_text(json.dumps(config), encoding="utf-8")
        path.chmod(0o600)
        return path

    def __enter__(self) -> ApiServer:
        """Start both processes and wait until the API server says that it is ready."""
        self._running.clear()
        with contextlib.ExitStack() as stack:
            # The folder's lifetime encloses that of the processes: callbacks run last in, first out.
            self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="buildkeep-api-")))
            client, peer, self.port = _free_ports(3)
            self._write_secrets()
            self._run(stack, "etcd", [
                f"--data-dir={self._folder / 'etcd'}", *self._durability, "--log-level=warn",
                f"--listen-client-urls=http://127.0.0.1:{client}", f"--advertise-client-urls=http://127.0.0.1:{client}",
                f"--listen-peer-urls=http://127.0.0.1:{peer}", f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
                f"--initial-cluster=default=http://127.0.0.1:{peer}",
            ])  # fmt: skip
            server = self._run(stack, self._command, [
                f"--etcd-servers=http://127.0.0.1:{client}", f"--secure-port={self.port}", "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
                f"--cert-dir={self._folder / 'certs'}", "--service-cluster-ip-range=10.96.0.0/24",
                "--authorization-mode=RBAC", "--allow-privileged",
                f"--token-auth-file={self._folder / 'tokens.csv'}", "--service-account-issuer=https://bare.invalid",
                f"--service-account-key-file={self._folder / 'accounts.key'}",
                f"--service-account-signing-key-file={self._folder / 'accounts.key'}", *self._flags,
            ])  # fmt: skip
            self._wait(server)
            self._processes = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """End both processes and remove their folder.

        Raises TestbedError if one had ended before, with its exit code and the end of its log: all that asked it
        afterwards was told no more than that the connection was refused.
        """
        ended = [
            self._last_words(name, f"{name} ended by itself with code {process.returncode}")
            for name, process in self._running
            if process.poll() is not None
        ]
        self._running.clear()
        self._processes.close()
        if ended:
            raise TestbedError("\n".join(ended), remedy="Run it again; if it ends once more, look at what it says.")

    def _last_words(self, name: str, what: str) -> str:
        log = (self._folder / f"{name}.log").read_text(encoding="utf-8", errors="replace").splitlines()
        # Go says first why it ends, and then what every goroutine did, in thousands of lines.
        said = next((number for number, line in enumerate(log) if line.startswith(_DYING)), len(log) - LAST_LINES)
        return "\n".join([f"{what}; the end of its log:", *log[max(said, 0) :][:LAST_LINES]])

    def _write_secrets(self) -> None:
        rows = [f'{self._tokens[name]},{name},{name},"{",".join(groups)}"' for name, groups in self._users.items()]
        files = {
            "tokens.csv": "\n".join(rows).encode(),
            "accounts.key": rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        }
        for name, content in files.items():
            (self._folder / name).touch(mode=0o600)
            (self._folder / name).write_bytes(content)

    def _run(self, stack: contextlib.ExitStack, name: str, flags: Sequence[str]) -> subprocess.Popen[bytes]:
        with (self._folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [tools.tool(name), *flags], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder
            )
        stack.callback(_stop, process)
        self._running.append((name, process))
        return process

    def _wait(self, server: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + START_SECONDS
        while True:
            if server.poll() is not None or time.monotonic() > until:
                # Its folder goes away with this error, so the end of the log travels in the message.
                raise TestbedError(
                    self._last_words(self._command, f"{self._command} did not become ready"),
                    remedy="If a port was taken meanwhile, run the same command again.",
                )
            try:
                # Written by the server at its start, so not there in the first moments.
                context = ssl.create_default_context(cafile=str(self.ca))
                with urllib.request.urlopen(f"{self.url}/readyz", context=context, timeout=2):  # noqa: S310 - https
                    return
            except (OSError, urllib.error.URLError):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    server.wait(timeout=0.1)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

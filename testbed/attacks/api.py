"""A small HTTP client for the API server: the standard library only, so that what is sent is what is written here."""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from testbed.attacks.answers import Answer

PATCH_TYPES: Mapping[str, str] = {"PATCH": "application/strategic-merge-patch+json"}
SECONDS = 30


@dataclass(frozen=True)
class Api:
    """The API server as one identity sees it.

    Args:
        server: its URL.
        tls: trust in its certificate, with the client certificate where that is the identity.
        token: a bearer token; empty where a client certificate is the identity.
    """

    server: str
    tls: ssl.SSLContext
    token: str = ""
    anonymous_tls: ssl.SSLContext | None = None

    def as_bearer(self, token: str) -> Api:
        """The same server, seen with a token and without any client certificate."""
        return replace(self, tls=self.anonymous_tls or self.tls, token=token)

    def call(self, verb: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One request.

        Args:
            verb: HTTP method.
            path: from `/`, with its query.
            body: plain data, sent as JSON (a PATCH as a strategic merge patch).

        Returns:
            The HTTP status and the decoded answer. Statuses of 400 and above do not raise.

        Raises:
            OSError: the server cannot be reached.
        """
        status, raw = self._send(verb, path, None if body is None else json.dumps(body).encode())
        return status, _decode(raw)

    def text(self, path: str) -> str:
        """What is served as plain text, such as a container's log.

        Raises:
            RuntimeError: the server refused it; its words are in the message.
        """
        status, raw = self._send("GET", path, None)
        if status >= 400:
            raise RuntimeError(f"GET {path}: {status} {message(_decode(raw))}")
        return raw.decode(errors="replace")

    def _send(self, verb: str, path: str, data: bytes | None) -> tuple[int, bytes]:
        headers = {"Accept": "application/json, */*", "Content-Type": PATCH_TYPES.get(verb, "application/json")}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(self.server + path, data, headers, method=verb)  # noqa: S310 (https, checked)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS, context=self.tls) as answer:  # noqa: S310
                return answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read()

    def ask(self, verb: str, path: str, body: Any = None) -> Answer:
        """One request as a question: may I? See `call`."""
        status, answer = self.call(verb, path, body)
        return Answer(status < 400, "" if status < 400 else message(answer))

    def must(self, verb: str, path: str, body: Any = None) -> Any:
        """One request that has to work; see `call`.

        Raises:
            RuntimeError: the server refused it; its words are in the message.
        """
        status, answer = self.call(verb, path, body)
        if status >= 400:
            raise RuntimeError(f"{verb} {path}: {status} {message(answer)}")
        return answer


def _decode(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return {"message": raw.decode(errors="replace")}


def message(answer: Any) -> str:
    """The words of a Status object."""
    return str(answer.get("message", answer)) if isinstance(answer, dict) else str(answer)


def from_kubeconfig(path: Path) -> Api:
    """The server of a kubeconfig's current context, with that context's own identity.

    Raises:
        OSError, KeyError, StopIteration: the file is missing or is no such kubeconfig.
        ValueError: the server is not reached by HTTPS.
    """
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    context = _named(config["contexts"], config["current-context"])["context"]
    cluster = _named(config["clusters"], context["cluster"])["cluster"]
    user = _named(config["users"], context["user"])["user"]
    if not cluster["server"].startswith("https://"):
        raise ValueError(f"{path}: the server has to be an https address: {cluster['server']}")
    tls, anonymous = (_trust(cluster, path.parent) for _ in range(2))
    with tempfile.TemporaryDirectory() as folder:
        files = [_material(user, f"client-{part}", path.parent, Path(folder)) for part in ("certificate", "key")]
        if files[0] and files[1]:
            tls.load_cert_chain(files[0], files[1])
    return Api(cluster["server"].rstrip("/"), tls, user.get("token", ""), anonymous)


def _named(items: Any, name: str) -> Any:
    return next(item for item in items if item["name"] == name)


def _trust(cluster: Mapping[str, str], home: Path) -> ssl.SSLContext:
    data = cluster.get("certificate-authority-data")
    pem = base64.b64decode(data).decode() if data else (home / cluster["certificate-authority"]).read_text()
    return ssl.create_default_context(cadata=pem)


def _material(user: Mapping[str, str], key: str, home: Path, folder: Path) -> Path | None:
    """A file with a user's certificate or key, which the ssl module only reads from files."""
    if data := user.get(f"{key}-data"):
        file = folder / key
        file.touch(mode=0o600)
        file.write_bytes(base64.b64decode(data))
        return file
    return home / user[key] if key in user else None

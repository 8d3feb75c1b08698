"""A small client for the bare API server: one kept connection, answers as plain data."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from testbed.apiserver import ApiServer

Object = dict[str, Any]
WAIT_SECONDS = 30.0
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"


@dataclass(frozen=True)
class Answer:
    """What the API server said: the HTTP status, the body, and the texts of Warning headers."""

    status: int
    body: Object
    warnings: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the request was admitted."""
        return self.status < 300

    @property
    def message(self) -> str:
        """The sentence of a refusal."""
        return str(self.body.get("message", ""))

    def done(self) -> Object:
        """The body of a request that must succeed."""
        assert self.ok, self.message[-2000:]
        return self.body


class Api:
    """Speaks as the administrator, or as whom the administrator impersonates."""

    def __init__(self, server: ApiServer, user: str = "", groups: Sequence[str] = ()) -> None:
        self._server = server
        self._headers = {"Authorization": f"Bearer {server.token()}", "Accept": "application/json"}
        self._impersonated = [("Impersonate-User", user)] if user else []
        self._impersonated += [("Impersonate-Group", group) for group in groups]
        context = ssl.create_default_context(cafile=str(server.ca))
        self._connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=60)

    @property
    def kubeconfig(self) -> str:
        """A file with which the product reaches the same server as its administrator."""
        return str(self._server.kubeconfig())

    def user(self, name: str, *groups: str) -> Api:
        """The same server, as somebody else."""
        return Api(self._server, name, [*groups, "system:authenticated"])

    def account(self, namespace: str, name: str) -> Api:
        """The same server, as a ServiceAccount."""
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
        return self.user(f"system:serviceaccount:{namespace}:{name}", *groups)

    def request(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Answer:
        """Send one request; a kept connection that the server closed meanwhile is opened once more."""
        try:
            response = self._sent(method, path, body, kind)
        except (ConnectionError, ssl.SSLEOFError):
            # The server ends one that nobody used for a while.
            self._connection.close()
            response = self._sent(method, path, body, kind)
        text = response.read()
        warnings = tuple(response.headers.get_all("Warning") or ())
        is_json = "json" in (response.headers.get("Content-Type") or "")
        return Answer(response.status, json.loads(text) if is_json else {"message": text.decode()}, warnings)

    def _sent(self, method: str, path: str, body: Any, kind: str) -> http.client.HTTPResponse:
        self._connection.putrequest(method, path)
        data = b"" if body is None else json.dumps(body).encode()
        for name, value in [*self._headers.items(), *self._impersonated]:
            self._connection.putheader(name, value)
        self._connection.putheader("Content-Type", kind)
        self._connection.putheader("Content-Length", str(len(data)))
        self._connection.endheaders(data)
        return self._connection.getresponse()

    def create(self, path: str, body: Mapping[str, Any], *, dry: bool = False) -> Answer:
        """POST, as a dry run if asked."""
        return self.request("POST", path + ("?dryRun=All" if dry else ""), body)

    def patch(self, path: str, body: Any, *, dry: bool = False) -> Answer:
        """Merge a change into an object."""
        return self.request("PATCH", path + ("?dryRun=All" if dry else ""), body, "application/merge-patch+json")

    def pod(self, namespace: str, pod: Mapping[str, Any], *, dry: bool = True) -> Answer:
        """Create a pod."""
        return self.create(f"/api/v1/namespaces/{namespace}/pods", pod, dry=dry)


def until(question: Callable[[], Answer], wanted: Callable[[Answer], bool], seconds: float = WAIT_SECONDS) -> Answer:
    """Ask again until the answer is the wanted one; the last answer is in the failure."""
    end = time.monotonic() + seconds
    while not wanted(answer := question()):
        assert time.monotonic() < end, f"still not after {seconds:.0f} s: {answer}"
    return answer

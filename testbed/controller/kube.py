"""The calls that the controller makes to the API server: the only file here that imports `kubernetes`.

Pods are sent and read as plain JSON, so that what a Jenkinsfile asks for reaches the API server as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import kubernetes.client
import kubernetes.config
import urllib3
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream

from testbed.controller import remotecommand

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
Object = dict[str, Any]


class ApiError(Exception):
    """The API server's answer was no. `message` is its own; `status` is 0 when there was no answer."""

    def __init__(self, method: str, url: str, status: int, message: str, reason: str = "") -> None:
        """Keeps the parts; str() is as the Java client that Jenkins uses words it."""
        self.status, self.message, self.reason = status, message, reason
        received = (f"Received status: Status(apiVersion=v1, code={status}, kind=Status, message={message},"
                    f" reason={reason}, status=Failure).")  # fmt: skip
        super().__init__(f"Failure executing: {method} at: {url}. Message: {message}. {received}")


class Cluster(Protocol):
    """What a build needs from the API server. Every method raises ApiError when the answer is no."""

    def configmaps(self, namespace: str, selector: str) -> list[Object]:
        """The ConfigMaps with these labels."""

    def create_pod(self, namespace: str, pod: Mapping[str, Any]) -> Object:
        """Creates a pod."""

    def pod(self, namespace: str, name: str) -> Object:
        """A pod as it is now."""

    def delete_pod(self, namespace: str, name: str) -> None:
        """Deletes a pod, which may be gone already."""

    def watch(self, namespace: str, kind: str, selector: str, seconds: int) -> Iterator[Object]:
        """Lists, then watches `pods` or `events` by field selector for some seconds: `{type, object}`."""

    def log(self, namespace: str, name: str, container: str, lines: int) -> str:
        """The last lines of a container's log."""

    def run(self, namespace: str, name: str, container: str, argv: Sequence[str], sink: Callable[[bytes], None],
            interrupted: Callable[[], bool]) -> int:  # fmt: skip
        """Runs a command in a container, gives its output to `sink`, answers the exit code."""


class Kube:
    """`Cluster` by way of the credentials of this pod's ServiceAccount, or of those in a configuration."""

    def __init__(self, configuration: kubernetes.client.Configuration | None = None) -> None:
        """Without a configuration reads the ServiceAccount's token, which the client reads anew before it runs out."""
        if configuration is None:
            kubernetes.config.load_incluster_config()
            configuration = kubernetes.client.Configuration.get_default_copy()
        self._configuration = configuration
        self._pool = kubernetes.client.ApiClient(self._configuration).rest_client.pool_manager

    def _request(self, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None,
                 read: float = READ_SECONDS, whole: bool = True) -> urllib3.BaseHTTPResponse:  # fmt: skip
        url = f"{self._configuration.host}{path}"
        headers = {"Authorization": self._configuration.get_api_key_with_prefix("BearerToken") or "",
                   "Accept": "application/json", "Content-Type": "application/json"}  # fmt: skip
        try:
            response: urllib3.BaseHTTPResponse = self._pool.request(
                method, f"{url}?{urlencode(query)}" if query else url, headers=headers, preload_content=whole,
                body=None if body is None else json.dumps(body), retries=False,
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=read),
            )  # fmt: skip
        except urllib3.exceptions.HTTPError as error:
            raise ApiError(method, url, 0, str(error)) from error
        if response.status >= 400:
            message, reason = explanation(response.data)
            raise ApiError(method, url, response.status, message, reason)
        return response

    def configmaps(self, namespace: str, selector: str) -> list[Object]:
        """See Cluster."""
        path = core(namespace, "configmaps")
        found = self._request("GET", path, query={"labelSelector": selector}).json()["items"]
        return list(found)

    def create_pod(self, namespace: str, pod: Mapping[str, Any]) -> Object:
        """See Cluster."""
        created: Object = self._request("POST", core(namespace, "pods"), body=pod).json()
        return created

    def pod(self, namespace: str, name: str) -> Object:
        """See Cluster."""
        found: Object = self._request("GET", core(namespace, "pods", name)).json()
        return found

    def delete_pod(self, namespace: str, name: str) -> None:
        """See Cluster. One second of grace: the build is over, and a builder's `sleep` does not heed the signal."""
        try:
            self._request("DELETE", core(namespace, "pods", name), body={"gracePeriodSeconds": 1})
        except ApiError as error:
            if error.status != 404:
                raise

    def watch(self, namespace: str, kind: str, selector: str, seconds: int) -> Iterator[Object]:
        """See Cluster."""
        path = core(namespace, kind)
        listed = self._request("GET", path, query={"fieldSelector": selector}).json()
        yield from ({"type": "ADDED", "object": each} for each in listed["items"])
        query = {"watch": "true", "fieldSelector": selector, "timeoutSeconds": seconds,
                 "resourceVersion": listed["metadata"]["resourceVersion"]}  # fmt: skip
        response = self._request("GET", path, query=query, read=seconds + READ_SECONDS, whole=False)
        try:
            rest = b""
            for chunk in response.stream(amt=None):
                *lines, rest = (rest + chunk).split(b"\n")
                yield from (json.loads(line) for line in lines)
        finally:
            response.close()

    def log(self, namespace: str, name: str, container: str, lines: int) -> str:
        """See Cluster."""
        query = {"container": container, "tailLines": lines}
        return self._request("GET", core(namespace, "pods", name, "log"), query=query).data.decode()

    def run(self, namespace: str, name: str, container: str, argv: Sequence[str], sink: Callable[[bytes], None],
            interrupted: Callable[[], bool]) -> int:  # fmt: skip
        """See Cluster. Opens exec by WebSocket with GET, as the plugin's client does."""
        # The package swaps a method of the client for the call: no two threads may share one.
        api = kubernetes.client.CoreV1Api(kubernetes.client.ApiClient(self._configuration))
        url = f"{self._configuration.host}{core(namespace, 'pods', name, 'exec')}"
        try:
            opened = stream(api.connect_get_namespaced_pod_exec, name, namespace, command=list(argv),
                            container=container, stdin=False, stdout=True, stderr=True, tty=False,
                            _preload_content=False, binary=True)  # fmt: skip
        except ApiException as error:
            raise ApiError("GET", url, *refused_handshake(error)) from error
        try:
            return remotecommand.relay(opened.sock, sink, interrupted)
        finally:
            opened.close(timeout=0)  # says so, and does not wait for an answer;
            opened.sock.shutdown()  # after the other side's closing message that leaves the connection open


def core(namespace: str, *parts: str) -> str:
    """The path of a core resource in a namespace. Quoted: a Jenkinsfile may name any text as its namespace."""
    return "/api/v1/namespaces/" + "/".join(quote(part, safe="") for part in (namespace, *parts))


def explanation(body: bytes) -> tuple[str, str]:
    """(message, reason) of a Status, or of whatever a server answered instead of one."""
    try:
        status = json.loads(body)
        return str(status["message"]), str(status.get("reason", ""))
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace").strip(), ""


def refused_handshake(error: ApiException) -> tuple[int, str, str]:
    """(status, message, reason) of a WebSocket that was not opened.

    The package has the answer only as text: `Handshake status 403 Forbidden -+-+- headers -+-+- body`.
    """
    words = str(error.reason)
    head, _, rest = words.partition(" -+-+- ")
    code = head.removeprefix("Handshake status ").split(" ")[0]
    if not (rest and code.isdigit()):
        return int(error.status or 0), words, ""
    return int(code), *explanation(rest.rpartition(" -+-+- ")[2].encode())

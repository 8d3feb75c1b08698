"""The calls that the controller makes to the API server: the only file here that imports `kubernetes`.

Pods are sent and read as plain JSON, so that what a Jenkinsfile asks for reaches the API server as it is. Every request
names its row of the table of calls (`charts/agent-templates/verbs.yaml`); one that is not in its row is not sent.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import kubernetes.client
import kubernetes.config
import urllib3
from ansible_collections.buildkeep.ci.plugins.module_utils import rbac_verbs
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream
from kubernetes.stream.ws_client import WSClient

from testbed.controller import remotecommand
from testbed.controller.cluster import GONE, ApiError, Cluster, Object

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
POLL_SECONDS = 0.25
# Seconds before another try to open an exec (ContainerExecDecorator: five tries, each wait twice the last).
EXEC_PAUSES = (2.0, 4.0, 8.0, 16.0)
__all__ = ["ApiError", "Cluster", "Kube", "Object", "core", "refused_handshake"]


METHODS: Mapping[str, str] = {"get": "GET", "list": "GET", "watch": "GET", "create": "POST", "delete": "DELETE",
                              "patch": "PATCH"}  # fmt: skip


class Kube:
    """`Cluster` by way of the credentials of this pod's ServiceAccount, or of those in a configuration."""

    def __init__(self, configuration: kubernetes.client.Configuration | None = None) -> None:
        """Without a configuration reads the ServiceAccount's token, which the client reads anew before it runs out."""
        if configuration is None:
            kubernetes.config.load_incluster_config()
            configuration = kubernetes.client.Configuration.get_default_copy()
        self._configuration = configuration
        self._pool = kubernetes.client.ApiClient(self._configuration).rest_client.pool_manager
        self._lock = threading.Lock()
        self.calls: Counter[str] = Counter()  # what was sent, by row of the table and verb

    def _counted(self, call: str, verb: str, resource: str) -> None:
        """Raises PermissionError for what the table of calls does not have."""
        if not rbac_verbs.row(call).covers(verb, resource):
            raise PermissionError(f"{verb} {resource} is not what the call {call} may ask for; see verbs.yaml")
        with self._lock:
            self.calls[f"{call} {verb}"] += 1

    def _request(self, call: str, verb: str, resource: str, namespace: str, *name: str, body: Any = None,
                 query: Mapping[str, Any] | None = None, read: float = READ_SECONDS, whole: bool = True,
                 kind: str = "application/json") -> urllib3.BaseHTTPResponse:  # fmt: skip
        """Sends what the row `call` of the table covers; raises ApiError for every other answer than yes."""
        self._counted(call, verb, resource)
        parts = (resource.partition("/")[0], *name, *filter(None, [resource.partition("/")[2]]))
        method, url = METHODS[verb], f"{self._configuration.host}{core(namespace, *parts)}"
        headers = {"Authorization": self._configuration.get_api_key_with_prefix("BearerToken") or "",
                   "Accept": "application/json", "Content-Type": kind}  # fmt: skip
        try:
            response: urllib3.BaseHTTPResponse = self._pool.request(
                method, f"{url}?{urlencode(query)}" if query else url, headers=headers, preload_content=whole,
                body=None if body is None else json.dumps(body), retries=False,
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=read),
            )  # fmt: skip
            if response.status >= 400:
                raise ApiError(method, url, response.status, *explanation(response.data))
        except urllib3.exceptions.HTTPError as error:
            raise ApiError(method, url, 0, str(error)) from error
        return response

    def configmaps(self, namespace: str, selector: str) -> list[Object]:
        """See Cluster."""
        query = {"labelSelector": selector}
        return list(self._request("load-configuration", "list", "configmaps", namespace, query=query).json()["items"])

    def create_pod(self, namespace: str, pod: Mapping[str, Any]) -> Object:
        """See Cluster."""
        created: Object = self._request("create-agent", "create", "pods", namespace, body=pod).json()
        return created

    def create_claim(self, namespace: str, claim: Mapping[str, Any]) -> None:
        """See Cluster."""
        self._request("make-claim", "create", "persistentvolumeclaims", namespace, body=claim)

    def pod(self, namespace: str, name: str) -> Object:
        """See Cluster."""
        found: Object = self._request("look-at-agent", "get", "pods", namespace, name).json()
        return found

    def delete_pod(self, namespace: str, name: str) -> None:
        """See Cluster. One second of grace: the build is over, and a builder's `sleep` does not heed the signal."""
        try:
            self._request("delete-agent", "delete", "pods", namespace, name, body={"gracePeriodSeconds": 1})
        except ApiError as error:
            if error.status != 404:
                raise

    def listed(self, namespace: str, labels: str) -> tuple[list[Object], str]:
        """See Cluster."""
        query = {"labelSelector": labels}
        found = self._request("await-agent", "list", "pods", namespace, query=query).json()
        return list(found["items"]), str(found["metadata"]["resourceVersion"])

    def watch(self, namespace: str, labels: str, version: str, seconds: int) -> Iterator[Object]:
        """See Cluster. Bookmarks come too."""
        query = {"watch": "true", "labelSelector": labels, "timeoutSeconds": seconds, "resourceVersion": version,
                 "allowWatchBookmarks": "true"}  # fmt: skip
        response = self._request("await-agent", "watch", "pods", namespace, query=query, read=seconds + READ_SECONDS,
                                 whole=False)  # fmt: skip
        rest = b""
        try:
            for chunk in response.stream(amt=None):
                *lines, rest = (rest + chunk).split(b"\n")
                yield from (happened(json.loads(line), str(response.url)) for line in lines)
        except urllib3.exceptions.HTTPError as error:
            raise ApiError("GET", str(response.url), 0, str(error)) from error
        finally:
            response.close()

    def log(self, namespace: str, name: str, container: str, lines: int) -> str:
        """See Cluster."""
        query = {"container": container, "tailLines": lines}
        text = self._request("read-log", "get", "pods/log", namespace, name, query=query)
        return text.data.decode(errors="replace")

    def events(self, namespace: str, name: str, uid: str) -> list[Object]:
        """See Cluster."""
        fields = {"involvedObject.namespace": namespace, "involvedObject.name": name, "involvedObject.uid": uid}
        query = {"fieldSelector": ",".join(f"{key}={value}" for key, value in fields.items())}
        return list(self._request("show-events", "list", "events", namespace, query=query).json()["items"])

    def refresh(self, namespace: str, name: str, annotations: Mapping[str, str]) -> None:
        """See Cluster. The plugin's client looks at a pod before it patches it."""
        self._request("mark-alive", "get", "pods", namespace, name)
        self._request("mark-alive", "patch", "pods", namespace, name, body={"metadata": {"annotations": annotations}},
                      kind="application/strategic-merge-patch+json")  # fmt: skip

    def left_behind(self, namespace: str, labels: str) -> list[Object]:
        """See Cluster."""
        query = {"labelSelector": labels}
        return list(self._request("find-left-behind", "list", "pods", namespace, query=query).json()["items"])

    def run(self, namespace: str, name: str, container: str, argv: Sequence[str], sink: Callable[[bytes], None],
            interrupted: Callable[[], bool]) -> int:  # fmt: skip
        """See Cluster. Opens exec by WebSocket with GET, as the plugin's client does, and as often as the plugin."""
        url = f"{self._configuration.host}{core(namespace, 'pods', name, 'exec')}"
        for pause in (*EXEC_PAUSES, None):
            try:
                opened = self._opened(namespace, name, container, argv)
                break
            except ApiException as error:
                refusal = ApiError("GET", url, *refused_handshake(error))
                if pause is None or not refusal.passing or refusal.message.startswith("container not found"):
                    raise refusal from error
                if paused(pause, interrupted):
                    raise InterruptedError from error
        try:
            return remotecommand.relay(opened.sock, sink, interrupted)
        finally:
            opened.close(timeout=0)  # says so, and does not wait for an answer;
            opened.sock.shutdown()  # after the other side's closing message that leaves the connection open

    def _opened(self, namespace: str, name: str, container: str, argv: Sequence[str]) -> WSClient:
        self._counted("run-command", "get", "pods/exec")
        # The package swaps a method of the client for the call: no two threads may share one.
        api = kubernetes.client.CoreV1Api(kubernetes.client.ApiClient(self._configuration))
        return stream(api.connect_get_namespaced_pod_exec, name, namespace, command=list(argv),
                      container=container, stdin=False, stdout=True, stderr=True, tty=False,
                      _preload_content=False, binary=True)  # fmt: skip


def paused(seconds: float, interrupted: Callable[[], bool]) -> bool:
    """Waits; answers True as soon as `interrupted()` does."""
    end = time.monotonic() + seconds
    while not (stop := interrupted()) and (left := end - time.monotonic()) > 0:
        time.sleep(min(POLL_SECONDS, left))
    return stop


def happened(event: Object, url: str) -> Object:
    """An event of a watch; raises ApiError where it tells that the watch cannot go on."""
    if event["type"] == "ERROR":
        status = event["object"]
        raise ApiError("GET", url, int(status.get("code") or GONE), str(status.get("message", "")))
    return event


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

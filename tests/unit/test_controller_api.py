"""What goes to the API server, which is only what the table of calls has; and what comes back of a watch."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import kubernetes.client
import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import rbac_verbs

from testbed.controller import kube
from testbed.controller.cluster import GONE, ApiError
from testbed.controller.kube import Kube

POD = {"metadata": {"name": "p", "resourceVersion": "7"}}


class ApiServer(BaseHTTPRequestHandler):
    """Notes what is asked; a watch is answered by `chunks`, which may break off."""

    protocol_version = "HTTP/1.1"
    asked: list[tuple[str, str, str, Any]]
    chunks: list[bytes]
    whole: bool

    def answer(self) -> None:
        """Any request."""
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size)) if size else None
        self.asked.append((self.command, self.path, self.headers["Content-Type"], body))
        if "watch=true" not in self.path:
            data = json.dumps({**POD, "items": [POD], "metadata": {"resourceVersion": "9"}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in self.chunks:
            self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        if self.whole:
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True

    do_GET = do_POST = do_DELETE = do_PATCH = answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def server() -> Iterator[tuple[Kube, type[ApiServer]]]:
    """(a client, the server that answers it)."""
    handler = type("Handler", (ApiServer,), {"asked": [], "chunks": [], "whole": True})
    listening = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    configuration = kubernetes.client.Configuration(host=f"http://127.0.0.1:{listening.server_port}")
    yield Kube(configuration), handler
    listening.shutdown()
    listening.server_close()
    thread.join()


def event(kind: str, **thing: Any) -> bytes:
    """A line of a watch."""
    return json.dumps({"type": kind, "object": thing}).encode() + b"\n"


def test_requests_and_their_rows(server: tuple[Kube, type[ApiServer]]) -> None:
    """Each row of a tenant's calls that goes by ordinary requests, with the verb that is counted."""
    client, handler = server
    client.create_pod("ns", {"a": 1})
    client.create_claim("ns", {"b": 1})
    client.pod("ns", "p")
    client.listed("ns", "l=1")
    client.delete_pod("ns", "p")
    client.log("ns", "p", "c", 3)
    client.events("ns", "p", "u")
    client.refresh("ns", "p", {"k": "v"})
    client.left_behind("ns", "l=1")
    client.configmaps("jenkins", "x=true")
    list(client.watch("ns", "l=1", "9", 5))
    base = "/api/v1/namespaces/ns"
    fields = "involvedObject.namespace%3Dns%2CinvolvedObject.name%3Dp%2CinvolvedObject.uid%3Du"
    assert [(method, path) for method, path, _, _ in handler.asked] == [
        ("POST", f"{base}/pods"),
        ("POST", f"{base}/persistentvolumeclaims"),
        ("GET", f"{base}/pods/p"),
        ("GET", f"{base}/pods?labelSelector=l%3D1"),
        ("DELETE", f"{base}/pods/p"),
        ("GET", f"{base}/pods/p/log?container=c&tailLines=3"),
        ("GET", f"{base}/events?fieldSelector={fields}"),
        ("GET", f"{base}/pods/p"),
        ("PATCH", f"{base}/pods/p"),
        ("GET", f"{base}/pods?labelSelector=l%3D1"),
        ("GET", "/api/v1/namespaces/jenkins/configmaps?labelSelector=x%3Dtrue"),
        ("GET", f"{base}/pods?watch=true&labelSelector=l%3D1&timeoutSeconds=5&resourceVersion=9"
                "&allowWatchBookmarks=true"),
    ]  # fmt: skip
    patch = next(one for one in handler.asked if one[0] == "PATCH")
    assert patch[2:] == ("application/strategic-merge-patch+json", {"metadata": {"annotations": {"k": "v"}}})
    sent = {tuple(name.split(" ")) for name in client.calls}
    assert all(rbac_verbs.row(row).covers(verb, rbac_verbs.row(row).resource) for row, verb in sent)
    assert dict(client.calls)["mark-alive patch"] == 1


@pytest.mark.parametrize("missing", ["create-agent", "delete-agent", "mark-alive", "show-events"])
def test_what_is_not_in_the_table_is_not_sent(
    server: tuple[Kube, type[ApiServer]], monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """A row without its verbs: the request stays here."""
    client, handler = server
    original = rbac_verbs.row

    def row(name: str) -> rbac_verbs.Call:
        call = original(name)
        return rbac_verbs.Call(name, call.resource, (), call.at, call.reason) if name == missing else call

    monkeypatch.setattr(rbac_verbs, "row", row)
    asks: dict[str, Callable[[], object]] = {
        "create-agent": lambda: client.create_pod("ns", {}),
        "delete-agent": lambda: client.delete_pod("ns", "p"),
        "mark-alive": lambda: client.refresh("ns", "p", {}),
        "show-events": lambda: client.events("ns", "p", "u"),
    }
    with pytest.raises(PermissionError, match=f"is not what the call {missing} may ask for"):
        asks[missing]()
    assert handler.asked == []


def test_a_watch_in_any_pieces(server: tuple[Kube, type[ApiServer]]) -> None:
    client, handler = server
    text = event("ADDED", **POD) + event("BOOKMARK", metadata={"resourceVersion": "8"})
    handler.chunks = [text[:5], text[5:50], text[50:]]
    assert [one["type"] for one in client.watch("ns", "", "1", 5)] == ["ADDED", "BOOKMARK"]


def test_a_watch_that_breaks_off(server: tuple[Kube, type[ApiServer]]) -> None:
    """What came is passed on; then it is told that there was no answer, so that somebody asks again."""
    client, handler = server
    handler.chunks, handler.whole = [event("ADDED", **POD), b'{"type":"MODI'], False
    seen = []
    with pytest.raises(ApiError) as caught:
        for one in client.watch("ns", "", "1", 5):
            seen.append(one["type"])
    assert (seen, caught.value.status, caught.value.passing) == (["ADDED"], 0, True)


def test_a_watch_that_is_told_to_list_again(server: tuple[Kube, type[ApiServer]]) -> None:
    client, handler = server
    handler.chunks = [event("ERROR", code=410, message="too old resource version: 1 (9)")]
    with pytest.raises(ApiError) as caught:
        list(client.watch("ns", "", "1", 5))
    assert caught.value.status == GONE


def test_nobody_answers() -> None:
    client = Kube(kubernetes.client.Configuration(host="http://127.0.0.1:9"))
    with pytest.raises(ApiError) as caught:
        client.pod("ns", "p")
    assert caught.value.passing


def test_an_exec_that_cannot_be_opened_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As often as the plugin tries; an abort ends the tries."""
    client = Kube(kubernetes.client.Configuration(host="http://127.0.0.1:9"))
    monkeypatch.setattr(kube, "EXEC_PAUSES", (0.01, 0.01))
    with pytest.raises(ApiError):
        client.run("ns", "p", "c", ["true"], lambda _: None, lambda: False)
    assert client.calls["run-command get"] == 3
    with pytest.raises(InterruptedError):
        client.run("ns", "p", "c", ["true"], lambda _: None, lambda: True)
    assert client.calls["run-command get"] == 4

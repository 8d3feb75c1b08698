"""The connection, against a small HTTP server that misbehaves as told."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import client_answers
from ansible_collections.buildkeep.ci.plugins.module_utils.client import APPLY_PATCH, Client
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError, Lost
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster, Resource
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

Reply = tuple[int, dict[str, str], str]
GOOD: Reply = (200, {}, '{"kind": "Status"}')
RACED: Reply = (409, {}, '{"reason": "Conflict", "message": "the object has been modified"}')
CONFLICT: Reply = (
    409, {},
    json.dumps({
        "reason": "Conflict", "message": "1 conflict",
        "details": {"causes": [{"reason": "FieldManagerConflict", "field": ".data.a", "message": 'with "hand"'}]},
    }),
)  # fmt: skip
BUSY: Reply = (429, {"Retry-After": "0"}, "{}")
DROPPED: Reply = (0, {}, "")


class Server(ThreadingHTTPServer):
    """Gives the prepared replies one after the other, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies: list[Reply] = []
        self.requests: list[tuple[str, str, dict[str, list[str]], Any]] = []
        self.connections = 0


class Handler(BaseHTTPRequestHandler):
    """Speaks HTTP/1.1, so that connections are kept."""

    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        self.server.connections += 1
        super().setup()

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: self.headers.get_all(name) or [] for name in self.headers}
        self.server.requests.append((self.command, self.path, headers, json.loads(body or "null")))
        status, more, text = self.server.replies.pop(0)
        if not status:
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in {"Content-Length": str(len(text.encode())), **more}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_PATCH = do_POST = do_DELETE = answer  # noqa: N815 - the names that http.server looks for

    def log_message(self, *_: Any) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def kubeconfig(folder: Path, url: str, user: dict[str, Any]) -> str:
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": user}], "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }  # fmt: skip
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config), encoding="utf-8")
    return str(path)


@pytest.fixture
def client(server: Server, tmp_path: Path) -> Client:
    return Client(kubeconfig(tmp_path, f"http://127.0.0.1:{server.server_port}", {"token": "t0k3n"}))


@pytest.mark.parametrize("failures", [[BUSY, BUSY], [(503, {}, "gone"), (500, {}, "{}")], [DROPPED], [RACED]])
def test_what_passes_is_tried_again(server: Server, client: Client, failures: list[Reply]) -> None:
    server.replies = [*failures, GOOD]
    assert client.request("PATCH", "/x", {"a": 1}, content_type=APPLY_PATCH).status == 200
    assert len(server.requests) == len(failures) + 1
    assert {json.dumps(request[3]) for request in server.requests} == {'{"a": 1}'}


def test_it_gives_up_in_the_end(server: Server, client: Client) -> None:
    server.replies = [BUSY] * 9
    with pytest.raises(ApiError, match="run again later") as caught:
        client.request("GET", "/x", what="read x")
    assert caught.value.status == 429
    assert len(server.requests) == 5


@pytest.mark.parametrize("reply", [CONFLICT, (403, {}, "{}"), (422, {}, "{}"), (404, {}, "<html>")])
def test_what_stays_wrong_is_not_tried_again(server: Server, client: Client, reply: Reply) -> None:
    server.replies = [reply]
    with pytest.raises(ApiError):
        client.request("PATCH", "/x", {}, what="apply x")


def test_conflicts_name_field_and_manager(server: Server, client: Client) -> None:
    server.replies = [CONFLICT]
    with pytest.raises(ApiError) as caught:
        client.request("PATCH", "/x", {})
    assert caught.value.field_conflicts() == [(".data.a", 'with "hand"')]


def test_one_connection_the_token_groups_and_warnings(server: Server, client: Client) -> None:
    server.replies = [(200, {"Warning": '299 - "say \\"hello\\""'}, "{}"), GOOD]
    answer = client.request("POST", "/x", {}, query={"a": "b c"}, impersonate=[("Impersonate-Group", g) for g in "xy"])
    client.request("GET", "/y")
    assert answer.warnings == ('say "hello"',)
    assert server.connections == 1
    method, path, headers, _ = server.requests[0]
    assert (method, path) == ("POST", "/x?a=b+c")
    assert headers["Authorization"] == ["Bearer t0k3n"]
    assert [value.strip() for line in headers["Impersonate-Group"] for value in line.split(",")] == ["x", "y"]
    assert "Content-Type" not in server.requests[1][2]


def test_no_server_at_all(tmp_path: Path) -> None:
    with pytest.raises(Lost, match=r"no answer from the API server http://127.0.0.1:1"):
        Client(kubeconfig(tmp_path, "http://127.0.0.1:1", {})).request("GET", "/x")


def test_a_server_that_answered_before_is_told_from_a_wrong_address(server: Server, client: Client) -> None:
    server.replies = [GOOD, *[DROPPED] * 5]
    client.request("GET", "/x")
    with pytest.raises(Lost, match=r"it answered before, so wait until it is back and run this again"):
        client.request("GET", "/x")


def plugin(folder: Path, script: str) -> dict[str, Any]:
    (folder / "plugin.py").write_text(script, encoding="utf-8")
    return {"exec": {
        "apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable, "args": [str(folder / "plugin.py")],
        "interactiveMode": "Never",
    }}  # fmt: skip


def test_an_expiring_token_is_renewed(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.buildkeep.ci.plugins.module_utils.client.TOKEN_SECONDS", 0.0)
    script = f"""
import json, pathlib
count = pathlib.Path({str(tmp_path / "count")!r})
count.write_text(count.read_text() + "x" if count.exists() else "x")
print(json.dumps({{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
    "status": {{"token": "t" + count.read_text(), "expirationTimestamp": "2001-01-01T00:00:00Z"}}}}))
"""
    url = f"http://127.0.0.1:{server.server_port}"
    client = Client(kubeconfig(tmp_path, url, plugin(tmp_path, script)))
    server.replies = [GOOD, GOOD]
    client.request("GET", "/x")
    client.request("GET", "/x")
    tokens = [request[2]["Authorization"] for request in server.requests]
    assert tokens == [["Bearer txx"], ["Bearer txxx"]]


def test_a_list_goes_through_its_pages_and_begins_anew_when_told(server: Server, client: Client) -> None:
    def page(name: str, following: str = "") -> Reply:
        return 200, {}, json.dumps({"metadata": {"continue": following}, "items": [{"metadata": {"name": name}}]})

    kind = Resource("v1", "ConfigMap", "configmaps", True, frozenset())
    server.replies = [page("a", "next"), (410, {}, '{"reason": "Expired"}'), page("a", "again"), page("b")]
    items = list(Cluster(client).list(kind, namespace="n", selector="x=y"))
    assert [item["metadata"]["name"] for item in items] == ["a", "a", "b"]
    assert {(item["apiVersion"], item["kind"]) for item in items} == {("v1", "ConfigMap")}
    query = "limit=500&labelSelector=x%3Dy"
    paths = [request[1].removeprefix("/api/v1/namespaces/n/configmaps?") for request in server.requests]
    assert paths == [query, f"{query}&continue=next", query, f"{query}&continue=again"]


def test_a_failing_credential_plugin_is_named(server: Server, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{server.server_port}"
    client = Client(kubeconfig(tmp_path, url, plugin(tmp_path, "raise SystemExit('log in first')")))
    server.replies = [(401, {}, '{"message": "Unauthorized"}')]
    with pytest.raises(ApiError, match=r"the credential plugin said: .*log in again"):
        client.request("GET", "/x")


def test_environment_names_the_cluster(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("K8S_AUTH_KUBECONFIG", "K8S_AUTH_CONTEXT", "KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    path = kubeconfig(tmp_path, f"http://127.0.0.1:{server.server_port}", {})
    monkeypatch.setenv("KUBECONFIG", path)
    assert Client().url.endswith(str(server.server_port))
    monkeypatch.setenv("K8S_AUTH_KUBECONFIG", "/no/such")
    with pytest.raises(BuildkeepError, match="kubeconfig /no/such"):
        Client()
    monkeypatch.setenv("K8S_AUTH_HOST", "http://127.0.0.1:2/")
    monkeypatch.setenv("K8S_AUTH_API_KEY", "k")
    assert Client().url == "http://127.0.0.1:2"
    assert Client(path).url.endswith(str(server.server_port))


def test_no_key_is_left_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    user = {"client-certificate-data": "bm90IGEgY2VydGlmaWNhdGU=", "client-key-data": "bm90IGEga2V5"}
    with pytest.raises(BuildkeepError, match="kubeconfig"):
        Client(kubeconfig(tmp_path, "https://127.0.0.1:1", user))
    assert [path.name for path in tmp_path.iterdir()] == ["kubeconfig"]


@pytest.mark.parametrize(
    ("header", "text"),
    [('299 - "text"', "text"), (r'299 - "a \"b\" \\ c"', r'a "b" \ c'), ("299 - bare", "299 - bare")],
)
def test_warning_text(header: str, text: str) -> None:
    assert client_answers.warning_text(header) == text

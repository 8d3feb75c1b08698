"""Jenkins' chart comes from a folder, an archive, a Helm repository or an OCI registry, and is the same from each."""

from __future__ import annotations

import hashlib
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_helm import Helm
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import VERSION, JenkinsSettings

from testbed import certificates
from testbed.progress import Progress
from testbed.tools import tool
from tests.api.jenkins_chart import FIXTURE

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.cncf.helm.config.v1+json"
CONTENT = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
# Else the chart's rendering has a random password.
VALUES = {"controller": {"testEnabled": False, "admin": {"existingSecret": "admin"}}}
COMMANDS = ("helm", "helm3")


class Served:
    """Files by path, and what was asked for."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[str, bytes]] = {}
        self.asked: list[str] = []

    def add(self, path: str, data: bytes, kind: str = "application/octet-stream") -> dict[str, object]:
        """Serve something; gives its descriptor of OCI."""
        self.files[path] = (kind, data)
        return {"mediaType": kind, "digest": f"sha256:{hashlib.sha256(data).hexdigest()}", "size": len(data)}


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Served, str]]:
    """What is served by https on this machine, and where."""
    with Progress(1).step("make certificates", 1) as step:
        certificates.make(tmp_path, step)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "registry.crt", tmp_path / "registry.key")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.crt"))
    given = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            given.asked.append(path)
            kind, data = given.files.get(path, ("text/plain", b""))
            self.send_response(200 if path in given.files else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Docker-Content-Digest", f"sha256:{hashlib.sha256(data).hexdigest()}")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(data)

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield given, f"localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart as an archive."""
    folder = tmp_path_factory.mktemp("chart")
    subprocess.run([tool("helm"), "package", FIXTURE, "--destination", folder], check=True, capture_output=True)
    (found,) = folder.glob("*.tgz")
    return found


def rendered(command: str, **settings: str) -> list[Mapping[str, object]]:
    helm = Helm(str(tool(command)), JenkinsSettings(**settings))  # type: ignore[arg-type]
    with helm.chart():
        return list(helm.render(VALUES, "v1.37.1"))


@pytest.mark.parametrize("command", COMMANDS)
def test_from_a_repository(served: tuple[Served, str], archive: Path, command: str) -> None:
    given, where = served
    subprocess.run([tool("helm"), "repo", "index", archive.parent], check=True, capture_output=True)
    given.add("/index.yaml", (archive.parent / "index.yaml").read_bytes())
    given.add(f"/{archive.name}", archive.read_bytes())
    folder = rendered(command, chart=str(FIXTURE))
    assert folder
    assert rendered(command, chart="jenkins", repository=f"https://{where}") == folder
    assert f"/{archive.name}" in given.asked
    assert rendered(command, chart=str(archive)) == folder
    with pytest.raises(BuildkeepError, match=r"helm pull jenkins: .*9\.9\.9\" not found in https:"):
        rendered(command, chart="jenkins", repository=f"https://{where}", version="9.9.9")


@pytest.mark.parametrize("command", COMMANDS)
def test_from_a_registry(served: tuple[Served, str], archive: Path, command: str) -> None:
    given, where = served
    parts = {kind: given.add("x", data, kind) for kind, data in ((CONFIG, b"{}"), (CONTENT, archive.read_bytes()))}
    for kind, data in ((CONFIG, b"{}"), (CONTENT, archive.read_bytes())):
        given.add(f"/v2/charts/jenkins/blobs/{parts[kind]['digest']}", data)
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": parts[CONFIG], "layers": [parts[CONTENT]]}
    data = json.dumps(manifest).encode()
    for name in (VERSION, f"sha256:{hashlib.sha256(data).hexdigest()}"):
        given.add(f"/v2/charts/jenkins/manifests/{name}", data, MANIFEST)
    given.add("/v2/charts/jenkins/tags/list", json.dumps({"name": "charts/jenkins", "tags": [VERSION]}).encode())
    assert rendered(command, chart=f"oci://{where}/charts/jenkins") == rendered(command, chart=str(FIXTURE))
    assert f"/v2/charts/jenkins/blobs/{parts[CONTENT]['digest']}" in given.asked

"""Submitting a build: what is sent, what comes back, what goes wrong; and the controller's image and manifests."""

from __future__ import annotations

import ast
import io
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from testbed import builds, controller_client, paths
from testbed.controller import deploy, recipe
from testbed.errors import TestbedError


class ApiServer(BaseHTTPRequestHandler):
    """Answers as the controller behind the API server's proxy would; keeps what it got."""

    protocol_version = "HTTP/1.1"
    got: list[tuple[str, str, bytes]]
    answer: tuple[int, list[bytes], bool]

    def do_POST(self) -> None:
        """One build."""
        body = b""
        assert self.headers["Transfer-Encoding"] == "chunked"
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        self.got.append((self.path, self.headers["X-Buildkeep-Token"], body))
        status, chunks, whole = self.answer
        self.send_response(status)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in chunks:
            self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        if whole:
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def api_server(
    tmp_path: Path, status: int, *chunks: bytes, whole: bool = True
) -> Iterator[tuple[Path, type[ApiServer]]]:
    """(kubeconfig, handler) of a server with one answer."""
    handler = type("Handler", (ApiServer,), {"got": [], "answer": (status, list(chunks), whole)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    config = {
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_address[1]}"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
    try:
        yield tmp_path / "kubeconfig", handler
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a Jenkinsfile; the API token is known."""
    monkeypatch.setattr(controller_client, "api_token", lambda kubeconfig: "token")
    folder = tmp_path / "work"
    (folder / ".git").mkdir(parents=True)
    (folder / ".git/config").write_text("secret")
    (folder / "sub").mkdir()
    (folder / "sub/run.sh").write_text("x")
    (folder / "sub/run.sh").chmod(0o755)
    (folder / "Jenkinsfile").write_text("pipeline { }")
    return folder


@pytest.mark.parametrize(("result", "ok"), [("SUCCESS", True), ("FAILURE", False), ("ABORTED", False)])
def test_a_build(tmp_path: Path, workspace: Path, result: str, ok: bool) -> None:
    """The folder is sent as a tar without .git and without owners; the log comes line by line, whatever the chunks."""
    lines: list[str] = []
    chunks = (b"one\ntw", b"o \xe2\x80\xa6\nFinished: ", f"{result}\n".encode())
    with api_server(tmp_path, 200, *chunks) as (config, server):
        done = builds.build("shop/hello", workspace, kubeconfig=config, echo=lines.append)
    assert (done.ok, done.result) == (ok, result)
    assert lines == ["one\n", "two …\n", f"Finished: {result}\n"]
    assert done.log == "".join(lines)
    ((path, token, body),) = server.got
    assert token == "token"  # noqa: S105
    assert path == (
        "/api/v1/namespaces/jenkins/services/jenkins:http/proxy/job/shop/hello/build?jenkinsfile=Jenkinsfile"
    )
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        members = {member.name: member for member in tar}
    assert sorted(members) == [".", "./Jenkinsfile", "./sub", "./sub/run.sh"]
    assert members["./sub/run.sh"].mode == 0o755
    assert {(member.uid, member.uname) for member in members.values()} == {(0, "")}


def test_a_log_that_breaks_off(tmp_path: Path, workspace: Path) -> None:
    """Is no result, whether the connection broke or the answer just ended."""
    with (
        api_server(tmp_path, 200, b"one\n", whole=False) as (config, _),
        pytest.raises(TestbedError, match="cannot be reached"),
    ):
        builds.build("shop/hello", workspace, kubeconfig=config)
    with api_server(tmp_path, 200, b"one\n") as (config, _), pytest.raises(TestbedError, match="broke off"):
        builds.build("shop/hello", workspace, kubeconfig=config)


def test_what_is_refused(tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The controller's own words; bad names and missing files before anything is sent; no cluster."""
    with api_server(tmp_path, 403, b"no token\n") as (config, server):
        with pytest.raises(TestbedError, match="the controller answered 403: no token"):
            builds.build("shop/hello", workspace, kubeconfig=config)
        with pytest.raises(TestbedError, match="write FOLDER/NAME"):
            builds.build("hello", workspace, kubeconfig=config)
        with pytest.raises(TestbedError, match=r"holds no other\.groovy"):
            builds.build("shop/hello", workspace, jenkinsfile="other.groovy", kubeconfig=config)
        assert len(server.got) == 1
    with pytest.raises(TestbedError, match="python -m testbed up"):
        builds.build("shop/hello", workspace, kubeconfig=tmp_path / "none")


def test_the_command_line(tmp_path: Path, workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The log on the standard output, the result as exit code."""
    for result, code in (("SUCCESS", 0), ("FAILURE", 1)):
        with api_server(tmp_path, 200, f"Finished: {result}\n".encode()) as (config, _):
            words = ["--job", "shop/hello", "--dir", str(workspace), "--kubeconfig", str(config)]
            assert builds.main(words) == code
        assert capsys.readouterr().out == f"Finished: {result}\n"


def imported(folder: Path) -> set[str]:
    """Modules that the Python files of a folder import from the collection and the testbed."""
    names = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                names |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
    return names


def test_the_images_hold_what_the_code_imports() -> None:
    """Each module that controller or agent import is in their image, so that none fails at its start."""
    there = set(recipe.controller_image().files)
    prefix = "ansible_collections.buildkeep.ci.plugins.module_utils."
    utils = paths.ROOT / "plugins/module_utils"
    wanted = {name for name in imported(paths.TESTBED / "controller") if name.startswith(prefix)}
    seen: set[str] = set()
    while wanted - seen:
        name = (wanted - seen).pop()
        seen.add(name)
        path = utils / f"{name.removeprefix(prefix).split('.')[0]}.py"
        assert f"{recipe.CODE}/ansible_collections/buildkeep/ci/plugins/module_utils/{path.name}" in there
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(prefix):
                wanted.add(node.module)
    agent = {name for name in imported(paths.TESTBED / "agent") if name.startswith("testbed.")}
    assert all(name.startswith("testbed.agent") for name in agent)


def test_the_manifests_are_hardened() -> None:
    """What the namespace's own level `restricted` asks for, and rights for nothing but ConfigMaps."""
    objects = {each["kind"]: each for each in deploy.manifests("buildkeep.test/controller:x")}
    assert objects["Namespace"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    pod = objects["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == "buildkeep.test/controller:x"
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert [rule["resources"] for rule in objects["Role"]["rules"]] == [["configmaps"]]

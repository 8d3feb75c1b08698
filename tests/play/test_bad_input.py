"""Bad input: one message with all problems, before anything is changed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from testbed.apiserver import ApiServer
from tests.play.conftest import POOR
from tests.play.playbook import Cluster, Run

SHOP = {"buildkeep_tenants": [{"name": "shop"}]}
# Every mistake that an inventory can hold, and the words that tell of it.
MISTAKES: dict[str, Any] = {
    "buildkeep_tenants": [
        {"name": "shop", "builders": ["kanico"], "bulders": []},
        {"name": "shop"},
        {"name": "Not_A_Label"},
        {"name": "blog", "images": ["acme/base", "ghcr.io/acme/base:1"], "mode": "off"},
    ],
    "buildkeep_images": ["docker.io/acme/"],
    "buildkeep_tenant": [],
    "agent_templates_helm": "no-such-helm",
}
TOLD = [
    '(tenant "shop"): builders[0]: "kanico" is no builder (did you mean "kaniko"?)',
    '(tenant "shop"): bulders: unknown key (did you mean "builders"?)',
    '"shop" is the name of buildkeep_tenants[0] as well',
    'name: "Not_A_Label" is not of the right form',
    "(tenant \"blog\"): images[0]: 'acme/base' has no registry host",
    "(tenant \"blog\"): images[1]: 'ghcr.io/acme/base:1' names a tag",
    '(tenant "blog"): mode: "off" is not one of',
    "buildkeep_images[0]: ",
    'buildkeep_tenant: unknown variable (did you mean "buildkeep_tenants"?)',
    "agent_templates_helm: there is no command no-such-helm",
]


def refused(cluster: Cluster, variables: dict[str, Any]) -> str:
    """Run site.yml, which must fail once and at once, and return its one message."""
    before = cluster.everything(exact=True)
    done = cluster.run("site.yml", variables)
    assert done.code != 0
    assert (done.failed, done.changed) == (1, 0)
    assert done.text.count("fatal: ") == 1
    assert cluster.everything(exact=True) == before
    return message(done)


def message(run: Run) -> str:
    """The `msg` of the one failure."""
    line = next(line for line in run.text.splitlines() if line.startswith("fatal: "))
    return str(json.loads(line.partition("=> ")[2])["msg"])


@contextmanager
def old_cluster(folder: Path, minor: int) -> Iterator[Path]:
    """Give a kubeconfig of a server that says it is an older Kubernetes, and serves no kind that enforces anything."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind = {"kind": "Namespace", "name": "namespaces", "namespaced": False, "verbs": ["get"]}
            known: dict[str, dict[str, Any]] = {
                "/version": {"major": "1", "minor": str(minor), "gitVersion": f"v1.{minor}.9"},
                "/api/v1": {"resources": [kind]},
                "/api/v1/namespaces/jenkins": {"metadata": {"name": "jenkins"}},
            }
            missing = {"kind": "Status", "code": 404, "reason": "NotFound"}
            self._answer(200 if self.path in known else 404, known.get(self.path, missing))

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(201, {"status": {"allowed": True}})

        def _answer(self, status: int, content: dict[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Keep the test's output clean."""

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "old",
        "clusters": [{"name": "old", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "old", "user": {}}],
        "contexts": [{"name": "old", "context": {"cluster": "old", "user": "old"}}],
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config), encoding="utf-8")
    try:
        yield path
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_every_mistake_and_a_missing_cluster_in_one_message(cluster: Cluster, tmp_path: Path) -> None:
    """Inventory, command and cluster are looked at together."""
    nowhere = tmp_path / "no-such-kubeconfig"
    told = refused(cluster, {**MISTAKES, "buildkeep_kubeconfig": str(nowhere)})
    for words in [*TOLD, str(nowhere)]:
        assert words in told


def test_no_tenants(cluster: Cluster) -> None:
    """Neither a variable that is missing nor an empty list may pass for "nothing to do"."""
    assert "buildkeep_tenants: names no tenant" in refused(cluster, {})


def test_no_rights_and_no_controller(cluster: Cluster, api_server: ApiServer) -> None:
    """Each right that is missing is named."""
    told = refused(cluster, {**SHOP, "buildkeep_kubeconfig": str(api_server.kubeconfig(POOR))})
    for words in ("namespaces", "validatingadmissionpolicies", "tenants.buildkeep.dev", "impersonate"):
        assert words in told


def test_the_controllers_namespace_is_missing(cluster: Cluster) -> None:
    """Its clouds could be given to nobody."""
    told = refused(cluster, {**SHOP, "buildkeep_controller": {"namespace": "no-jenkins"}})
    assert "namespace no-jenkins does not exist" in told


@pytest.mark.parametrize(
    ("minor", "told"),
    [
        (22, ["so nothing can be enforced: use Kubernetes 1.30 or newer (Kubernetes v1.22.9)"]),
        (29, ["not enforced: ", "images that are on no list", "buildkeep_unenforced: accept"]),
    ],
)
def test_a_cluster_too_old_beside_a_mistake(cluster: Cluster, tmp_path: Path, minor: int, told: list[str]) -> None:
    """What is missing there, and what would be left open."""
    with old_cluster(tmp_path, minor) as kubeconfig:
        known = refused(cluster, {"buildkeep_kubeconfig": str(kubeconfig), "buildkeep_pod_defaults": "x", **SHOP})
        assert "buildkeep_pod_defaults: " in known
        message = refused(cluster, {"buildkeep_kubeconfig": str(kubeconfig), **SHOP})
    for words in told:
        assert words in message


def test_state_absent_is_not_for_site(cluster: Cluster) -> None:
    """In the order of site.yml the walls would go first."""
    assert "run buildkeep.ci.remove" in refused(cluster, {**SHOP, "buildkeep_state": "absent"})


def test_an_inventory_without_our_group_is_no_success(cluster: Cluster, tmp_path: Path) -> None:
    """A pattern that matches nothing would end with exit code 0."""
    empty = tmp_path / "hosts.yml"
    empty.write_text("all: {hosts: {somebody: {ansible_connection: local}}}", encoding="utf-8")
    for playbook in ("site.yml", "buildkeep.ci.remove"):
        done = cluster.run(playbook, {}, inventory=empty)
        assert done.code != 0
        assert "no host and no group named buildkeep" in done.text

"""The token of a Jenkins outside of the cluster: the role's own objects and script, against a real API server."""

from __future__ import annotations

import base64
import importlib.util
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import rbac_outside
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import connect
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings, read_settings

from testbed.apiserver import ApiServer
from tests.api.api import Api, Object, until
from tests.chart.rendering import ROOT

SPACE = "outside"
LOGIN = {"user": "renewer", "token": "11aa"}
SCRIPT = ROOT / "roles/rbac/files/renew.py"
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"


def inventory(url: str, **renewal: Any) -> Settings:
    """An inventory whose Jenkins is outside."""
    cluster = {"url": "https://kubernetes.example.com", "credentialsId": "cluster-token", **renewal}
    return read_settings(
        {"tenants": [{"name": "shop"}], "controller": {"namespace": SPACE, "url": url, "cluster": cluster}}
    )


@dataclass
class Jenkins:
    """What stands in for Jenkins' API of credentials, by which it knows ids and keeps what it was told."""

    url: str = ""
    known: set[str] = field(default_factory=set)
    status: int = 200
    told: list[Object] = field(default_factory=list)

    def answer(self, path: str, body: bytes, login: str) -> int:
        """The HTTP status of a POST."""
        text = {each.tag: each.text for each in ElementTree.fromstring(body)}  # noqa: S314 (our own script's)
        if base64.b64decode(login.removeprefix("Basic ")).decode() != "renewer:11aa":
            return 401
        if self.status != 200:
            return self.status
        if path == "/credentials/store/system/domain/_/createCredentials":
            self.known.add(str(text["id"]))
        elif path not in {f"/credentials/store/system/domain/_/credential/{each}/config.xml" for each in self.known}:
            return 404
        self.told.append(text)
        return 200


def loaded() -> Any:
    """The script as a module; a role's folder is no package."""
    spec = importlib.util.spec_from_file_location("renew", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def jenkins() -> Iterator[Jenkins]:
    """It, running."""
    made = Jenkins()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Answers."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(made.answer(self.path, body, self.headers["Authorization"]))
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_address[1]}/"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def objects(api_server: ApiServer, admin: Api) -> list[Object]:
    """What the role makes, on the server."""
    strict = {"pod-security.kubernetes.io/enforce": "restricted"}
    admin.create("/api/v1/namespaces", {"metadata": {"name": SPACE, "labels": strict}}).done()
    found = rbac_outside.outside(inventory("http://jenkins.example.com", renewal={"secret": "login"}))
    cluster = connect(str(api_server.kubeconfig()))
    for one in found:
        admin.create(cluster.resource(one["apiVersion"], one["kind"]).path(SPACE), one).done()
    return found


def environment(objects: list[Object], server: ApiServer, admin: Api, folder: Path, jenkins: Jenkins) -> dict[str, str]:
    """The CronJob's variables, with this server, this Jenkins, and what would be mounted in the pod."""
    (pod,) = (one["spec"]["jobTemplate"]["spec"]["template"]["spec"] for one in objects if one["kind"] == "CronJob")
    given = {each["name"]: each["value"] for each in pod["containers"][0]["env"]}
    account = f"/api/v1/namespaces/{SPACE}/serviceaccounts/{pod['serviceAccountName']}/token"
    own = admin.create(account, {"spec": {}})
    until(lambda: admin.account(SPACE, pod["serviceAccountName"]).create(target(given), {"spec": {}}), lambda a: a.ok)
    files = {"token": own.done()["status"]["token"], "ca.crt": server.ca.read_text(encoding="utf-8")}
    for name, texts in (("mounted", files), ("login", LOGIN)):
        (folder / name).mkdir()
        for file, text in texts.items():
            (folder / name / file).write_text(text, encoding="utf-8")
    ours = {"MOUNTED": str(folder / "mounted"), "LOGIN": str(folder / "login")}
    return {**given, **ours, "API": server.url, "JENKINS_URL": jenkins.url}


def target(given: dict[str, str]) -> str:
    """Where tokens of the controller's ServiceAccount are asked for."""
    return f"/api/v1/namespaces/{given['NAMESPACE']}/serviceaccounts/{given['ACCOUNT']}/token"


def run(given: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """One run of the script, as the CronJob starts it."""
    command = [sys.executable, "-I", str(SCRIPT)]
    return subprocess.run(command, env=given, capture_output=True, text=True, check=False, timeout=60)


def test_its_pod_fits_a_restricted_namespace(admin: Api, objects: list[Object]) -> None:
    """As the controller's own does."""
    (made,) = (one["spec"]["jobTemplate"]["spec"]["template"] for one in objects if one["kind"] == "CronJob")
    body = {**made, "metadata": {**made["metadata"], "name": "renewal"}}
    assert admin.pod(SPACE, body).ok
    body["spec"] = {**made["spec"], "securityContext": {}}
    refused = admin.pod(SPACE, body)
    assert 'violates PodSecurity "restricted' in refused.message


def test_a_token_is_made_renewed_and_ended(
    api_server: ApiServer, admin: Api, objects: list[Object], jenkins: Jenkins, tmp_path: Path
) -> None:
    """It is the controller's, lives as long as was said, and dies with the Secret; nothing else may be asked for."""
    given = environment(objects, api_server, admin, tmp_path, jenkins)
    for done in ("made", "renewed"):
        finished = run(given)
        assert (finished.returncode, finished.stderr) == (0, "")
        assert finished.stdout.startswith(f"credentials cluster-token {done}; the token expires 2")
    first, second = jenkins.told
    assert (second["id"], second["scope"]) == ("cluster-token", "SYSTEM")
    tokens = [str(each["secret"]) for each in (first, second)]
    assert not any(token in finished.stdout for token in tokens)
    claims = json.loads(base64.urlsafe_b64decode(tokens[1].split(".")[1] + "=="))
    assert claims["exp"] - claims["iat"] == 24 * 3600
    review = admin.create(REVIEWS, {"spec": {"token": tokens[1]}}).done()["status"]
    assert review["user"]["username"] == f"system:serviceaccount:{SPACE}:jenkins"
    renewer = admin.account(SPACE, "jenkins-token-renewal")
    assert renewer.create(f"/api/v1/namespaces/{SPACE}/serviceaccounts/default/token", {"spec": {}}).status == 403
    assert admin.account(SPACE, "jenkins").create(target(given), {"spec": {}}).status == 403
    admin.request("DELETE", f"/api/v1/namespaces/{SPACE}/secrets/jenkins-token").done()
    # The other one: what the API server knew of a token it keeps for ten seconds.
    until(lambda: admin.create(REVIEWS, {"spec": {"token": tokens[0]}}), lambda a: not a.body["status"].get("user"))
    finished = run(given)
    assert finished.returncode == 1
    assert 'the API server gives no token (404): secrets "jenkins-token" not found' in finished.stderr


@pytest.mark.parametrize(("login", "status", "said"), [("1", 200, "(401)"), ("", 403, "(403)"), ("", 302, "(302)")])
def test_a_refusal_of_jenkins_is_told_without_the_token(
    tmp_path: Path, jenkins: Jenkins, login: str, status: int, said: str
) -> None:
    """A redirect is no success, and is not followed: it would carry the token elsewhere."""
    renew = loaded()
    jenkins.status = status
    for name, text in LOGIN.items():
        (tmp_path / name).write_text(text + login, encoding="utf-8")
    with pytest.raises(renew.RenewalError) as caught:
        renew.store("s3cret", {"JENKINS_URL": jenkins.url, "CREDENTIALS_ID": "x"}, tmp_path)
    assert said in str(caught.value)
    assert "Credentials/Update" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    jenkins_gone = {"JENKINS_URL": "http://127.0.0.1:9/", "CREDENTIALS_ID": "x"}
    with pytest.raises(renew.RenewalError, match=r"http://127.0.0.1:9/.* does not answer"):
        renew.store("s3cret", jenkins_gone, tmp_path)

"""Pruning, interruption, and errors that say what to do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

from testbed.apiserver import ApiServer
from tests.api.api import Api
from tests.api.apply_support import Engine, configmap, namespace
from tests.conftest import ROOT

MANY = 1000


@pytest.fixture
def engine(api_server: ApiServer, request: pytest.FixtureRequest) -> Engine:
    """An engine whose owner is the test itself."""
    return Engine(api_server, owner=request.node.name[:60].strip("_"))


def test_pruning_reaches_only_the_owner_the_kinds_and_the_tenants(engine: Engine, api_server: ApiServer) -> None:
    names = ("a", "b", "c")
    wanted = [configmap("default", f"prune-{name}", {"k": "v"}, tenant=name) for name in names]
    engine.run(*wanted)
    Engine(api_server, owner="somebody").run(configmap("default", "prune-other", {"k": "v"}, tenant="b"))

    assert engine.run(wanted[0], prune=["v1/Secret"]).actions == {"ConfigMap default/prune-a": "unchanged"}
    assert engine.run(wanted[0], prune=["v1/ConfigMap"], tenants=[]).actions.keys() == {"ConfigMap default/prune-a"}
    one = engine.run(wanted[0], prune=["v1/ConfigMap"], tenants=["b"])
    assert one.actions == {"ConfigMap default/prune-a": "unchanged", "ConfigMap default/prune-b": "deleted"}
    rest = engine.run(wanted[0], prune=["v1/ConfigMap"])
    assert rest.actions == {"ConfigMap default/prune-a": "unchanged", "ConfigMap default/prune-c": "deleted"}
    other = Engine(api_server, owner="somebody").run(state="absent", prune=["v1/ConfigMap"])
    assert other.actions == {"ConfigMap default/prune-other": "deleted"}
    assert engine.run(state="absent", prune=["v1/ConfigMap"], tenants=["a"]).changed


def test_a_killed_run_is_completed_by_the_next(
    engine: Engine, api_server: ApiServer, admin: Api, tmp_path: Path
) -> None:
    items = [configmap("default", f"killed-{number}", {"k": "v"}) for number in range(MANY)]
    arguments = {"owner": "killed", "kubeconfig": str(api_server.kubeconfig()), "manifests": items}
    play = [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [
        {"name": "Apply", "buildkeep.ci.apply": arguments}]}]  # fmt: skip
    (tmp_path / "play.json").write_text(json.dumps(play), encoding="utf-8")
    selector = "/api/v1/namespaces/default/configmaps?limit=1&labelSelector=buildkeep.dev/role=killed"
    run = subprocess.Popen(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", str(tmp_path / "play.json")],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    end = time.monotonic() + 60
    while not admin.request("GET", selector).done()["items"]:
        assert run.poll() is None
        assert time.monotonic() < end
    workers = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text(encoding="ascii").split()
    for process in (*map(int, workers), run.pid):  # a worker outlives its parent
        os.kill(process, signal.SIGKILL)
    run.wait()

    finisher = Engine(api_server, owner="killed")
    actions = list(finisher.run(*items).actions.values())
    assert len(actions) == MANY
    assert 0 < actions.count("unchanged") < MANY
    # A request that was under way may have landed after we looked.
    assert set(actions) <= {"created", "unchanged", "adopted"}
    assert not finisher.run(*items).changed
    assert set(finisher.run(state="absent", prune=["v1/ConfigMap"]).actions.values()) == {"deleted"}


def test_check_mode_of_a_first_run(engine: Engine, admin: Api) -> None:
    checked = engine.run(namespace("apply-later"), configmap("apply-later", "a", {"k": "v"}), check=True, diff=True)
    assert checked.actions == {"Namespace apply-later": "created", "ConfigMap apply-later/a": "created"}
    assert len(checked.raw["diff"]) == 2
    assert admin.request("GET", "/api/v1/namespaces/apply-later").status == 404


def test_all_problems_of_a_stage_come_at_once(engine: Engine) -> None:
    wrong = {**configmap("default", "wrong", {}), "dta": {}}
    with pytest.raises(BuildkeepError) as caught:
        engine.run(wrong, configmap("nowhere", "a", {}), configmap("default", "Not-A-Name", {}))
    text = str(caught.value)
    assert "apply ConfigMap default/wrong" in text
    assert ".dta: field not declared in schema" in text
    assert 'apply ConfigMap nowhere/a: NotFound (404): namespaces "nowhere" not found; make it first' in text
    assert "apply ConfigMap default/Not-A-Name: Invalid (422)" in text


def test_what_no_api_server_could_do_is_refused_first(engine: Engine, admin: Api) -> None:
    homeless = {**configmap("", "homeless", {}), "metadata": {"name": "homeless"}}
    with pytest.raises(BuildkeepError, match=r"metadata.namespace is missing"):
        engine.run(configmap("default", "first", {}), homeless)
    assert admin.request("GET", "/api/v1/namespaces/default/configmaps/first").status == 404
    with pytest.raises(BuildkeepError, match=r"does not serve Widget in v1"):
        engine.run({**configmap("default", "x", {}), "kind": "Widget"})
    with pytest.raises(BuildkeepError, match=r"does not serve Widget in acme.example/v1"):
        engine.run(prune=["acme.example/v1/Widget"])
    assert not engine.run(prune=["acme.example/v1/Widget", "v1/Widget"], state="absent").changed
    with pytest.raises(BuildkeepError, match="given twice"):
        engine.run(configmap("default", "x", {}), configmap("default", "x", {}))


def test_a_namespace_that_never_goes_ends_the_wait(api_server: ApiServer, admin: Api) -> None:
    owner = Engine(api_server, owner="stuck")
    owner.run(namespace("apply-stuck"))
    with pytest.raises(BuildkeepError, match=r"Namespace apply-stuck is not gone after 1 s .*finalizers kubernetes"):
        owner.run(state="absent", prune=["v1/Namespace"], timeout=1.0)
    # A run that died while it waited: the next one waits on.
    with pytest.raises(BuildkeepError, match="apply-stuck is not gone"):
        owner.run(state="absent", prune=["v1/Namespace"], timeout=1.0)
    item = admin.request("GET", "/api/v1/namespaces/apply-stuck").done()
    item["spec"]["finalizers"] = []
    admin.request("PUT", "/api/v1/namespaces/apply-stuck/finalize", item).done()
    assert not owner.run(state="absent", prune=["v1/Namespace"], timeout=1.0).changed


def test_a_kubeconfig_that_is_wrong(engine: Engine, api_server: ApiServer, tmp_path: Path) -> None:
    with pytest.raises(BuildkeepError, match=r"kubeconfig /no/such: .*set buildkeep_kubeconfig"):
        engine.run(kubeconfig="/no/such")
    config = json.loads(api_server.kubeconfig().read_text(encoding="utf-8"))
    with pytest.raises(BuildkeepError, match="context other"):
        engine.run(context="other")
    config["users"][0]["user"]["token"] = "stale"  # noqa: S105
    (tmp_path / "stale").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(BuildkeepError, match=r"Unauthorized \(401\).*log in again"):
        engine.run(configmap("default", "x", {}), kubeconfig=str(tmp_path / "stale"))
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    (tmp_path / "dead").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(BuildkeepError, match=r"no answer from the API server https://127.0.0.1:1: .*start the cluster"):
        engine.run(configmap("default", "x", {}), kubeconfig=str(tmp_path / "dead"))


def test_secrets_never_show(engine: Engine) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hush", "namespace": "default"}}
    for value in ("hunter2", "hunter3"):
        done = engine.run({**secret, "stringData": {"password": value}}, diff=True)
        shown = json.dumps(done.raw)
        assert done.changed
        assert done.raw["diff"][0]["before"] != done.raw["diff"][0]["after"]
        assert "hunter" not in shown
        assert "aHVudGVy" not in shown  # the same in base64
    assert engine.run(state="absent", prune=["v1/Secret"]).changed

"""A release of Jenkins on a real API server: installed once, changed, refused, interrupted, taken away."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import jenkins_pending
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

from tests.api.api import Api
from tests.api.jenkins_world import World, pending

ADMIN = {"jenkins-admin-user": "boss", "jenkins-admin-password": "not-to-be-seen"}


@pytest.fixture
def world(admin: Api, request: pytest.FixtureRequest) -> World:
    """A namespace of the test's own."""
    return World(admin, request.node.name.replace("_", "-")[:60].strip("-"))


def test_a_first_run_is_announced_where_nothing_is_there_yet(admin: Api) -> None:
    """Not even the namespace, which the role makes before."""
    world = World(admin, "jenkins-nowhere", make=False)
    assert world.run("planned") == {"changed": False, "msg": "8 objects would change"}
    announced = world.run(check=True)
    headers = {entry["after_header"] for entry in announced["diff"]}
    assert announced["changed"] and "Secret jenkins-nowhere/jenkins-admin" in headers
    assert world.admin.request("GET", world.path).status == 404


def test_installed_once_and_then_as_wanted(world: World) -> None:
    announced = world.run(check=True)
    assert announced["changed"] and world.get("secrets")["items"] == []
    made = world.run()
    headers = {entry["after_header"] for entry in announced["diff"]}
    assert headers == {entry["after_header"] for entry in made["diff"]}
    assert {f"Secret {world.namespace}/jenkins-admin", f"StatefulSet {world.namespace}/jenkins"} <= headers
    found = {**world.secret("jenkins-admin"), **world.secret("jenkins-casc-reload")}
    assert found.pop("jenkins-admin-user") == "admin"
    assert len(set(found.values())) == 2 and min(map(len, found.values())) >= 40
    everything = world.everything()
    for again in (world.run(), world.run(check=True), world.run("planned")):
        assert not again["changed"] and "diff" not in again
    assert world.everything() == everything
    shown = json.dumps([announced, made])
    assert [value for value in found.values() if value in shown] == []


def test_an_upgrade_keeps_the_claim_and_secrets(world: World) -> None:
    world.run()
    before = world.everything()
    change: dict[str, Any] = {"values": {"controller": {"nodeSelector": {"pool": "ci"}}}}
    announced = world.run(check=True, **change)
    assert world.everything() == before
    done = world.run(**change)
    assert announced["diff"] == done["diff"]
    (entry,) = done["diff"]
    assert "pool: ci" in entry["after"] and "pool: ci" not in entry["before"]
    after = world.everything()
    (old,), (new,) = before["persistentvolumeclaims"], after["persistentvolumeclaims"]
    assert (new["metadata"]["uid"], new["spec"]) == (old["metadata"]["uid"], old["spec"])
    ours = [one for one in before["secrets"] if one["type"] == "Opaque"]
    assert [one for one in after["secrets"] if one["type"] == "Opaque"] == ours
    assert not world.run(**change)["changed"]


def test_what_somebody_changed_by_hand_is_put_back(world: World) -> None:
    world.run()
    path = f"/apis/apps/v1/namespaces/{world.namespace}/statefulsets/jenkins"
    by_hand = {"spec": {"template": {"spec": {"serviceAccountName": "default"}}}}
    world.admin.patch(path, by_hand).done()
    done = world.run()
    assert [entry["after_header"] for entry in done["diff"]] == [f"StatefulSet {world.namespace}/jenkins"]
    spec = world.admin.request("GET", path).done()["spec"]["template"]["spec"]
    assert spec["serviceAccountName"] == "jenkins"
    assert not world.run()["changed"]


def test_what_cannot_be_changed_in_place_is_refused_with_a_remedy(world: World) -> None:
    storage = {"class": "fast"}
    world.run(storage=storage)
    told = world.refused("present", storage={**storage, "size": "10Gi"})
    assert "cannot be changed in place" in told and "back to size 20Gi, class fast" in told
    told = world.refused(storage={"class": "slow"})
    assert f"PersistentVolumeClaim {world.namespace}/jenkins: cannot be changed" in told
    told = world.refused(storage=storage, values={"controller": {"componentName": "other"}})
    assert f"StatefulSet {world.namespace}/jenkins: cannot be changed" in told and "--cascade=orphan" in told


def test_refused_before_anything_is_there(world: World) -> None:
    told = world.refused("present", values={"controller": {"testEnabled": True, "javaOpt": "-Xmx1g"}})
    assert "values.controller.testEnabled: " in told and 'did you mean "javaOpts"?' in told
    folders = {"shop": {"credentials": [{"id": "a", "kind": "secretText", "secret": "none"}]}}
    assert f"there is no Secret {world.namespace}/none" in world.refused(folders=folders)
    assert "serve HTTPRoute" in world.refused(route={"host": "a.example", "gateway": "a", "listener": "b"})


def test_a_jenkins_of_others_is_not_taken_over(world: World) -> None:
    body = {"metadata": {"name": "jenkins"}, "spec": {"ports": [{"port": 8080}], "selector": {"a": "b"}}}
    world.admin.create(f"{world.path}/services", body).done()
    assert f"Service {world.namespace}/jenkins is there already and was made by somebody" in world.refused("present")


def test_an_administrator_of_the_users_own(world: World) -> None:
    secret = {"metadata": {"name": "mine"}, "stringData": {"jenkins-admin-user": "boss"}}
    world.admin.create(f"{world.path}/secrets", secret).done()
    told = world.refused("present", admin={"secret": "mine"})
    assert f"Secret {world.namespace}/mine has no key jenkins-admin-password" in told
    world.admin.patch(f"{world.path}/secrets/mine", {"stringData": ADMIN}).done()
    done = world.run(admin={"secret": "mine"})
    assert world.secret("mine") == ADMIN
    assert ADMIN["jenkins-admin-password"] not in json.dumps(done)
    assert "jenkins-admin" not in [one["metadata"]["name"] for one in world.get("secrets")["items"]]


def test_an_upgrade_that_would_delete_a_secret_is_refused(world: World) -> None:
    """As where the release of before kept the password in one of its own."""
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "precious"}, "stringData": {"a": "b"}}
    settings: dict[str, Any] = {"values": {"extraObjects": [secret]}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_plugin.judge", lambda *_: [])
        world.run(**settings)
    told = world.refused("present")
    keep = f"kubectl -n {world.namespace} annotate secret precious helm.sh/resource-policy=keep"
    assert "the upgrade would delete it" in told and keep in told
    annotated = {"metadata": {"annotations": {"helm.sh/resource-policy": "keep"}}}
    world.admin.patch(f"{world.path}/secrets/precious", annotated).done()
    world.run()
    assert world.secret("precious") == {"a": "b"}


def test_a_run_that_died_is_done_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jenkins_pending, "GRACE_SECONDS", 1.0)
    world.run()
    record = f"{world.path}/secrets/sh.helm.release.v1.jenkins.v1"
    pending(world, record)
    assert world.run("planned")["msg"] != "nothing to do"
    done = world.run()
    assert "left pending-upgrade by a run that died" in done["warnings"][0]
    assert not world.run()["changed"]


def test_readiness_that_does_not_come_says_what_holds_it_up(world: World) -> None:
    with pytest.raises(BuildkeepError, match="there is no StatefulSet"):
        world.run("ready")
    world.run()
    with pytest.raises(BuildkeepError, match="not ready within 1 s: no pod of it has been made yet"):
        world.run("ready")
    world.run("ready", timeout=0)
    event = {
        "metadata": {"name": "jenkins.1"},
        "involvedObject": {"kind": "StatefulSet", "name": "jenkins", "namespace": world.namespace},
        "type": "Warning",
        "message": "pods jenkins-0 is forbidden: violates PodSecurity",
    }
    world.admin.create(f"{world.path}/events", event).done()
    with pytest.raises(BuildkeepError, match="StatefulSet jenkins: pods jenkins-0 is forbidden"):
        world.run("ready")
    path = f"/apis/apps/v1/namespaces/{world.namespace}/statefulsets/jenkins"
    status = {"replicas": 1, "readyReplicas": 1, "observedGeneration": 1}
    world.admin.patch(f"{path}/status", {"status": status}).done()
    world.run("ready")


def test_taken_away_but_for_jenkins_home(world: World) -> None:
    assert world.run("absent") == {"changed": False, "msg": "nothing to do"}
    world.run()
    announced = world.run("absent", check=True)
    assert announced["changed"] and len(world.everything()["statefulsets"]) == 1
    done = world.run("absent")
    assert "PersistentVolumeClaim jenkins (20Gi)" in done["warnings"][0]
    left = world.everything()
    assert [one["metadata"]["name"] for one in left["persistentvolumeclaims"]] == ["jenkins"]
    assert left["statefulsets"] == left["services"] == []
    assert not world.run("absent")["changed"]
    claim = left["persistentvolumeclaims"][0]["metadata"]["uid"]
    world.run()
    assert world.get("persistentvolumeclaims")["items"][0]["metadata"]["uid"] == claim


def test_helm_3_does_the_same(admin: Api) -> None:
    world = World(admin, "jenkins-helm3", "helm3")
    assert world.run()["changed"]
    assert not world.run()["changed"]
    change: dict[str, Any] = {"values": {"controller": {"nodeSelector": {"pool": "ci"}}}}
    assert world.run(**change)["changed"]
    assert "cannot be changed in place" in world.refused(storage={"size": "1Gi"})
    assert world.run("absent")["changed"]


def test_a_jenkins_of_somebody_else_is_looked_at(world: World) -> None:
    told = world.run("adopted")["warnings"]
    assert ["no ServiceAccount" in text for text in told] == [True]
    labels = {"jenkins-jenkins-config": "true"}
    data = {"a.yaml": "jenkins: {clouds: [{kubernetes: {name: shop}}, {kubernetes: {name: old}}]}"}
    world.admin.create(f"{world.path}/configmaps", {"metadata": {"name": "c", "labels": labels}, "data": data}).done()
    told = world.run("adopted")["warnings"]
    assert 'has a cloud "shop" of its own' in told[1] and 'has the cloud "old", which is no tenant' in told[2]

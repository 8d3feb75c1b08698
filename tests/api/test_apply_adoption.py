"""What others made: taken over, remembered, put back; and kept where it is in the way."""

from __future__ import annotations

import json

import pytest

from testbed.apiserver import ApiServer
from tests.api.api import Api, Object
from tests.api.apply_support import Engine, configmap, namespace, namespace_controller

ENFORCE = "pod-security.kubernetes.io/enforce"
OURS = {"buildkeep.dev/mode": "audit", ENFORCE: "restricted"}
KINDS = ["v1/Namespace", "v1/ConfigMap"]


@pytest.fixture(scope="module")
def engine(api_server: ApiServer) -> Engine:
    return Engine(api_server, owner="adoption")


def metadata(admin: Api, name: str) -> Object:
    found: Object = admin.request("GET", f"/api/v1/namespaces/{name}").done()["metadata"]
    return found


def test_a_namespace_is_taken_over_and_put_back(engine: Engine, admin: Api) -> None:
    before = {"labels": {"team": "x", ENFORCE: "privileged"}, "annotations": {"note": "theirs"}}
    admin.create("/api/v1/namespaces", {"metadata": {"name": "apply-adopted", **before}}).done()
    wanted = namespace("apply-adopted", OURS, {"buildkeep.dev/images": "gcr.io/x"})

    first = engine.run(wanted)
    assert first.actions == {"Namespace apply-adopted": "adopted"}
    assert ENFORCE in first.warnings
    now = metadata(admin, "apply-adopted")
    assert now["labels"].items() >= {"team": "x", **OURS}.items()
    assert "buildkeep.dev/created" not in now["annotations"]
    remembered = json.loads(now["annotations"]["buildkeep.dev/before"])["metadata"]
    assert remembered["labels"][ENFORCE] == "privileged"
    assert remembered["labels"]["buildkeep.dev/mode"] is None
    assert not engine.run(wanted).changed

    # A label that we want no more becomes theirs again; one wanted only now is remembered as well.
    admin.patch("/api/v1/namespaces/apply-adopted", {"metadata": {"labels": {"late": "theirs"}}}).done()
    engine.run(namespace("apply-adopted", {"late": "ours"}))
    assert metadata(admin, "apply-adopted")["labels"].items() >= {ENFORCE: "privileged", "late": "ours"}.items()
    assert not engine.run(namespace("apply-adopted", {"late": "ours"})).changed

    checked = engine.run(state="absent", prune=KINDS, check=True)
    assert checked.actions == {"Namespace apply-adopted": "restored"}
    assert metadata(admin, "apply-adopted")["labels"]["late"] == "ours"
    assert engine.run(state="absent", prune=KINDS).actions == checked.actions
    now = metadata(admin, "apply-adopted")
    assert now["labels"] == {"team": "x", ENFORCE: "privileged", "late": "theirs"} | {
        "kubernetes.io/metadata.name": "apply-adopted"
    }
    assert now["annotations"] == {"note": "theirs"}
    assert not engine.run(state="absent", prune=KINDS).changed


def test_an_object_in_a_namespace_is_taken_over_and_given_back(engine: Engine, admin: Api) -> None:
    path = "/api/v1/namespaces/default/configmaps"
    admin.create(path, {"metadata": {"name": "theirs"}, "data": {"a": "1", "b": "2"}}).done()
    wanted = configmap("default", "theirs", {"a": "9", "c": "3"})
    changed = engine.run(wanted)
    assert changed.actions == {"ConfigMap default/theirs": "adopted"}
    assert "data.a" in changed.warnings
    assert admin.request("GET", path + "/theirs").done()["data"] == {"a": "9", "b": "2", "c": "3"}
    assert not engine.run(wanted).changed
    for check in (True, False):
        removed = engine.run(state="absent", prune=KINDS, check=check)
        assert removed.actions == {"ConfigMap default/theirs": "released"}
    after = admin.request("GET", path + "/theirs").done()
    assert after["data"] == {"b": "2"}
    assert not after["metadata"].get("labels")
    assert not after["metadata"].get("annotations")
    assert not engine.run(state="absent", prune=KINDS).changed


def test_fields_that_somebody_changed_are_taken_back_with_a_warning(engine: Engine, admin: Api) -> None:
    engine.run(configmap("default", "edited", {"a": "1"}))
    admin.patch("/api/v1/namespaces/default/configmaps/edited?fieldManager=hand", {"data": {"a": "2"}}).done()
    for check in (True, False):
        again = engine.run(configmap("default", "edited", {"a": "1"}), check=check, diff=True)
        assert again.actions == {"ConfigMap default/edited": "changed"}
        assert "took over" in again.warnings
        assert '"hand"' in again.warnings
        assert "a: '2'" in again.raw["diff"][0]["before"]
    assert engine.run(state="absent", prune=KINDS).actions == {"ConfigMap default/edited": "deleted"}


def test_a_namespace_of_ours_goes(engine: Engine, api_server: ApiServer, admin: Api) -> None:
    wanted = (namespace("apply-ours", OURS), configmap("apply-ours", "a", {"k": "v"}))
    assert set(engine.run(*wanted).actions.values()) == {"created"}
    assert metadata(admin, "apply-ours")["annotations"]["buildkeep.dev/created"] == "true"
    gone = {"Namespace apply-ours": "deleted", "ConfigMap apply-ours/a": "deleted"}
    assert engine.run(state="absent", prune=KINDS, check=True).actions == gone
    assert admin.request("GET", "/api/v1/namespaces/apply-ours/configmaps/a").ok
    with namespace_controller(api_server):
        assert engine.run(state="absent", prune=KINDS).actions == gone
    assert admin.request("GET", "/api/v1/namespaces/apply-ours").status == 404
    assert not engine.run(state="absent", prune=KINDS).changed


def test_a_namespace_of_ours_stays_for_what_others_put_in(engine: Engine, admin: Api) -> None:
    engine.run(namespace("apply-kept", OURS), configmap("apply-kept", "a", {"k": "v"}))
    admin.create("/api/v1/namespaces/apply-kept/secrets", {"metadata": {"name": "token"}}).done()
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    admin.create(
        "/api/v1/namespaces/apply-kept/persistentvolumeclaims", {"metadata": {"name": "cache"}, "spec": claim}
    ).done()
    admin.create("/api/v1/namespaces/apply-kept/serviceaccounts", {"metadata": {"name": "default"}}).done()
    for check in (True, False):
        removed = engine.run(state="absent", prune=KINDS, check=check)
        assert removed.actions == {"ConfigMap apply-kept/a": "deleted", "Namespace apply-kept": "kept"}
        assert "holds PersistentVolumeClaim cache, Secret token;" in removed.warnings
        assert "buildkeep.dev/mode" in metadata(admin, "apply-kept")["labels"] or not check
    now = metadata(admin, "apply-kept")
    assert now["labels"] == {"kubernetes.io/metadata.name": "apply-kept"}
    assert not now.get("annotations")
    assert admin.request("GET", "/api/v1/namespaces/apply-kept/configmaps/a").status == 404
    assert admin.request("GET", "/api/v1/namespaces/apply-kept/secrets/token").ok


def test_many_namespaces_are_looked_at_together(engine: Engine, api_server: ApiServer, admin: Api) -> None:
    names = [f"apply-many-{number}" for number in range(12)]
    engine.run(*[namespace(name, OURS) for name in names])
    admin.create(f"/api/v1/namespaces/{names[3]}/secrets", {"metadata": {"name": "token"}}).done()
    with namespace_controller(api_server):
        removed = engine.run(state="absent", prune=KINDS)
    kept = {key.rpartition(" ")[2] for key, action in removed.actions.items() if action == "kept"}
    assert kept == {names[3]}
    assert "holds Secret token;" in removed.warnings
    assert len(removed.actions) == len(names)


def test_a_namespace_on_its_way_out_is_waited_for_and_made_anew(
    engine: Engine, api_server: ApiServer, admin: Api
) -> None:
    wanted = (namespace("apply-again", OURS), configmap("apply-again", "a", {"k": "v"}))
    engine.run(*wanted)
    admin.request("DELETE", "/api/v1/namespaces/apply-again").done()
    assert engine.run(*wanted, check=True).actions["Namespace apply-again"] == "created"
    with namespace_controller(api_server):
        assert set(engine.run(*wanted).actions.values()) == {"created"}
    assert metadata(admin, "apply-again")["annotations"]["buildkeep.dev/created"] == "true"
    with namespace_controller(api_server):
        engine.run(state="absent", prune=KINDS)

"""Claims of a tenant, and the volumes behind them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.api import Api, Object
from tests.api.guarded import CONTROLLERS, allow, almighty, manage, one, sentence

SPACE = "ci-storage"
CLAIMS = f"/api/v1/namespaces/{SPACE}/persistentvolumeclaims"
VOLUMES = "/api/v1/persistentvolumes"
CLASSES = "fast, slow"
KEYS = "those of kubectl and Helm"
SOURCE = "a PersistentVolumeClaim or VolumeSnapshot of this namespace"
BINDER = f"{CONTROLLERS}:persistent-volume-binder"


def claim(name: str = "new", metadata: Object | None = None, **spec: Any) -> Object:
    """A claim of an allowed class."""
    size = {"requests": {"storage": "1Gi"}}
    honest = {"storageClassName": "fast", "accessModes": ["ReadWriteOnce"], "resources": size}
    return {"metadata": {"name": name, **(metadata or {})}, "spec": {**honest, **spec}}


def volume(name: str = "new", namespace: str = SPACE, kind: str = "manual", **spec: Any) -> Object:
    """A volume of a node's files, bound to a claim of a namespace."""
    reference = {"namespace": namespace, "name": "theirs", "kind": "PersistentVolumeClaim", "apiVersion": "v1"}
    common = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": kind}
    source = {} if {"local", "nfs", "flexVolume", "csi"} & set(spec) else {"hostPath": {"path": "/"}}
    return {"metadata": {"name": name}, "spec": {**common, **source, "claimRef": reference, **spec}}


@pytest.fixture(scope="module")
def dev(admin: Api, shop: str) -> Api:
    """A user with every right in the namespace, where a claim stood before it became a tenant's."""
    user = almighty(admin, SPACE)
    admin.create(CLAIMS, claim("before", storageClassName="legacy")).done()
    return user


BAD_CLAIMS = [
    ({"storageClassName": "legacy"}, [("spec.storageClassName", "legacy", CLASSES)]),
    ({"storageClassName": ""}, [("spec.storageClassName", "", CLASSES)]),
    ({"storageClassName": None}, [("spec.storageClassName", "", CLASSES)]),
    ({"volumeName": "theirs"}, [("spec.volumeName", "theirs", "none; the cluster binds a volume")]),
    ({"volumeMode": "Block"}, [("spec.volumeMode", "Block", "Filesystem")]),
    (
        {"dataSourceRef": {"kind": "Populator", "apiGroup": "example.com", "name": "x"}},
        [("spec.dataSourceRef", f"{SPACE}/Populator/x", SOURCE)],
    ),
    (
        {"metadata": {"annotations": {"pathPattern/x": "../.."}}, "storageClassName": "legacy"},
        [("spec.storageClassName", "legacy", CLASSES), ("metadata.annotations", "pathPattern/x", KEYS)],
    ),
    *(
        ({"metadata": {"annotations": {key: "x"}}}, [("metadata.annotations", key, KEYS)])
        for key in (
            "volume.beta.kubernetes.io/storage-class",
            "volume.kubernetes.io/selected-node",
            "pv.kubernetes.io/bind-completed",
            "nfs.io/storage-path",
            "path",
        )
    ),
]


@pytest.mark.parametrize(("spec", "rows"), BAD_CLAIMS, ids=[str(spec) for spec, _ in BAD_CLAIMS])
def test_a_claim_is_a_file_system_of_an_allowed_class(
    admin: Api, dev: Api, spec: Object, rows: list[tuple[str, str, str]]
) -> None:
    answer = dev.create(CLAIMS, claim(**spec), dry=True)
    assert sentence(answer, "claims") == "; ".join(one("claims", *row) for row in rows)
    assert admin.create(CLAIMS, claim(**spec), dry=True).ok


@pytest.mark.parametrize(
    ("spec", "row"),
    [
        ({"volumeAttributesClassName": "gold"}, ("spec.volumeAttributesClassName", "gold", "none")),
        (
            {"dataSourceRef": {"kind": "PersistentVolumeClaim", "name": "x", "namespace": "other"}},
            ("spec.dataSourceRef", "other/PersistentVolumeClaim/x", SOURCE),
        ),
    ],
    ids=str,
)
def test_newer_fields_of_a_claim(admin: Api, dev: Api, spec: Object, row: tuple[str, str, str]) -> None:
    """1.30 drops them by default before any policy looks."""
    test_a_claim_is_a_file_system_of_an_allowed_class(admin, dev, spec, [row])


HONEST = [
    {},
    {"storageClassName": "slow", "accessModes": ["ReadWriteMany"], "volumeMode": "Filesystem"},
    {"dataSource": {"kind": "PersistentVolumeClaim", "name": "other"}},
    {"dataSource": {"kind": "VolumeSnapshot", "apiGroup": "snapshot.storage.k8s.io", "name": "other"}},
    {"selector": {"matchLabels": {"a": "b"}}},
    {"metadata": {"annotations": {"meta.helm.sh/release-name": "x"}, "labels": {"purpose": "cache"}}},
]


@pytest.mark.parametrize("spec", HONEST, ids=str)
def test_honest_claims_are_free(dev: Api, spec: Object) -> None:
    answer = dev.create(CLAIMS, claim(**spec), dry=True)
    assert answer.ok and not answer.warnings, answer.message


def test_a_claim_changes_only_for_the_cluster(admin: Api, dev: Api) -> None:
    dev.create(CLAIMS, claim("growing")).done()
    path = f"{CLAIMS}/growing"
    named = {"spec": {"volumeName": "theirs"}}
    node = {"metadata": {"annotations": {"volume.kubernetes.io/selected-node": "one"}}}
    refusals = {
        path: (named, ("spec.volumeName", "theirs", "none; the cluster binds a volume")),
        f"{path}?": (node, ("metadata.annotations", "volume.kubernetes.io/selected-node", KEYS)),
        f"{path}/status": (node, ("metadata.annotations", "volume.kubernetes.io/selected-node", KEYS)),
    }
    for url, (change, row) in refusals.items():
        assert sentence(dev.patch(url.rstrip("?"), change, dry=True), "claims") == one("claims", *row)
    # With the rights that every cluster gives the binder and the scheduler.
    binder = admin.user(BINDER, "system:serviceaccounts")
    stored = admin.request("GET", path).done()
    completed = {"pv.kubernetes.io/bind-completed": "yes", "volume.kubernetes.io/storage-provisioner": "x"}
    stored["spec"]["volumeName"], stored["metadata"]["annotations"] = "theirs", completed
    binder.request("PUT", path, stored).done()
    assert admin.user("system:kube-scheduler").patch(path, node, dry=True).ok
    # What is there already is nobody's fault.
    assert dev.patch(path, {"metadata": {"labels": {"a": "b"}, "finalizers": ["example.com/x"]}}, dry=True).ok
    manage(admin, "storekeeper", SPACE)
    allow(admin, "storekeeper", "", ["persistentvolumeclaims"], ["patch"])
    assert admin.user("storekeeper").patch(path, node, dry=True).ok


def test_claims_of_before_live_and_go(dev: Api) -> None:
    old = f"{CLAIMS}/before"
    assert dev.patch(old, {"metadata": {"annotations": {"helm.sh/chart": "x"}, "labels": {"a": "b"}}}, dry=True).ok
    assert sentence(dev.patch(old, {"metadata": {"annotations": {"path": "x"}}}, dry=True), "claims") == one(
        "claims", "metadata.annotations", "path", KEYS
    )
    assert dev.request("DELETE", f"{old}?dryRun=All").ok


def test_a_claim_made_for_a_statefulset_is_held_to_the_same(admin: Api, dev: Api) -> None:
    """Its author is a controller with rights everywhere; the one who asked is the tenant."""
    controller = admin.user(f"{CONTROLLERS}:statefulset-controller", "system:serviceaccounts")
    refused = sentence(controller.create(CLAIMS, claim(storageClassName="legacy"), dry=True), "claims")
    assert refused == one("claims", "spec.storageClassName", "legacy", CLASSES)
    assert controller.create(CLAIMS, claim(), dry=True).ok


NODE = {"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Exists"}]}]}}
LOCAL = {"local": {"path": "/data"}, "nodeAffinity": NODE}


@pytest.fixture(scope="module")
def storekeeper(admin: Api, dev: Api) -> Api:
    """Who may write volumes, but does not manage tenants."""
    allow(admin, "keeper", "", ["persistentvolumes"], ["create", "patch", "update", "delete"])
    return admin.user("keeper")


OF_A_NODE = {
    "hostPath": ({}, "/"),
    "local": (LOCAL, "/data"),
    "flexVolume": ({"flexVolume": {"driver": "acme/mount"}}, "acme/mount"),
    "csi": ({"csi": {"driver": "hostpath.csi.k8s.io", "volumeHandle": "x"}}, "hostpath.csi.k8s.io"),
}


@pytest.mark.parametrize(("spec", "path"), OF_A_NODE.values(), ids=OF_A_NODE)
def test_files_of_a_node_are_bound_to_tenants_only_by_an_allowed_class(
    admin: Api, storekeeper: Api, spec: Object, path: str
) -> None:
    allowed = f"{CLASSES} for a volume of a node ({path}) and a claim of {SPACE}"
    expected = one("persistentvolumes", "spec.storageClassName", "manual", allowed)
    refused = storekeeper.create(VOLUMES, volume(**spec), dry=True)
    assert sentence(refused, "persistentvolumes", binding="") == expected
    for free in (volume(kind="fast", **spec), volume(namespace="other", **spec), volume(claimRef=None, **spec)):
        assert storekeeper.create(VOLUMES, free, dry=True).ok
    for source in (
        volume(nfs={"server": "s", "path": "/"}),
        volume(csi={"driver": "ebs.csi.aws.com", "volumeHandle": "x"}),
    ):
        assert storekeeper.create(VOLUMES, source, dry=True).ok
    assert admin.create(VOLUMES, volume(**spec), dry=True).ok


def test_an_unbound_volume_of_a_node_is_never_bound_to_a_tenants_claim(admin: Api, storekeeper: Api) -> None:
    storekeeper.create(VOLUMES, volume("free", claimRef=None)).done()
    binder = admin.user(BINDER, "system:serviceaccounts")
    stored = admin.request("GET", f"{VOLUMES}/free").done()
    bound = {**stored, "spec": {**stored["spec"], "claimRef": volume()["spec"]["claimRef"]}}
    refused = binder.request("PUT", f"{VOLUMES}/free?dryRun=All", bound)
    assert "[persistentvolumes] field spec.storageClassName: " in sentence(refused, "persistentvolumes", binding="")
    elsewhere = {**bound, "spec": {**bound["spec"], "claimRef": volume(namespace="other")["spec"]["claimRef"]}}
    assert binder.request("PUT", f"{VOLUMES}/free?dryRun=All", elsewhere).ok


def test_a_volume_that_a_manager_bound_is_counted_and_released(admin: Api, storekeeper: Api) -> None:
    admin.create(VOLUMES, volume("given")).done()
    path = f"{VOLUMES}/given"
    binder = admin.user(BINDER, "system:serviceaccounts")
    stored = admin.request("GET", path).done()
    stored["spec"]["claimRef"]["uid"] = "6f7c1f8e-0000-4000-8000-000000000001"
    stored["metadata"]["annotations"] = {"pv.kubernetes.io/bound-by-controller": "yes"}
    stored = binder.request("PUT", path, stored).done()
    assert storekeeper.patch(path, {"metadata": {"finalizers": ["example.com/x"]}}, dry=True).ok
    assert storekeeper.patch(path, {"spec": {"claimRef": None}}, dry=True).ok
    moved = storekeeper.patch(path, {"spec": {"claimRef": {"name": "other"}}}, dry=True)
    assert moved.status in {403, 422} and not moved.ok
    assert storekeeper.request("DELETE", f"{path}?dryRun=All").ok

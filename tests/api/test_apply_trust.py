"""What those who may write in a namespace can make us believe: nothing that they could not do themselves."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.removing_foreign import is_foreign

from testbed.apiserver import ApiServer
from tests.api.api import RBAC, Api, Object
from tests.api.apply_support import Engine, namespace

OWNER = "trust"
LABELS = {"app.kubernetes.io/managed-by": "buildkeep", "buildkeep.dev/role": OWNER}
EVERYTHING = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
LITTLE = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
DEV = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "dev"}
JENKINS = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "jenkins"}
RIGHTS = ["rbac.authorization.k8s.io/v1/Role", "rbac.authorization.k8s.io/v1/RoleBinding"]
KINDS = ["v1/Namespace", "v1/ServiceAccount", "v1/ResourceQuota", "v1/LimitRange", *RIGHTS]


@pytest.fixture
def engine(api_server: ApiServer) -> Engine:
    return Engine(api_server, owner=OWNER)


def item(kind: str, space: str, name: str, tenant: str = "", before: Any = None, **more: Any) -> Object:
    """An object; with `before` as somebody forged it: our labels, and a memory that undoes them."""
    version = "v1" if kind in {"ServiceAccount", "ResourceQuota", "LimitRange"} else "rbac.authorization.k8s.io/v1"
    labels = {"buildkeep.dev/tenant": tenant} if tenant else {}
    metadata: Object = {"name": name, "namespace": space, "labels": labels}
    if before is not None:
        metadata["labels"] |= LABELS
        undo = {"metadata": {"labels": dict.fromkeys(metadata["labels"])}}
        text = before if isinstance(before, str) else json.dumps({**undo, **before})
        metadata["annotations"] = {"buildkeep.dev/before": text}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def role(space: str, name: str, rules: Any = LITTLE, **more: Any) -> Object:
    return item("Role", space, name, rules=rules, **more)


def binding(space: str, name: str, subject: Object, to: str, **more: Any) -> Object:
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": to}
    return item("RoleBinding", space, name, roleRef=reference, subjects=[subject], **more)


def forged(space: str, tenant: str = "") -> list[Object]:
    """Rights that turn into all rights, and a ServiceAccount, all with our labels."""
    return [
        role(space, "evil", tenant=tenant, before={"rules": EVERYTHING}),
        binding(space, "evil", JENKINS, "evil", tenant=tenant, before={"subjects": [DEV]}),
        item("ServiceAccount", space, "evil", tenant=tenant, before={"secrets": "x"}),
    ]


def path(found: Object) -> str:
    root = "/api/v1" if found["apiVersion"] == "v1" else RBAC
    return f"{root}/namespaces/{found['metadata']['namespace']}/{found['kind'].lower()}s"


def create(admin: Api, *items: Object) -> list[Object]:
    return [admin.create(path(one), one).done() for one in items]


def get(admin: Api, found: Object) -> Object | None:
    answer = admin.request("GET", f"{path(found)}/{found['metadata']['name']}")
    return answer.body if answer.ok else None


def space_of(admin: Api, name: str) -> Object:
    found: Object = admin.request("GET", f"/api/v1/namespaces/{name}").done()["metadata"]
    return found


def test_forged_labels_in_a_tenants_namespace_give_nobody_rights(engine: Engine, admin: Api) -> None:
    wanted = [namespace("trust-a"), role("trust-a", "buildkeep-controller", tenant="trust-a")]
    engine.run(*wanted)
    evil = create(admin, *forged("trust-a", "trust-a"))
    for check in (True, False):
        done = engine.run(*wanted, prune=KINDS, tenants=["trust-a"], check=check)
        assert done.actions == {
            "Namespace trust-a": "unchanged", "Role trust-a/buildkeep-controller": "unchanged",
            "Role trust-a/evil": "deleted", "RoleBinding trust-a/evil": "deleted",
            "ServiceAccount trust-a/evil": "deleted",
        }  # fmt: skip
    assert [get(admin, one) for one in evil] == [None, None, None]


@pytest.mark.parametrize("tenant", ["", "trust-b"])
def test_forged_labels_elsewhere_do_nothing(engine: Engine, admin: Api, tenant: str) -> None:
    space = f"trust-elsewhere{tenant}"
    admin.create("/api/v1/namespaces", {"metadata": {"name": space}}).done()
    before = create(admin, *forged(space, tenant))
    kinds = [*RIGHTS, "v1/ServiceAccount"]
    for tenants in (["trust-b"], None):
        engine.run(namespace("trust-b"), prune=kinds, tenants=tenants)
        engine.run(state="absent", prune=kinds, tenants=tenants)
    assert [get(admin, one) for one in before] == before


def test_a_tenants_own_label_on_an_object_does_not_make_it_another_tenants(engine: Engine, admin: Api) -> None:
    engine.run(namespace("trust-c"), namespace("trust-d"))
    create(admin, *forged("trust-c", "trust-d"))
    assert not engine.run(state="absent", prune=RIGHTS, tenants=["trust-d"]).changed
    assert engine.run(state="absent", prune=RIGHTS, tenants=["trust-c"]).changed


def test_rights_go_when_a_tenant_leaves_whatever_is_written_on_them(engine: Engine, admin: Api) -> None:
    admin.create("/api/v1/namespaces", {"metadata": {"name": "trust-e", "labels": {"team": "x"}}}).done()
    wanted = [
        namespace("trust-e", {"team": "ours"}),
        role("trust-e", "buildkeep-controller"),
        binding("trust-e", "buildkeep-controller", JENKINS, "buildkeep-controller"),
    ]
    assert engine.run(*wanted).actions["Namespace trust-e"] == "adopted"
    for one, memory in ((wanted[1], {"rules": EVERYTHING}), (wanted[2], {"subjects": [DEV]})):
        marks = {"buildkeep.dev/before": json.dumps(memory), "buildkeep.dev/adopted": "true"}
        admin.patch(f"{path(one)}/buildkeep-controller", {"metadata": {"annotations": marks}}).done()
    assert engine.run(state="absent", prune=KINDS, tenants=["trust-e"]).actions == {
        "RoleBinding trust-e/buildkeep-controller": "deleted", "Role trust-e/buildkeep-controller": "deleted",
        "Namespace trust-e": "restored",
    }  # fmt: skip
    assert space_of(admin, "trust-e")["labels"] == {"team": "x", "kubernetes.io/metadata.name": "trust-e"}


def test_a_malformed_memory_stops_nobody(engine: Engine, admin: Api) -> None:
    engine.run(namespace("trust-f"))
    for number, memory in enumerate(("{oops", "[]", '"x"', '{"metadata": 7}', '{"metadata": {"labels": {"a": {}}}}')):
        create(admin, item("ServiceAccount", "trust-f", f"evil-{number}", before=memory))
        create(admin, role("trust-f", f"evil-{number}", before=memory))
    actions = engine.run(namespace("trust-f"), prune=KINDS, tenants=["trust-f"]).actions
    assert list(actions.values()) == ["unchanged"] + ["deleted"] * 10


def test_rights_of_somebody_else_are_refused_before_anything_is_changed(engine: Engine, admin: Api) -> None:
    admin.create("/api/v1/namespaces", {"metadata": {"name": "trust-g"}}).done()
    theirs = [role("trust-g", "one", EVERYTHING), binding("trust-g", "two", DEV, "one")]
    # With our labels, but to another role: no apply could put that right.
    theirs.append(binding("trust-g", "three", DEV, "one", before={}))
    before = create(admin, *theirs)
    wanted = [
        namespace("trust-g"), namespace("trust-h"), role("trust-g", "one"), binding("trust-g", "two", JENKINS, "one"),
        binding("trust-g", "three", JENKINS, "two"),
    ]  # fmt: skip
    for check in (True, False):
        with pytest.raises(BuildkeepError) as caught:
            engine.run(*wanted, check=check)
        assert sorted(caught.value.problems) == [
            "Role trust-g/one: somebody else made it, and Buildkeep takes over no rights; delete it or give it another "
            "name",
            "RoleBinding trust-g/three: its roleRef is not ours and cannot be changed in place; delete it",
            "RoleBinding trust-g/two: somebody else made it, and Buildkeep takes over no rights; delete it or give it "
            "another name",
        ]
    assert [get(admin, one) for one in before] == before
    assert "buildkeep.dev/tenant" not in space_of(admin, "trust-g")["labels"]
    assert admin.request("GET", "/api/v1/namespaces/trust-h").status == 404


def test_our_labels_on_foreign_rights_do_not_keep_their_content(engine: Engine, admin: Api) -> None:
    admin.create("/api/v1/namespaces", {"metadata": {"name": "trust-i"}}).done()
    create(admin, role("trust-i", "one", EVERYTHING, before={}), binding("trust-i", "one", DEV, "one", before={}))
    wanted = [namespace("trust-i"), role("trust-i", "one"), binding("trust-i", "one", JENKINS, "one")]
    engine.run(*wanted)
    found = [get(admin, one) or {} for one in wanted[1:]]
    assert (found[0]["rules"], found[1]["subjects"]) == (LITTLE, [JENKINS])


def test_a_memory_from_before_the_tenant_label_is_not_believed(engine: Engine, admin: Api) -> None:
    enforce = "pod-security.kubernetes.io/enforce"
    memory = json.dumps({"metadata": {"labels": {enforce: "privileged"}}})
    marks = {"buildkeep.dev/before": memory, "buildkeep.dev/created": "true"}
    admin.create("/api/v1/namespaces", {"metadata": {"name": "trust-j", "annotations": marks}}).done()
    engine.run(namespace("trust-j", {enforce: "restricted"}))
    assert engine.run(state="absent", prune=KINDS, tenants=["trust-j"]).actions == {"Namespace trust-j": "restored"}
    now = space_of(admin, "trust-j")
    assert now["labels"] == {"kubernetes.io/metadata.name": "trust-j"}


def test_a_namespace_remembers_labels_and_annotations_only(engine: Engine, admin: Api) -> None:
    admin.create("/api/v1/namespaces", {"metadata": {"name": "trust-k"}}).done()
    engine.run(namespace("trust-k"))
    memory = {"metadata": {"finalizers": ["x.test/stuck"], "labels": {"a": "b", "c": 7}, "ownerReferences": "x"}}
    text = json.dumps({**memory, "spec": {"finalizers": ["x"]}, "kind": "Pod"})
    admin.patch("/api/v1/namespaces/trust-k", {"metadata": {"annotations": {"buildkeep.dev/before": text}}}).done()
    assert engine.run(state="absent", prune=KINDS, tenants=["trust-k"]).actions == {"Namespace trust-k": "restored"}
    now = space_of(admin, "trust-k")
    assert now["labels"] == {"a": "b", "kubernetes.io/metadata.name": "trust-k"}
    assert "finalizers" not in now
    assert not now.get("annotations")


def test_a_namespace_is_found_by_its_tenant_whoever_took_managed_by_off(engine: Engine, admin: Api) -> None:
    engine.run(namespace("trust-l"), item("ServiceAccount", "trust-l", "agent"))
    admin.create("/api/v1/namespaces/trust-l/secrets", {"metadata": {"name": "theirs"}}).done()
    change = {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}, "managedFields": [{}]}}
    admin.patch("/api/v1/namespaces/trust-l", change).done()
    assert engine.run(state="absent", prune=KINDS, tenants=["trust-l"]).actions == {
        "ServiceAccount trust-l/agent": "deleted", "Namespace trust-l": "kept",
    }  # fmt: skip
    now = space_of(admin, "trust-l")
    assert now["labels"] == {"kubernetes.io/metadata.name": "trust-l"}
    assert not now.get("annotations")


@pytest.mark.parametrize(
    ("kind", "theirs", "ours"),
    [
        ("ServiceAccount", {"imagePullSecrets": [{"name": "pull"}]}, {"automountServiceAccountToken": False}),
        ("ResourceQuota", {"spec": {"hard": {"pods": "9", "secrets": "9"}}}, {"spec": {"hard": {"pods": "1"}}}),
        ("LimitRange", {}, {"spec": {"limits": [{"type": "Container", "default": {"cpu": "1"}}]}}),
    ],
)
def test_what_was_there_stays_without_our_fields(
    engine: Engine, admin: Api, kind: str, theirs: Object, ours: Object
) -> None:
    space = f"trust-{kind.lower()}"
    admin.create("/api/v1/namespaces", {"metadata": {"name": space}}).done()
    create(admin, item(kind, space, "agent", **theirs), item(kind, space, "other", **theirs))
    wanted = [namespace(space), item(kind, space, "agent", **ours), item(kind, space, "other", **ours)]
    assert set(engine.run(*wanted).actions.values()) == {"adopted"}
    assert not engine.run(*wanted).changed
    # Of one the server forgot who set what: our labels go all the same.
    admin.patch(f"{path(wanted[2])}/other", {"metadata": {"managedFields": [{}]}}).done()
    actions = engine.run(state="absent", prune=KINDS, tenants=[space]).actions
    assert [actions[f"{kind} {space}/{name}"] for name in ("agent", "other")] == ["released"] * 2
    now = get(admin, wanted[1]) or {}
    assert not now["metadata"].get("labels")
    assert not now["metadata"].get("annotations")
    assert now.get("imagePullSecrets") == theirs.get("imagePullSecrets")
    assert "automountServiceAccountToken" not in now
    assert "pods" not in now.get("spec", {}).get("hard", {})
    assert not (get(admin, wanted[2]) or {})["metadata"].get("labels")
    for one in wanted[1:]:  # no longer ours in any way, so that a namespace of ours would stay for it
        assert is_foreign(get(admin, one) or {})
    assert not engine.run(state="absent", prune=KINDS, tenants=[space]).changed

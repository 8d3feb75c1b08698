"""Bindings: only schedulers send a tenant's pods to nodes, and nobody puts labels and annotations on them so."""

from __future__ import annotations

import pytest

from tests.api import pods
from tests.api.api import RBAC, Answer, Api, Object
from tests.api.conftest import bind as bind_role
from tests.api.guarded import almighty, one, sentence, wait_for

ALLOWED = "schedulers, which may create pods/binding in kube-system too"
SPACE = "ci-bound"
NODE = {"kind": "Node", "name": "control-plane"}
ATTACK = {"annotations": {"k8s.v1.cni.cncf.io/networks": "host"}, "labels": {"buildkeep.dev/tenant": "blog"}}
CREATE_BINDINGS = {"apiGroups": [""], "resources": ["pods/binding"], "verbs": ["create"]}


@pytest.fixture(scope="module")
def dev(admin: Api, shop: str) -> Api:
    """Who may do everything in a tenant's namespace, and nothing elsewhere."""
    return almighty(admin, SPACE)


@pytest.fixture(scope="module")
def scheduler(admin: Api, shop: str) -> Api:
    """The cluster's own scheduler, with the rights that the API server itself gives to it."""
    wait_for(admin, "system:kube-scheduler", CREATE_BINDINGS)
    return admin.user("system:kube-scheduler")


def may_bind(admin: Api, space: str) -> None:
    """Give `dev` the scheduler's rights in one namespace, so that RBAC does not answer."""
    bind_role(admin, f"{RBAC}/namespaces/{space}/rolebindings", "ClusterRole", "system:kube-scheduler", "dev")
    wait_for(admin, "dev", CREATE_BINDINGS, space)


def waiting(admin: Api, name: str, space: str = SPACE) -> str:
    """Make a pod that waits for a node, and return its path."""
    admin.pod(space, pods.put(pods.dynamic_agent(), "metadata/name", name), dry=False).done()
    return f"/api/v1/namespaces/{space}/pods/{name}"


def bind(who: Api, path: str, metadata: Object | None = None, legacy: bool = False) -> Answer:
    """Send a pod to the node, by either way that the API server has."""
    above, _, name = path.rpartition("/pods/")
    body = {"metadata": {**(metadata or {}), "name": name}, "target": NODE}
    return who.request("POST", f"{above}/bindings" if legacy else f"{path}/binding", body)


@pytest.mark.parametrize("legacy", [False, True], ids=["pods/binding", "bindings"])
def test_who_may_do_everything_in_the_namespace_sends_no_pod_to_a_node(admin: Api, dev: Api, legacy: bool) -> None:
    path = waiting(admin, f"refused-{legacy}".lower())
    before = admin.request("GET", path).done()
    for metadata in ({}, ATTACK):
        refused = bind(dev, path, metadata, legacy)
        field = "bindings" if legacy else "pods/binding"
        assert sentence(refused, "bindings") == one("bindings", field, "dev", ALLOWED)
    assert admin.request("GET", path).done() == before


def test_the_pod_is_looked_for_after_the_rule(dev: Api, scheduler: Api) -> None:
    """So that a canary needs none."""
    path = f"/api/v1/namespaces/{SPACE}/pods/nobody"
    assert sentence(bind(dev, path), "bindings") == one("bindings", "pods/binding", "dev", ALLOWED)
    answer = bind(scheduler, path)
    assert (answer.status, answer.body["details"]["kind"]) == (404, "pods")


@pytest.mark.parametrize("legacy", [False, True], ids=["pods/binding", "bindings"])
def test_the_scheduler_does_its_work(admin: Api, scheduler: Api, legacy: bool) -> None:
    path = waiting(admin, f"scheduled-{legacy}".lower(), "ci-shop")
    assert bind(scheduler, path, legacy=legacy).ok
    assert admin.request("GET", path).done()["spec"]["nodeName"] == NODE["name"]
    admin.request("DELETE", f"{path}?gracePeriodSeconds=0").done()


def test_in_mode_audit_it_is_only_a_warning(admin: Api, audit: str, dev: Api) -> None:
    may_bind(admin, audit)
    path = waiting(admin, "warned", audit)
    answer = bind(dev, path)
    assert answer.ok, answer.message
    (warning,) = answer.warnings
    assert one("bindings", "pods/binding", "dev", ALLOWED) in warning.replace("\\", "")
    admin.request("DELETE", f"{path}?gracePeriodSeconds=0").done()


def test_other_namespaces_are_no_concern(admin: Api, dev: Api) -> None:
    """The label of a tenant decides; what is bound there is its owner's business."""
    admin.create("/api/v1/namespaces", {"metadata": {"name": "unbound"}}).done()
    admin.create("/api/v1/namespaces/unbound/serviceaccounts", {"metadata": {"name": "agent"}}).done()
    may_bind(admin, "unbound")
    assert bind(dev, waiting(admin, "free", "unbound")).ok

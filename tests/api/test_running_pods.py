"""Pods from before their tenant was narrowed: nodes, evictions and finalizers can still bring them to their end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api import pods
from tests.api.api import RBAC, Answer, Api, Object, until
from tests.api.conftest import tenant_namespace

SPACE = "ci-leaving"
NODE = "node-1"
PODS = f"/api/v1/namespaces/{SPACE}/pods"
STRATEGIC = "application/strategic-merge-patch+json"


@pytest.fixture(scope="module")
def leaving(admin: Api, shop: str) -> Iterator[Api]:
    """Give the kubelet of a node with two pods of a tenant that may no longer run their image."""
    tenant_namespace(admin, SPACE)
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["delete", "patch"]}]
    admin.create(f"{RBAC}/clusterroles", {"metadata": {"name": "leaving"}, "rules": rules}).done()
    nodes = {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:nodes"}
    jenkins = {"kind": "ServiceAccount", "namespace": "jenkins", "name": "jenkins"}
    for subject, role in ((nodes, "system:node"), (jenkins, "leaving")):
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
        body = {"metadata": {"name": f"leaving-{role[-4:]}"}, "roleRef": reference, "subjects": [subject]}
        admin.create(f"{RBAC}/clusterrolebindings", body).done()
    for name in ("evicted", "deleted"):
        run(admin, name)
    admin.patch(f"/api/v1/namespaces/{SPACE}", {"metadata": {"annotations": {"buildkeep.dev/images": ""}}}).done()
    until(lambda: admin.pod(SPACE, pods.dynamic_agent()), lambda answer: "[images]" in answer.message)
    kubelet = admin.user(f"system:node:{NODE}", "system:nodes")
    until(lambda: kubelet.request("GET", f"{PODS}/evicted"), lambda answer: answer.ok)
    yield kubelet
    for name in ("evicted", "deleted"):
        admin.patch(f"{PODS}/{name}", {"metadata": {"finalizers": []}})
        admin.request("DELETE", f"{PODS}/{name}?gracePeriodSeconds=0")


def run(admin: Api, name: str) -> None:
    """Make an honest agent with a finalizer, and give it its node as the scheduler does."""
    scheduler = admin.user("system:kube-scheduler")
    agent = pods.put(pods.dynamic_agent(), "metadata/name", name)
    agent = pods.put(agent, "metadata/finalizers", ["example.org/held"])
    until(lambda: admin.pod(SPACE, agent, dry=False), lambda answer: answer.ok)
    target = {"metadata": {"name": name}, "target": {"apiVersion": "v1", "kind": "Node", "name": NODE}}
    until(lambda: scheduler.create(f"{PODS}/{name}/binding", target), lambda answer: answer.ok)


def phase(kubelet: Api, name: str, value: str) -> Answer:
    """What a kubelet says of a pod of its node."""
    status = {"phase": value, "conditions": [{"type": "Ready", "status": "False", "reason": "PodCompleted"}]}
    return kubelet.request("PATCH", f"{PODS}/{name}/status", {"status": status}, STRATEGIC)


def test_an_evicted_pod_comes_to_its_end(admin: Api, leaving: Api) -> None:
    phase(leaving, "evicted", "Running").done()
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "evicted", "namespace": SPACE}}
    admin.create(f"{PODS}/evicted/eviction", eviction).done()
    found = admin.request("GET", f"{PODS}/evicted").done()
    # It has a node, so it gets its time, and its kubelet ends it.
    assert found["metadata"]["deletionTimestamp"] and found["metadata"]["deletionGracePeriodSeconds"] > 0
    phase(leaving, "evicted", "Failed").done()
    leaving.request("DELETE", f"{PODS}/evicted?gracePeriodSeconds=0").done()
    assert admin.request("GET", f"{PODS}/evicted").done()["metadata"]["finalizers"] == ["example.org/held"]
    # Whoever holds it finishes its work: it may label, annotate and let go.
    changes: list[Object] = [{"labels": {"done": "yes"}}, {"annotations": {"team": "a"}}, {"finalizers": []}]
    for metadata in changes:
        admin.patch(f"{PODS}/evicted", {"metadata": metadata}).done()
    assert admin.request("GET", f"{PODS}/evicted").status == 404


def test_the_controller_deletes_its_agent(admin: Api, leaving: Api) -> None:
    jenkins = admin.account("jenkins", "jenkins")
    until(lambda: jenkins.request("DELETE", f"{PODS}/deleted?gracePeriodSeconds=0"), lambda answer: answer.ok)
    phase(leaving, "deleted", "Succeeded").done()
    # It is still held to the rules, though: nothing of its spec can be changed on the way.
    change = {"spec": {"activeDeadlineSeconds": 60}}
    assert "[images] container tool" in jenkins.patch(f"{PODS}/deleted", change).message
    admin.patch(f"{PODS}/deleted", {"metadata": {"finalizers": []}}).done()
    assert admin.request("GET", f"{PODS}/deleted").status == 404

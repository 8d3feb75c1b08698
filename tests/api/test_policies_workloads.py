"""Deployments and the like: whoever writes one is told what its pods will be refused for, and never refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import pods
from tests.api.api import Answer, Api, Object
from tests.api.case import Case
from tests.api.cases import CASES
from tests.api.guarded import CONTROLLERS

LABELS = {"app": "x", "buildkeep.dev/tenant": pods.TENANT}
APPS, BATCH, CORE = "/apis/apps/v1", "/apis/batch/v1", "/api/v1"
KINDS = {
    "Deployment": (APPS, "deployments"),
    "StatefulSet": (APPS, "statefulsets"),
    "DaemonSet": (APPS, "daemonsets"),
    "ReplicaSet": (APPS, "replicasets"),
    "Job": (BATCH, "jobs"),
    "CronJob": (BATCH, "cronjobs"),
    "ReplicationController": (CORE, "replicationcontrollers"),
}


def workload(kind: str, pod: Object, name: str = "w") -> Object:
    """A workload whose pods are like this one."""
    spec = {**pod["spec"], "restartPolicy": "OnFailure" if "Job" in kind else "Always"}
    template = {"metadata": {"labels": LABELS, "annotations": pod["metadata"].get("annotations", {})}, "spec": spec}
    more: dict[str, Object] = {
        "StatefulSet": {"serviceName": "x"},
        "ReplicationController": {"selector": LABELS},
        "Job": {"selector": None},
        "CronJob": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template}}},
    }
    body: Object = {"template": template, "selector": {"matchLabels": LABELS}, **more.get(kind, {})}
    if kind == "CronJob":
        body = more[kind]
    return {"metadata": {"name": name}, "spec": body}


def path(kind: str, namespace: str) -> str:
    """Where a kind is created."""
    group, resource = KINDS[kind]
    return f"{group}/namespaces/{namespace}/{resource}"


def warning(answer: Answer) -> str:
    """The one warning of this policy on a request that was let through, or nothing."""
    assert answer.ok, answer.message
    found = [text for text in answer.warnings if "buildkeep-workloads" in text]
    assert len(found) < 2, found
    return found[0] if found else ""


def bad(pod: Object, path: str = "spec/hostPID", value: Any = True) -> Object:
    """The pod with one field broken."""
    return pods.put(pod, path, value)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_warned_of_and_never_refused(admin: Api, shop: str, audit: str, kind: str) -> None:
    for namespace in (shop, audit):
        answer = admin.create(path(kind, namespace), workload(kind, bad(pods.dynamic_agent())), dry=True)
        told = warning(answer)
        head = f"[workloads] the pods of this {kind} will be refused: [pod] field spec.hostPID: "
        assert head in told and "; [" not in told, told
        assert not warning(admin.create(path(kind, namespace), workload(kind, pods.dynamic_agent()), dry=True))
    ordinary = admin.create(path(kind, "default"), workload(kind, bad(pods.dynamic_agent())), dry=True)
    assert not warning(ordinary)


ON_TEMPLATES = [case for case in CASES if not case.path.startswith("metadata/")]


@pytest.mark.parametrize("case", ON_TEMPLATES, ids=lambda case: case.rule.replace("/", " "))
def test_what_a_pod_is_refused_for_its_template_is_warned_of(admin: Api, shop: str, case: Case) -> None:
    """Each rule by the same case that shows it on pods, and its neighbour without a warning."""
    refused, admitted = case.pods()
    for pod, wanted in ((refused, True), (admitted, False)):
        told = warning(admin.create(path("Deployment", shop), workload("Deployment", pod), dry=True))
        assert bool(told) == wanted, told
        if wanted:
            assert f"[{case.rule.split('/')[0]}]" in told and case.shown in told, told


def test_labels_and_annotations_of_the_template_count(admin: Api, shop: str) -> None:
    body = workload("Deployment", pods.dynamic_agent())
    body["spec"]["template"]["metadata"]["labels"] = {"app": "x"}
    body["spec"]["selector"] = {"matchLabels": {"app": "x"}}
    assert "[tenant-label]" in warning(admin.create(path("Deployment", shop), body, dry=True))
    body = workload("Deployment", pods.pod("agent", pods.tool(), **{"cni.example.com/network": "other"}))
    assert "[annotations]" in warning(admin.create(path("Deployment", shop), body, dry=True))


def test_only_what_changes_is_judged_and_nobody_else_is_told(admin: Api, shop: str) -> None:
    body = workload("Deployment", bad(pods.dynamic_agent()), "stays")
    assert warning(admin.create(path("Deployment", shop), body))
    one = f"{path('Deployment', shop)}/stays"
    assert not warning(admin.patch(one, {"metadata": {"annotations": {"a": "b"}}}, dry=True))
    assert "[pod]" in warning(admin.patch(one, {"spec": {"replicas": 2}}, dry=True))
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "stays", "uid": "u", "controller": True}
    owned = workload("ReplicaSet", bad(pods.dynamic_agent()), "owned")
    owned["metadata"]["ownerReferences"] = [owner]
    controller = admin.user(f"{CONTROLLERS}:deployment-controller", "system:serviceaccounts")
    assert not warning(controller.create(path("ReplicaSet", shop), owned, dry=True))
    admin.request("DELETE", one).done()


def test_every_problem_of_a_long_list_fits_a_warning(admin: Api, shop: str) -> None:
    """Beyond 4096 characters the server would cut each warning to 256."""
    pod = pods.dynamic_agent()
    pod["spec"]["containers"] = [{"name": f"c{n}", "image": f"evil{n}"} for n in range(40)]
    told = warning(admin.create(path("Deployment", shop), workload("Deployment", pod), dry=True))
    assert 3000 < len(told) < 4096 and told.rstrip('"').endswith(" ..."), told[-100:]

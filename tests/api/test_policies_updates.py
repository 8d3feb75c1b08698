"""Updates: what changes neither spec nor labels passes whatever the pod is; labels hold on status updates too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api import pods
from tests.api.api import RBAC, Api, Object, until
from tests.api.conftest import bind, namespace_admin, settled, tenant_namespace

STRATEGIC = "application/strategic-merge-patch+json"


@pytest.fixture(scope="module")
def running(admin: Api, shop: str) -> Iterator[str]:
    """The path of an admitted pod."""
    agent = pods.put(pods.dynamic_agent(), "metadata/name", "running")
    admin.pod(shop, agent, dry=False).done()
    path = f"/api/v1/namespaces/{shop}/pods/running"
    yield path
    admin.request("DELETE", f"{path}?gracePeriodSeconds=0").done()


def test_nobody_adds_an_ephemeral_container(admin: Api, running: str) -> None:
    change = {"spec": {"ephemeralContainers": [pods.tool("debugger")]}}
    answer = admin.request("PATCH", f"{running}/ephemeralcontainers?dryRun=All", change, STRATEGIC)
    wanted = '[pod] field spec.ephemeralContainers: "debugger" is not allowed; allowed: none'
    assert "ValidatingAdmissionPolicy 'buildkeep-pods" in answer.message and wanted in answer.message
    assert "; [" not in answer.message
    # The same request without the container: the right to it is there.
    assert admin.request("PATCH", f"{running}/ephemeralcontainers?dryRun=All", {}, STRATEGIC).ok


def resized(cpu: str) -> Object:
    """A change of the agent container's CPU limit."""
    return {"spec": {"containers": [{"name": "jnlp", "resources": {"limits": {"cpu": cpu}}}]}}


def test_a_good_pod_is_resized(admin: Api, running: str) -> None:
    answer = admin.request("PATCH", f"{running}/resize?dryRun=All", resized("400m"), STRATEGIC)
    assert answer.ok, answer.message


@pytest.mark.parametrize("part", ["", "/status"])
def test_labels_hold_on_every_path(admin: Api, running: str, part: str) -> None:
    for labels, wanted in (
        ({"buildkeep.dev/tenant": "blog"}, "[tenant-label] field metadata.labels['buildkeep.dev/tenant']: \"blog\""),
        ({"buildkeep.dev/tenant": None}, "[tenant-label] field metadata.labels['buildkeep.dev/tenant']: \"\""),
        ({"buildkeep.dev/egress": "all"}, '[reserved-labels] field metadata.labels: "buildkeep.dev/egress"'),
        ({"aadpodidbinding": "owner"}, "[reserved-labels] field metadata.labels['aadpodidbinding']: \"owner\""),
    ):
        answer = admin.patch(running + part, {"metadata": {"labels": labels}}, dry=True)
        assert "ValidatingAdmissionPolicy 'buildkeep-pods" in answer.message and wanted in answer.message
    assert admin.patch(running + part, {"metadata": {"labels": {"team": "a"}}}, dry=True).ok


def test_labels_of_others_pass_on_a_pod_from_before(admin: Api, shop: str) -> None:
    old = pods.put(pods.dynamic_agent(), "metadata/labels", {"app": "db", "buildkeep.dev/odd": "x"})
    admin.create("/api/v1/namespaces", {"metadata": {"name": "ci-adopted"}}).done()
    admin.create("/api/v1/namespaces/ci-adopted/serviceaccounts", {"metadata": {"name": "agent"}}).done()
    admin.pod("ci-adopted", old, dry=False).done()
    labels = {"buildkeep.dev/tenant": pods.TENANT, "buildkeep.dev/mode": "enforce"}
    admin.patch("/api/v1/namespaces/ci-adopted", {"metadata": {"labels": labels}}).done()
    settled(admin, "ci-adopted", "buildkeep-pods")
    path = "/api/v1/namespaces/ci-adopted/pods/agent-x1"
    for part in ("", "/status"):
        for change in ({"app": "db2"}, {"app": None}, {"pod-template-hash": "1"}):
            answer = admin.patch(path + part, {"metadata": {"labels": change}}, dry=True)
            assert answer.ok, answer.message
        for change in ({"buildkeep.dev/tenant": "blog"}, {"buildkeep.dev/odd": "y"}, {"buildkeep.dev/odd": None}):
            message = admin.patch(path + part, {"metadata": {"labels": change}}, dry=True).message
            assert "'buildkeep-pods" in message and "[tenant-label]" in message, message
    whole = {"buildkeep.dev/odd": None, "buildkeep.dev/tenant": pods.TENANT}
    assert admin.patch(path, {"metadata": {"labels": whole}}, dry=True).ok


NETWORK = "k8s.v1.cni.cncf.io/networks"


def test_annotations_of_a_running_pod(admin: Api, shop: str, running: str) -> None:
    dev, cluster = namespace_admin(admin, shop), admin.user("cni")
    rules = [{"apiGroups": [""], "resources": ["pods", "pods/status"], "verbs": ["patch"]}]
    admin.create(f"{RBAC}/clusterroles", {"metadata": {"name": "patch-pods"}, "rules": rules}).done()
    bind(admin, f"{RBAC}/clusterrolebindings", "ClusterRole", "patch-pods", "cni")
    forged = {"metadata": {"annotations": {NETWORK: "kube-system/host"}}}
    answer = until(lambda: dev.patch(running, forged, dry=True), lambda answer: "cannot patch" not in answer.message)
    assert (
        "'buildkeep-pods" in answer.message
        and f'[annotations] field metadata.annotations: "{NETWORK}"' in answer.message
    )
    assert "; [" not in answer.message
    # By the nodes' programs: through the status, or whoever may change the pods of kube-system.
    until(lambda: cluster.patch(f"{running}/status", forged, dry=True), lambda answer: answer.ok)
    cluster.patch(running, forged).done()
    # What is there already is no change; what is changed is judged; taking away is free.
    own = {"metadata": {"annotations": {"team": "a", "kubectl.kubernetes.io/restartedAt": "1"}}}
    assert dev.patch(running, own, dry=True).ok
    assert not dev.patch(running, {"metadata": {"annotations": {NETWORK: "other"}}}, dry=True).ok
    assert dev.patch(running, {"metadata": {"annotations": {NETWORK: None}}}, dry=True).ok


def test_a_pod_that_no_longer_complies_can_be_finished(admin: Api, shop: str) -> None:
    tenant_namespace(admin, "ci-narrowed")
    agent = pods.put(pods.dynamic_agent(), "metadata/finalizers", ["example.org/held"])
    until(lambda: admin.pod("ci-narrowed", agent, dry=False), lambda answer: answer.ok)
    path = "/api/v1/namespaces/ci-narrowed/pods/agent-x1"
    admin.patch("/api/v1/namespaces/ci-narrowed", {"metadata": {"annotations": {"buildkeep.dev/images": ""}}}).done()
    refused = until(lambda: admin.pod("ci-narrowed", {**agent, "metadata": {**agent["metadata"], "name": "y"}}),
                    lambda answer: not answer.ok)  # fmt: skip
    assert "[images] container tool" in refused.message
    assert admin.patch(path + "/status", {"status": {"phase": "Failed"}}).ok
    assert admin.patch(path, {"metadata": {"annotations": {"kubernetes.jenkins.io/last-refresh": "2"}}}).ok
    assert admin.patch(path, {"metadata": {"labels": {"team": "a"}}}).ok
    # What changes the spec is held to the rules of today, by every path.
    for part in ("", "/resize"):
        change = resized("300m") if part else {"spec": {"activeDeadlineSeconds": 60}}
        answer = admin.request("PATCH", path + part, change, STRATEGIC)
        assert "'buildkeep-pods" in answer.message and "[images] container tool" in answer.message
    admin.request("DELETE", f"{path}?gracePeriodSeconds=0").done()
    assert admin.patch(path, {"metadata": {"finalizers": []}}).ok
    assert admin.request("GET", path).status == 404


def test_messages_list_every_rule_and_stay_short(admin: Api, shop: str) -> None:
    bad = pods.put(pods.dynamic_agent(), "spec/hostPID", True)
    bad = pods.put(bad, "spec/containers/0/image", "nginx")
    bad = pods.put(bad, "metadata/labels/buildkeep.dev~tenant", "blog")
    message = admin.pod(shop, bad).message
    assert [part for part in ("[pod]", "[image-reference]", "[images]", "[tenant-label]") if part not in message] == []
    many = [{**pods.tool(f"tool-{n}"), "image": f"docker.io/evil/\u00e9{n}\nx"} for n in range(50)]
    long = admin.pod(shop, pods.put(bad, "spec/containers", many)).message
    assert "denied request: [pod] field spec.hostPID" in long and long.endswith(" ...") and "\n" not in long
    ascii_only = [{**pods.tool(f"tool-{n}"), "image": f"docker.io/evil/x{n}"} for n in range(50)]
    longest = admin.pod(shop, pods.put(bad, "spec/containers", ascii_only)).message
    assert longest.endswith(" ...") and 4900 < len(longest) < 5200

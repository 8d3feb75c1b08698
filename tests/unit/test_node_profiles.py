"""What puts profiles on nodes: which files, by which pods, and on which nodes."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import node_profiles
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles_nodes import Place, is_ready, reached
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles_rollout import standing, trouble
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings, read_settings

Object = dict[str, Any]
ARCH = {"key": "arch", "operator": "Equal", "value": "arm64", "effect": "NoSchedule"}
ONCE = {"key": "x", "operator": "Exists", "effect": "NoSchedule"}


def settings(*builders: str, tenant: Object | None = None, **more: Any) -> Settings:
    """An inventory whose one tenant has these builders."""
    one = {"name": "shop", "builders": list(builders), **(tenant or {})}
    return read_settings({"tenants": [one], "node_profiles": "daemonset", **more})


def of_kind(found: list[Object], kind: str) -> list[Object]:
    return [item for item in found if item["kind"] == kind]


def test_each_builder_that_needs_a_profile_gets_its_file_and_a_container_under_it() -> None:
    one = settings("kaniko", "buildkit", "buildah")
    files = node_profiles.profile_files(one)
    assert sorted(name.partition("-")[0] for name in files) == ["buildah", "buildkit"]
    for name, text in files.items():
        assert name.rpartition("-")[2] == f"{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"
    found = node_profiles.system_objects(one)
    (configmap,), (daemonset,) = of_kind(found, "ConfigMap"), of_kind(found, "DaemonSet")
    assert (configmap["data"], configmap["immutable"]) == (files, True)
    spec = daemonset["spec"]["template"]["spec"]
    assert {one["securityContext"]["seccompProfile"]["localhostProfile"] for one in spec["containers"]} == {
        f"buildkeep/{name}" for name in files
    }
    assert spec["volumes"][0]["configMap"]["name"] == configmap["metadata"]["name"]
    (space,) = of_kind(found, "Namespace")
    assert space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "privileged"


def test_a_changed_profile_is_another_daemonset() -> None:
    first, second = (node_profiles.system_objects(settings(name)) for name in ("buildkit", "buildah"))
    assert of_kind(first, "ConfigMap")[0]["metadata"]["name"] != of_kind(second, "ConfigMap")[0]["metadata"]["name"]
    assert of_kind(first, "DaemonSet")[0]["spec"]["template"] != of_kind(second, "DaemonSet")[0]["spec"]["template"]


@pytest.mark.parametrize(
    "one",
    [
        settings("kaniko", "jib"),
        settings("buildkit", node_profiles="installed"),
        settings("buildkit", backend={"name": "psa", "policies": False, "pod_security": True}),
        read_settings(
            {
                "tenants": [{"name": "a", "builders": ["buildkit"], "seccomp": "unconfined"}],
                "node_profiles": "daemonset",
            }
        ),
        read_settings(
            {"tenants": [{"name": "a", "builders": ["buildkit"], "state": "absent"}], "node_profiles": "daemonset"}
        ),
    ],
    ids=["no need", "by others", "no fence", "unconfined", "leaving"],
)
def test_there_is_nothing_where_nothing_is_to_be_done(one: Settings) -> None:
    assert node_profiles.system_objects(one) == []


def test_for_probes_alone_the_namespace_gives_nobody_a_folder_of_the_node() -> None:
    found = node_profiles.system_objects(settings("kaniko"), probing=True)
    assert of_kind(found, "DaemonSet") == []
    (space,) = of_kind(found, "Namespace")
    assert space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    (policy,) = [
        one for one in of_kind(found, "ValidatingAdmissionPolicy") if one["metadata"]["name"].endswith("-pods")
    ]
    assert "hostPath" not in str(policy) and "/proc/self/uid_map" in str(policy)


def test_pods_go_wherever_a_tenant_that_needs_them_may_go() -> None:
    tenants = [
        {"name": "a", "builders": ["buildkit"], "nodes": {"selector": {"pool": "a"}, "tolerations": [ARCH]}},
        {"name": "b", "builders": ["buildah"], "nodes": {"selector": {"pool": "b"}}},
        {"name": "c", "builders": ["kaniko"], "nodes": {"selector": {"pool": "c"}}},
    ]
    found = node_profiles.system_objects(read_settings({"tenants": tenants, "node_profiles": "daemonset"}))
    spec = of_kind(found, "DaemonSet")[0]["spec"]["template"]["spec"]
    required = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    pools = [term["matchExpressions"][1]["values"] for term in required["nodeSelectorTerms"]]
    assert (pools, spec["tolerations"]) == ([["a"], ["b"]], [ARCH])


def node(
    name: str = "n", labels: Object | None = None, taints: list[Object] | None = None, ready: str = "True"
) -> Object:
    status = {"conditions": [{"type": "Ready", "status": ready}]}
    return {"metadata": {"name": name, "labels": labels or {}}, "spec": {"taints": taints or []}, "status": status}


@pytest.mark.parametrize(
    ("place", "one", "wanted"),
    [
        (Place(), node(), True),
        (Place(), node(labels={"kubernetes.io/os": "windows"}), False),
        (Place((("pool", "ci"),)), node(), False),
        (Place((("pool", "ci"),)), node(labels={"pool": "ci"}), True),
        (Place(), node(taints=[{"key": "arch", "value": "arm64", "effect": "NoSchedule"}]), False),
        (Place((), (ARCH,)), node(taints=[{"key": "arch", "value": "arm64", "effect": "NoSchedule"}]), True),
        (Place((), (ARCH,)), node(taints=[{"key": "arch", "value": "amd64", "effect": "NoSchedule"}]), False),
        (Place((), ({"operator": "Exists"},)), node(taints=[{"key": "x", "effect": "NoExecute"}]), True),
        (Place((), (ONCE,)), node(taints=[{"key": "x", "effect": "NoExecute"}]), False),
        (Place(), node(taints=[{"key": "x", "effect": "PreferNoSchedule"}]), True),
        (Place(), node(taints=[{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]), True),
    ],
)  # fmt: skip
def test_which_nodes_pods_can_land_on(place: Place, one: Object, wanted: bool) -> None:
    assert bool(reached([one], [place])) is wanted


def test_a_node_that_is_not_ready_or_closed_takes_no_pod() -> None:
    closed = node()
    closed["spec"]["unschedulable"] = True
    assert [is_ready(one) for one in (node(), node(ready="Unknown"), closed)] == [True, False, False]


DAEMONSET: Object = of_kind(node_profiles.system_objects(settings("buildkit")), "DaemonSet")[0]
SEEN: Object = {**DAEMONSET, "metadata": {"generation": 2}, "status": {"observedGeneration": 2}}


def pod(of: Object, name: str = "n", **status: Any) -> Object:
    conditions = {"conditions": [{"type": "Ready", "status": "True"}]}
    return {
        "metadata": {},
        "spec": {**of["spec"]["template"]["spec"], "nodeName": name},
        "status": {**conditions, **status},
    }


def test_a_node_has_its_profiles_when_a_pod_of_the_newest_template_is_ready() -> None:
    older = of_kind(node_profiles.system_objects(settings("buildah")), "DaemonSet")[0]
    going = pod(DAEMONSET)
    going["metadata"]["deletionTimestamp"] = "now"
    assert standing(SEEN, [pod(DAEMONSET)], ["n"]) == {}
    for pods in ([], [pod(older)], [going], [pod(DAEMONSET, "other")]):
        assert standing(SEEN, pods, ["n"]) == {"n": ""}
    assert standing({**SEEN, "status": {"observedGeneration": 1}}, [pod(DAEMONSET)], ["n"]) == {"n": ""}
    assert standing({}, [], ["n"]) == {"n": ""}


def test_a_pod_that_is_not_ready_says_why() -> None:
    words = "cannot load seccomp profile"
    waiting = [{"name": "buildkit", "state": {"waiting": {"reason": "CreateContainerError", "message": words}}}]
    ill = pod(DAEMONSET, conditions=[{"type": "Ready", "status": "False"}], containerStatuses=waiting)
    assert standing(SEEN, [ill], ["n"]) == {"n": f"container buildkit: CreateContainerError: {words}"}
    assert trouble(pod(DAEMONSET, conditions=[], phase="Pending")) == "the pod is Pending"


def test_over_connections_apparmor_profiles_go_along_only_where_nodes_have_it() -> None:
    plain, both = (
        node_profiles.node_files(settings("buildkit", node_profiles="connection", apparmor=one))
        for one in (False, True)
    )
    assert plain["apparmor"] == {} and plain["seccomp"] == both["seccomp"] != {}
    ((name, text),) = both["apparmor"].items()
    assert f"profile {name} " in text and "@NAME@" not in text
    assert settings("buildkit").profiles.builders["buildkit"].app_armor == f"Localhost/{name}"

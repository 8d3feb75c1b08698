"""How the Kubernetes plugin merges pods and containers."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_combine import combine_containers, combine_pods

JSON = dict[str, Any]


def pod(spec: JSON | None = None, **metadata: Any) -> JSON:
    """A pod with this spec."""
    return {"metadata": metadata, "spec": spec or {}}


# (parent's securityContext, child's, what comes out)
CONTEXTS: dict[str, tuple[JSON | None, JSON | None, JSON | None]] = {
    "none": (None, None, None),
    "the parent's stays": ({"runAsNonRoot": True}, None, {"runAsNonRoot": True}),
    "a child's hardening is dropped": (None, {"runAsNonRoot": True, "readOnlyRootFilesystem": True}, None),
    "also where it would tighten": (
        {"allowPrivilegeEscalation": True},
        {"allowPrivilegeEscalation": False, "seccompProfile": {"type": "RuntimeDefault"}},
        {"allowPrivilegeEscalation": True},
    ),
    "also beside a field that counts": (
        {"runAsNonRoot": True},
        {"runAsUser": 0, "runAsNonRoot": False, "readOnlyRootFilesystem": True},
        {"runAsNonRoot": True, "runAsUser": 0},
    ),
    "a child may become privileged": (
        {"privileged": False, "allowPrivilegeEscalation": False},
        {"privileged": True},
        {"privileged": True, "allowPrivilegeEscalation": False},
    ),
    "false takes nothing back by itself": ({"privileged": True}, {"privileged": False}, {"privileged": True}),
    "but beside a user it does": (
        {"privileged": True},
        {"privileged": False, "runAsUser": 1},
        {"privileged": False, "runAsUser": 1},
    ),
    "a child's user wins": ({"runAsUser": 1000, "runAsGroup": 1}, {"runAsUser": 0}, {"runAsUser": 0, "runAsGroup": 1}),
    "capabilities replace both lists": (
        {"capabilities": {"drop": ["ALL"]}},
        {"capabilities": {"add": ["CHOWN"]}},
        {"capabilities": {"add": ["CHOWN"]}},
    ),
    "a list that is null is the parent's": (
        {"capabilities": {"drop": ["ALL"]}},
        {"capabilities": {"add": ["CHOWN"], "drop": None}},
        {"capabilities": {"add": ["CHOWN"], "drop": ["ALL"]}},
    ),
    "capabilities of one side stay": (
        {"runAsNonRoot": True},
        {"capabilities": {"drop": ["ALL"]}},
        {"runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}},
    ),
}


@pytest.mark.parametrize("name", CONTEXTS)
def test_security_contexts_of_one_container(name: str) -> None:
    parent, child, wanted = CONTEXTS[name]
    sides = [{"name": "x", **({} if one is None else {"securityContext": one})} for one in (parent, child)]
    assert combine_containers(*sides).get("securityContext") == wanted


def test_a_container_keeps_what_its_child_leaves_out() -> None:
    parent = {
        "name": "x",
        "image": "a",
        "command": ["sleep"],
        "args": ["1"],
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}],
        "envFrom": [{"configMapRef": {"name": "p"}}],
        "volumeMounts": [{"name": "p", "mountPath": "/a"}, {"name": "p", "mountPath": "/b"}],
        "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
        "lifecycle": {"preStop": {"sleep": {"seconds": 1}}},
    }
    child = {
        "name": "x",
        "image": "b",
        "args": [],
        "tty": False,
        "env": [{"name": "B", "value": "2"}],
        "envFrom": [{"configMapRef": {"name": "c"}}],
        "volumeMounts": [{"name": "c", "mountPath": "/b"}],
        "resources": {"limits": {"cpu": "2"}, "requests": {"cpu": "1"}},
        "livenessProbe": {"tcpSocket": {"port": 1}},
    }
    untouched = deepcopy((parent, child))
    assert combine_containers(parent, child) == {
        "name": "x",
        "image": "b",
        "command": ["sleep"],
        "args": ["1"],
        "tty": False,
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
        "envFrom": [{"configMapRef": {"name": "p"}}, {"configMapRef": {"name": "c"}}],
        "volumeMounts": [{"name": "p", "mountPath": "/a"}, {"name": "c", "mountPath": "/b"}],
        "resources": {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "1"}},
        "lifecycle": {"preStop": {"sleep": {"seconds": 1}}},
    }
    assert (parent, child) == untouched


def test_containers_meet_by_name_and_keep_their_order() -> None:
    parent = pod({"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "1"}]})
    child = pod({"containers": [{"name": "c", "image": "2"}, {"name": "a", "image": "2"}]})
    containers = combine_pods(parent, child)["spec"]["containers"]
    assert [(one["name"], one["image"]) for one in containers] == [("a", "2"), ("b", "1"), ("c", "2")]


# (parent's spec, child's, what comes out)
SPECS: dict[str, tuple[JSON, JSON, JSON]] = {
    "a child brings no host namespaces": ({}, {"hostPID": True, "hostIPC": True, "hostUsers": False}, {}),
    "but the host's network": ({}, {"hostNetwork": True}, {"hostNetwork": True}),
    "and takes it back": ({"hostNetwork": True}, {"hostNetwork": False}, {"hostNetwork": False}),
    "a parent's host namespace stays": ({"hostPID": True}, {"hostPID": False}, {"hostPID": True}),
    "no token setting": ({"automountServiceAccountToken": False}, {"automountServiceAccountToken": True},
                         {"automountServiceAccountToken": False}),
    "no runtime class": ({"runtimeClassName": "gvisor"}, {"runtimeClassName": "runc"}, {"runtimeClassName": "gvisor"}),
    "of the pod's securityContext user and group only": (
        {"securityContext": {"runAsNonRoot": True, "runAsUser": 1}},
        {"securityContext": {"runAsNonRoot": False, "runAsUser": 0, "fsGroup": 0}},
        {"securityContext": {"runAsNonRoot": True, "runAsUser": 0}},
    ),
    "the ServiceAccount": ({"serviceAccountName": "a"}, {"serviceAccountName": "b"}, {"serviceAccountName": "b"}),
    "unless it is empty": ({"serviceAccountName": "a"}, {"serviceAccountName": ""}, {"serviceAccountName": "a"}),
    "tolerations add up": ({"tolerations": [{"key": "a"}]}, {"tolerations": [{"key": "b"}]},
                           {"tolerations": [{"key": "a"}, {"key": "b"}]}),
    "selectors meet by key": ({"nodeSelector": {"a": "1", "b": "1"}}, {"nodeSelector": {"b": "2"}},
                              {"nodeSelector": {"a": "1", "b": "2"}}),
    "volumes meet by name": (
        {"volumes": [{"name": "a", "emptyDir": {}}]},
        {"volumes": [{"name": "a", "hostPath": {"path": "/"}}, {"name": "b", "emptyDir": {}}]},
        {"volumes": [{"name": "a", "hostPath": {"path": "/"}}, {"name": "b", "emptyDir": {}}]},
    ),
    "init containers meet by name": (
        {"initContainers": [{"name": "a", "image": "1"}]},
        {"initContainers": [{"name": "a", "image": "2"}]},
        {"initContainers": [{"name": "a", "image": "2", "resources": {}}]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SPECS)
def test_specs_of_two_pods(name: str) -> None:
    parent, child, wanted = SPECS[name]
    assert combine_pods(pod(parent), pod(child))["spec"] == wanted


def test_labels_annotations_and_namespace_are_the_childs() -> None:
    parent = pod(name="p", namespace="n", labels={"a": "1", "b": "1"}, annotations={"x": "1"}, finalizers=["f"])
    child = pod(name="", namespace="m", labels={"b": "2"}, annotations={"x": "2"})
    assert combine_pods(parent, child)["metadata"] == {
        "name": "p",
        "namespace": "m",
        "labels": {"a": "1", "b": "2"},
        "annotations": {"x": "2"},
        "finalizers": ["f"],
    }

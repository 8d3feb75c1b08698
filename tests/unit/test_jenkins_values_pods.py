"""What Pod Security `restricted` refuses, field by field."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_pods import faults, nameless, resourceless
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_secrets import needed

SIZE = {"cpu": "1", "memory": "1Gi"}
CONTAINER = {
    "name": "a",
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    "resources": {"requests": SIZE, "limits": SIZE},
}
POD: dict[str, Any] = {
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "initContainers": [deepcopy(CONTAINER)],
    "containers": [deepcopy(CONTAINER)],
    "volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "persistentVolumeClaim": {}}],
}
# Path within the pod's spec, what stands there, and the field that is told.
BREAKS: tuple[tuple[tuple[str | int, ...], Any, str], ...] = (
    (("hostNetwork",), True, "hostNetwork"),
    (("hostPID",), True, "hostPID"),
    (("hostIPC",), True, "hostIPC"),
    (("volumes", 0), {"name": "a", "hostPath": {"path": "/"}}, 'volumes["a"]'),
    (("volumes", 0), {"name": "a", "nfs": {}}, 'volumes["a"]'),
    (("securityContext", "sysctls"), [{"name": "kernel.msgmax"}], "securityContext.sysctls"),
    (("securityContext", "runAsUser"), 0, "securityContext.runAsUser"),
    (("securityContext", "runAsNonRoot"), False, "securityContext.runAsNonRoot"),
    (("securityContext", "seccompProfile"), None, "securityContext.seccompProfile.type"),
    (("securityContext", "seccompProfile"), {}, "securityContext.seccompProfile.type"),
    (("securityContext", "seccompProfile"), {"type": "Unconfined"}, "securityContext.seccompProfile.type"),
    (("securityContext", "appArmorProfile"), {"type": "Unconfined"}, "securityContext.appArmorProfile.type"),
    (("securityContext", "seLinuxOptions"), {"type": "spc_t"}, "securityContext.seLinuxOptions"),
    (("securityContext", "seLinuxOptions"), {"user": "system_u"}, "securityContext.seLinuxOptions"),
    (("securityContext", "windowsOptions"), {"hostProcess": True}, "securityContext.windowsOptions.hostProcess"),
    (("containers", 0, "securityContext"), None, "securityContext.allowPrivilegeEscalation"),
    (("containers", 0, "securityContext", "privileged"), True, "securityContext.privileged"),
    (("containers", 0, "securityContext", "procMount"), "Unmasked", "securityContext.procMount"),
    (("containers", 0, "securityContext", "runAsUser"), 0, "securityContext.runAsUser"),
    (("containers", 0, "securityContext", "runAsNonRoot"), False, "securityContext.runAsNonRoot"),
    (("initContainers", 0, "securityContext", "capabilities"), {}, "securityContext.capabilities.drop"),
    (
        ("initContainers", 0, "securityContext", "capabilities"),
        {"drop": ["ALL"], "add": ["NET_ADMIN"]},
        "securityContext.capabilities.add",
    ),
    (("containers", 0, "ports"), [{"hostPort": 80}], "ports.hostPort"),
    (("containers", 0, "livenessProbe"), {"httpGet": {"host": "10.0.0.1"}}, "livenessProbe.httpGet.host"),
    (("containers", 0, "lifecycle"), {"preStop": {"tcpSocket": {"host": "x"}}}, "lifecycle.preStop.tcpSocket.host"),
)


def test_a_good_pod_is_faultless() -> None:
    assert list(faults(POD)) == [] and list(resourceless(POD)) == []
    bound = deepcopy(POD)
    bound["containers"][0]["securityContext"]["capabilities"]["add"] = ["NET_BIND_SERVICE"]
    bound["securityContext"]["sysctls"] = [{"name": "net.ipv4.tcp_rmem"}]
    assert list(faults(bound, {"container.apparmor.security.beta.kubernetes.io/a": "localhost/x"})) == []


@pytest.mark.parametrize(("path", "value", "field"), BREAKS)
def test_each_fault_is_found_by_its_field(path: tuple[str | int, ...], value: Any, field: str) -> None:
    pod: Any = deepcopy(POD)
    place = pod
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert field in {fault.field for fault in faults(pod)}


def test_an_annotation_of_apparmor_is_a_fault() -> None:
    found = faults(POD, {"container.apparmor.security.beta.kubernetes.io/a": "unconfined"})
    assert [fault.text for fault in found] == ['is "unconfined"']


def test_a_container_whose_user_has_only_a_name_is_found() -> None:
    assert [fault.field for fault in nameless(POD)] == ["securityContext.runAsUser"] * 2
    pod = deepcopy(POD)
    pod["securityContext"]["runAsUser"] = 1000
    assert list(nameless(pod)) == []


def test_a_container_without_limits_is_found() -> None:
    pod = deepcopy(POD)
    pod["containers"][0]["resources"] = {"limits": {"cpu": "1"}}
    told = [(fault.container, fault.field, fault.text) for fault in resourceless(pod)]
    assert told == [("a", "resources.requests", "has no cpu and no memory"), ("a", "resources.limits", "has no memory")]


def test_the_secrets_that_a_pod_cannot_start_without() -> None:
    spec = {
        "containers": [
            {
                "env": [
                    {"valueFrom": {"secretKeyRef": {"name": "a", "key": "k"}}},
                    {"valueFrom": {"secretKeyRef": {"name": "b", "key": "k", "optional": True}}},
                ],
                "envFrom": [{"secretRef": {"name": "c"}}],
            }
        ],
        "volumes": [
            {"secret": {"secretName": "d"}},
            {"projected": {"sources": [{"secret": {"name": "e", "items": [{"key": "x"}, {"key": "y"}]}}]}},
            {"secret": {"secretName": "f", "optional": True}},
        ],
    }
    assert set(needed(spec)) == {("a", "k"), ("c", ""), ("d", ""), ("e", "x"), ("e", "y")}

"""The namespace whose pods may touch nodes: nobody, managers of tenants included, runs anything there but our own."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import node_profiles
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles_nodes import Place
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings

from tests.api import pods
from tests.api.api import ADMISSION, RBAC, Api, Object, until
from tests.api.conftest import bind, create

SETTINGS = read_settings({"tenants": [{"name": "a", "builders": ["buildkit"]}], "node_profiles": "daemonset"})
OBJECTS = [
    *node_profiles.system_objects(SETTINGS, probing=True),
    # What takes the profiles away is allowed only while it does; here both are.
    *[item for item in node_profiles.system_objects(SETTINGS, removing=True) if item["kind"] == "DaemonSet"],
]
INSTALL, REMOVE = (item for item in OBJECTS if item["kind"] == "DaemonSet")
CORE = "/api/v1/namespaces/buildkeep-system"
DAEMONSETS = "/apis/apps/v1/namespaces/buildkeep-system/daemonsets"
STRATEGIC = "application/strategic-merge-patch+json"
SIDECAR, MAIN = "spec/initContainers/0", "spec/containers/0"


def of(workload: Object, name: str) -> Object:
    """The pod that the DaemonSet controller makes."""
    template = copy.deepcopy(workload["spec"]["template"])
    return {**template, "metadata": {**template["metadata"], "name": name}}


def probe() -> Object:
    """The pod that asks a node about user namespaces."""
    return node_profiles.probe_pod(SETTINGS, "probe", "node", Place(tolerations=({"key": "ci", "operator": "Exists"},)))


@pytest.fixture(scope="module")
def system(admin: Api, shop: str) -> Iterator[str]:
    """The namespace behind its fence, beside all other policies."""
    space, *rest = OBJECTS
    admin.create("/api/v1/namespaces", space).done()
    for item in rest:
        if item["kind"].startswith("Validating"):
            create(admin, item)
        if item["kind"] == "ServiceAccount":
            admin.create(f"{CORE}/serviceaccounts", item).done()
    admin.create(f"{CORE}/serviceaccounts", {"metadata": {"name": "default"}}).done()
    rules = [{"apiGroups": ["", "apps", "batch", "networking.k8s.io"], "resources": ["*"], "verbs": ["*"]}]
    path = f"{RBAC}/clusterroles"
    admin.create(path, {"metadata": {"name": "everything-there"}, "rules": rules}).done()
    for user in ("outsider", CONTROLLER):
        bind(admin, f"{RBAC}/clusterrolebindings", "ClusterRole", "everything-there", user)
    outsider = admin.user("outsider")
    maps = {"metadata": {"name": "x"}}
    until(lambda: outsider.create(f"{CORE}/configmaps", maps, dry=True), lambda answer: "[system]" in answer.message)
    bad = pods.put(of(INSTALL, "x"), f"{MAIN}/image", "docker.io/library/debian:1")
    until(lambda: admin.pod("buildkeep-system", bad), lambda answer: "[system]" in answer.message)
    yield "buildkeep-system"
    for kind in ("validatingadmissionpolicybindings", "validatingadmissionpolicies"):
        for name in (node_profiles.POLICY_PODS, node_profiles.POLICY_WRITES):
            admin.request("DELETE", f"{ADMISSION}/{kind}/{name}").done()


CONTROLLER = "system:serviceaccount:kube-system:daemon-set-controller"


@pytest.mark.parametrize("user", ["", CONTROLLER])
def test_our_own_pods_are_let_in(admin: Api, system: str, user: str) -> None:
    speaker = admin.user(user) if user else admin
    speaker.pod(system, of(INSTALL, "install")).done()
    if not user:
        speaker.pod(system, probe()).done()


def test_the_pod_that_cleans_up_is_let_in_only_while_it_is_wanted(admin: Api, system: str) -> None:
    answer = admin.pod(system, of(REMOVE, "remove"))
    assert '[system] field spec.containers: "remove", spec.volumes: "seccomp" is not allowed' in answer.message
    policies = [item for item in node_profiles.system_objects(SETTINGS, removing=True) if item["kind"].endswith("cy")]
    (shape,) = [item for item in policies if item["metadata"]["name"] == node_profiles.POLICY_PODS]
    (own,) = [
        item
        for item in OBJECTS
        if item["kind"].endswith("Policy") and item["metadata"]["name"] == node_profiles.POLICY_PODS
    ]
    path = f"{ADMISSION}/validatingadmissionpolicies/{node_profiles.POLICY_PODS}"
    admin.patch(path, {"spec": shape["spec"]}).done()
    until(lambda: admin.pod(system, of(REMOVE, "remove")), lambda found: found.ok)
    admin.patch(path, {"spec": own["spec"]}).done()
    until(lambda: admin.pod(system, of(REMOVE, "remove")), lambda found: not found.ok)


def hostpath(path: str) -> Object:
    """A volume with a folder of the node."""
    return {"name": "folder", "hostPath": {"path": path, "type": "DirectoryOrCreate"}}


CHANGES: list[tuple[str, Any, str]] = [
    (f"{SIDECAR}/image", "docker.io/library/busybox:1.36", 'spec.containers: "install"'),
    (f"{SIDECAR}/command", ["sh", "-c", "sleep 1"], 'spec.containers: "install"'),
    (f"{SIDECAR}/args", ["x"], 'spec.containers: "install"'),
    (f"{SIDECAR}/env", [{"name": "PATH", "value": "/folder"}], 'spec.containers: "install"'),
    (f"{SIDECAR}/envFrom", [{"secretRef": {"name": "x"}}], 'spec.containers: "install"'),
    (f"{SIDECAR}/workingDir", "/folder", 'spec.containers: "install"'),
    (f"{SIDECAR}/lifecycle", {"preStop": {"exec": {"command": ["id"]}}}, 'spec.containers: "install"'),
    (f"{SIDECAR}/livenessProbe/exec/command", ["id"], 'spec.containers: "install"'),
    (f"{SIDECAR}/ports", [{"containerPort": 1, "hostPort": 1}], 'spec.containers: "install"'),
    (f"{SIDECAR}/stdin", True, 'spec.containers: "install"'),
    (f"{SIDECAR}/resources/limits/memory", "1Gi", 'spec.containers: "install"'),
    (f"{SIDECAR}/securityContext/readOnlyRootFilesystem", False, 'spec.containers: "install"'),
    (f"{SIDECAR}/securityContext/capabilities/add", ["CHOWN"], 'spec.containers: "install"'),
    (f"{SIDECAR}/securityContext/seccompProfile", {"type": "Unconfined"}, 'spec.containers: "install"'),
    (f"{SIDECAR}/securityContext/appArmorProfile", {"type": "Unconfined"}, 'spec.containers: "install"'),
    (f"{SIDECAR}/securityContext/allowPrivilegeEscalation", True, 'spec.containers: "install"'),
    (f"{SIDECAR}/volumeMounts/0/mountPath", "/bin", 'spec.containers: "install"'),
    (f"{MAIN}/securityContext/runAsUser", 0, 'spec.containers: "buildkit"'),
    (f"{MAIN}/securityContext/seccompProfile/localhostProfile", "buildkeep/x.json", 'spec.containers: "buildkit"'),
    (f"{MAIN}/volumeMounts", [{"name": "folder", "mountPath": "/folder"}], 'spec.containers: "buildkit"'),
    ("spec/containers/+", {"name": "more", "image": "x"}, 'spec.containers: "more"'),
    ("spec/volumes/1", hostpath("/"), 'spec.volumes: "folder"'),
    ("spec/volumes/1", hostpath("/var/lib/kubelet/seccomp"), 'spec.volumes: "folder"'),
    ("spec/volumes/0/configMap/name", "kube-root-ca.crt", 'spec.volumes: "profiles"'),
    ("spec/volumes/+", {"name": "more", "secret": {"secretName": "x"}}, 'spec.volumes: "more"'),
    ("spec/serviceAccountName", "default", "spec.serviceAccountName"),
    ("spec/automountServiceAccountToken", True, "spec.automountServiceAccountToken"),
    ("spec/hostNetwork", True, "spec.hostNetwork"),
    ("spec/hostPID", True, "spec.hostPID"),
    ("spec/hostIPC", True, "spec.hostIPC"),
    ("spec/shareProcessNamespace", True, "spec.shareProcessNamespace"),
    ("spec/hostAliases", [{"ip": "10.0.0.1", "hostnames": ["x"]}], "spec.hostAliases"),
    ("spec/dnsConfig", {"nameservers": ["10.0.0.1"]}, "spec.dnsConfig"),
    ("spec/runtimeClassName", "weak", "spec.runtimeClassName"),
    ("spec/securityContext", {"supplementalGroups": [0]}, "spec.securityContext"),
    ("spec/securityContext", {"seLinuxOptions": {"type": "spc_t"}}, "spec.securityContext"),
    ("spec/imagePullSecrets", [{"name": "x"}], "spec.imagePullSecrets"),
]


@pytest.mark.parametrize(("path", "value", "shown"), CHANGES, ids=[path for path, *_ in CHANGES])
def test_no_other_pod_is_let_in_whoever_makes_it(admin: Api, system: str, path: str, value: Any, shown: str) -> None:
    bad = pods.put(of(INSTALL, "install"), path, value)
    for speaker in (admin, admin.user(CONTROLLER)):
        answer = speaker.pod(system, bad)
        words = (
            "ValidatingAdmissionPolicy 'buildkeep-system-pods' with binding 'buildkeep-system-pods' denied request: "
        )
        assert answer.status == 403 and f"{words}[system] field spec." in answer.message, answer.message
        assert shown in re.findall(r'spec\.\w+(?:: "[^"]*")?', answer.message), answer.message


def test_no_pod_of_ours_sees_more_of_proc(admin: Api, system: str) -> None:
    """Only the pod that probes has a user namespace, without which the API server lets nobody see all of /proc."""
    answer = admin.pod(system, pods.put(probe(), f"{MAIN}/securityContext/procMount", "Unmasked"))
    assert '[system] field spec.containers: "probe" is not allowed' in answer.message


def test_where_and_how_long_it_runs_may_differ(admin: Api, system: str) -> None:
    pod = of(INSTALL, "install")
    for path, value in (("spec/tolerations", [{"operator": "Exists"}]), ("spec/nodeName", "a"), ("spec/priority", 0)):
        pod = pods.put(pod, path, value)
    admin.pod(system, pod).done()


def test_others_make_not_even_our_own_pods(admin: Api, system: str) -> None:
    answer = admin.user("outsider").pod(system, of(INSTALL, "install"))
    assert '[system] field metadata.namespace: "buildkeep-system" is not allowed' in answer.message


def test_a_running_pod_is_not_changed(admin: Api, system: str) -> None:
    """Neither its image nor by a container beside it; its status is the kubelet's."""
    admin.pod(system, of(INSTALL, "runs"), dry=False).done()
    path, pod = f"{CORE}/pods/runs", of(INSTALL, "runs")
    image = {"spec": {"containers": [{"name": pod["spec"]["containers"][0]["name"], "image": "docker.io/x/y:1"}]}}
    assert "[system]" in admin.request("PATCH", path, image, STRATEGIC).message
    shell = {"spec": {"ephemeralContainers": [{"name": "sh", "image": "docker.io/library/busybox:1.37"}]}}
    answer = admin.request("PATCH", f"{path}/ephemeralcontainers", shell, STRATEGIC)
    assert "[system] field spec.ephemeralContainers is not allowed" in answer.message
    admin.patch(f"{path}/status", {"status": {"phase": "Running"}}).done()
    admin.patch(path, {"metadata": {"labels": {"controller-revision-hash": "x"}}}).done()
    for part in ("exec?command=id", "attach", "portforward", "proxy/"):
        answer = admin.request("GET", f"{path}/{part}")
        assert (
            f"[system] field pods/{part.partition('?')[0].strip('/')}: " in answer.message or "[exec]" in answer.message
        ), part


APPS, BATCH = (f"/apis/{group}/v1/namespaces/buildkeep-system" for group in ("apps", "batch"))
TEMPLATE = INSTALL["spec"]["template"]
RUNS = {"selector": INSTALL["spec"]["selector"], "template": TEMPLATE}
ONCE = {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "x", "image": "x"}]}}}
WRITES: dict[str, Object] = {
    f"{CORE}/configmaps": {"data": {"buildkit.json": "{}"}},
    f"{CORE}/podtemplates": {"template": TEMPLATE},
    f"{CORE}/replicationcontrollers": {"spec": {"selector": TEMPLATE["metadata"]["labels"], "template": TEMPLATE}},
    f"{CORE}/resourcequotas": {"spec": {"hard": {"pods": "1"}}},
    f"{CORE}/limitranges": {"spec": {"limits": [{"type": "Pod", "max": {"cpu": "1m"}}]}},
    DAEMONSETS: INSTALL,
    f"{APPS}/deployments": {"spec": RUNS},
    f"{APPS}/replicasets": {"spec": RUNS},
    f"{APPS}/statefulsets": {"spec": RUNS},
    f"{APPS}/controllerrevisions": {"revision": 1, "data": {"spec": {}}},
    f"{BATCH}/jobs": {"spec": ONCE},
    f"{BATCH}/cronjobs": {"spec": {"schedule": "0 0 * * *", "jobTemplate": {"spec": ONCE}}},
    "/apis/networking.k8s.io/v1/namespaces/buildkeep-system/networkpolicies": {
        "spec": {"podSelector": {}, "ingress": [{}]}
    },
}


def test_each_kind_that_is_fenced_is_tried_here() -> None:
    (fence,) = (
        item
        for item in OBJECTS
        if item["kind"].endswith("Policy") and item["metadata"]["name"] == node_profiles.POLICY_WRITES
    )
    rules = [rule for rule in fence["spec"]["matchConstraints"]["resourceRules"] if "CREATE" in rule["operations"]]
    assert {kind for rule in rules for kind in rule["resources"]} == {path.rpartition("/")[2] for path in WRITES}


@pytest.mark.parametrize("path", WRITES, ids=[path.rpartition("/")[2] for path in WRITES])
def test_only_managers_write_what_pods_are_made_of(admin: Api, system: str, path: str) -> None:
    body = {"metadata": {"name": "x"}, **WRITES[path]}
    answer = admin.user("outsider").create(path, body, dry=True)
    kind = path.rpartition("/")[2]
    assert answer.status == 403 and f'[system] field {kind}: "outsider" is not allowed' in answer.message
    admin.create(path, body, dry=True).done()


def test_what_nodes_get_is_neither_changed_nor_deleted_by_others(admin: Api, system: str) -> None:
    (profiles,) = [item for item in OBJECTS if item["kind"] == "ConfigMap"]
    admin.create(f"{CORE}/configmaps", profiles).done()
    path = f"{CORE}/configmaps/{profiles['metadata']['name']}"
    outsider = admin.user("outsider")
    assert "[system]" in outsider.request("DELETE", path).message
    assert "[system]" in outsider.patch(path, {"metadata": {"labels": {"a": "b"}}}).message
    writer = admin.user("system:serviceaccount:kube-system:namespace-controller", "system:masters")
    writer.request("DELETE", path + "?dryRun=All").done()

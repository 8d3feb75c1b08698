"""An API server of Kubernetes 1.24 that enforces PodSecurityPolicies, as far as one runs without nodes."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.backends import PSP, Backend
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings, read_settings

from testbed.apiserver import ApiServer
from tests.api.api import RBAC, Api, Object, until
from tests.builders import IMG
from tests.psp.walls import prepare

# Asks Kyverno's own command, which takes too long to compile for every run.
collect_ignore = [] if "KYVERNO" in os.environ else ["test_kyverno.py"]
# With the field procMount, which an API server of 1.24 else drops unseen.
FLAGS = ("--enable-admission-plugins=PodSecurityPolicy", "--feature-gates=ProcMountType=true")
POLICIES = "/apis/policy/v1beta1/podsecuritypolicies"
TENANT, NAMESPACE = "shop", "ci-shop"


@pytest.fixture(scope="session")
def server() -> Iterator[ApiServer]:
    """Give a running API server with the plugin, and no policy yet."""
    with ApiServer(version="1.24", flags=FLAGS) as one:
        yield one


@pytest.fixture(scope="session")
def admin(server: ApiServer) -> Api:
    """Give a client of group system:masters, which may use every policy."""
    return Api(server)


@pytest.fixture(scope="session")
def settings() -> Settings:
    """Give an inventory of one tenant, with both builders in the table."""
    made = read_settings({"tenants": [{"name": TENANT}]})
    profiles = dataclasses.replace(made.profiles, builders={**made.profiles.builders, "img": IMG})
    return dataclasses.replace(made, profiles=profiles, backend=Backend(PSP, policies=False, pod_security=True))


@pytest.fixture(scope="session")
def shop(server: ApiServer, admin: Api, settings: Settings) -> str:
    """Give the namespace of a tenant that has kaniko, in a cluster with a policy of its own for the system's pods."""
    cluster_policies(admin)
    prepare(server, settings)
    body = {"metadata": {"name": "builder-img"}, "automountServiceAccountToken": False}
    admin.create(f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", body).done()
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["*"]}
    role = {"metadata": {"name": "controller"}, "rules": [rule]}
    admin.create(f"{RBAC}/namespaces/{NAMESPACE}/roles", role).done()
    user = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "controller"}
    bind(admin, NAMESPACE, "controller", "Role", user)
    until(lambda: admin.user("controller").pod(NAMESPACE, agent("first")), lambda answer: answer.ok)
    return NAMESPACE


def cluster_policies(admin: Api) -> None:
    """Make what a cluster has of its own: everything is allowed to the system's pods, and to nobody else."""
    for name in ("default", "kube-proxy"):
        account(admin, "kube-system", name)
    spec = {
        "privileged": True,
        "allowPrivilegeEscalation": True,
        "allowedCapabilities": ["*"],
        "hostNetwork": True,
        "hostPorts": [{"min": 0, "max": 65535}],
        "volumes": ["*"],
        **{field: {"rule": "RunAsAny"} for field in ("fsGroup", "runAsUser", "seLinux", "supplementalGroups")},
    }
    body = {"metadata": {"name": "privileged"}, "spec": spec}
    admin.create(POLICIES, {"apiVersion": "policy/v1beta1", "kind": "PodSecurityPolicy", **body}).done()
    use = {"apiGroups": ["policy"], "resources": ["podsecuritypolicies"], "verbs": ["use"]}
    rules = [{**use, "resourceNames": ["privileged"]}]
    admin.create(f"{RBAC}/clusterroles", {"metadata": {"name": "psp:privileged"}, "rules": rules}).done()
    pods = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["create"]}]
    admin.create(f"{RBAC}/clusterroles", {"metadata": {"name": "make-pods"}, "rules": pods}).done()
    group = {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:serviceaccounts:kube-system"}
    bind(admin, "kube-system", "psp:privileged", "ClusterRole", group)
    bind(admin, "kube-system", "make-pods", "ClusterRole", group)


def account(admin: Api, space: str, name: str) -> None:
    """Create a ServiceAccount, in a namespace that a server just started may still be about to make."""
    path = f"/api/v1/namespaces/{space}/serviceaccounts"
    until(lambda: admin.create(path, {"metadata": {"name": name}}), lambda answer: answer.ok or answer.status == 409)


def bind(admin: Api, space: str, role: str, kind: str, subject: Object) -> None:
    """Bind a role in a namespace."""
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role}
    body = {"metadata": {"name": role}, "roleRef": reference, "subjects": [subject]}
    admin.create(f"{RBAC}/namespaces/{space}/rolebindings", body).done()


def agent(name: str) -> Object:
    """Make a pod that asks for nothing."""
    return {
        "metadata": {"name": name},
        "spec": {"serviceAccountName": "agent", "containers": [{"name": "a", "image": "example.org/a:1"}]},
    }

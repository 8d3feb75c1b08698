"""One bare API server for all tests of this layer, with the policies on it and namespaces of two tenants."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import policies
from ansible_collections.buildkeep.ci.plugins.module_utils.applying_settling import settle
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import connect
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profiles, load_profiles

from testbed.apiserver import ApiServer
from tests.api import pods
from tests.api.api import ADMISSION, RBAC, Api, Object, until
from tests.builders import ROOTLESS

CONTROLLER = {"namespace": "jenkins", "serviceAccount": "jenkins"}
CLUSTER_IMAGES = ("registry.k8s.io/pause",)
OPTIONS = policies.Options(storage_classes=("fast", "slow"))
# Projected sources and runtime features that are not on by default in every version, so that rules about them are met.
FLAGS = (
    "--feature-gates=ClusterTrustBundle=true,ClusterTrustBundleProjection=true,CrossNamespaceVolumeDataSource=true",
    "--runtime-config=certificates.k8s.io/v1beta1/clustertrustbundles=true",
)


@pytest.fixture(scope="session")
def api_server() -> Iterator[ApiServer]:
    """A running API server without any policy of ours."""
    with ApiServer(flags=FLAGS) as server:
        yield server


@pytest.fixture(scope="session")
def admin(api_server: ApiServer) -> Api:
    """A client of group system:masters."""
    return Api(api_server)


@pytest.fixture(scope="session")
def profiles() -> Profiles:
    """The table that the policies of these tests are made from."""
    return table()


def table() -> Profiles:
    """The product's table and one more builder, which needs what kaniko does not."""
    own = load_profiles()
    return dataclasses.replace(own, builders={**own.builders, ROOTLESS.name: ROOTLESS})


@pytest.fixture(scope="session")
def shop(admin: Api, profiles: Profiles) -> str:
    """The namespace of a tenant in mode enforce where the policies are known to answer."""
    return furnish(admin, profiles)


@pytest.fixture(scope="session")
def audit(admin: Api, shop: str) -> str:
    """The namespace of the same tenant in mode audit."""
    tenant_namespace(admin, "ci-audit", mode="audit")
    bad = pods.put(pods.dynamic_agent(), "spec/hostPID", True)
    until(lambda: admin.pod("ci-audit", bad), lambda answer: any("[pod]" in text for text in answer.warnings))
    return "ci-audit"


def furnish(admin: Api, profiles: Profiles) -> str:
    """Put the policies on a server, wait until they answer, and return a tenant's namespace, in mode enforce."""
    for item in policies.build_policies(profiles, CLUSTER_IMAGES, CONTROLLER, options=OPTIONS):
        create(admin, item)
    # Before 1.36, a server can end when it judges a request while it reads new policies.
    settle(connect(admin.kubeconfig), "pod_security", ())
    admin.create("/apis/node.k8s.io/v1/runtimeclasses", {"metadata": {"name": "weak"}, "handler": "runc"}).done()
    rules = [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["create"]}]
    admin.create(f"{RBAC}/clusterroles", {"metadata": {"name": "make-namespaces"}, "rules": rules}).done()
    bind(admin, f"{RBAC}/clusterrolebindings", "ClusterRole", "make-namespaces", "canary")
    reserved = {"metadata": {"name": "ci-taken"}}
    canary = admin.user("canary")
    until(lambda: canary.create("/api/v1/namespaces", reserved, dry=True), lambda answer: "[names]" in answer.message)
    tenant_namespace(admin, "ci-shop")
    settled(admin, "ci-shop", "buildkeep-pods")
    return "ci-shop"


def create(admin: Api, item: Object) -> None:
    """Create a policy or a binding."""
    kind = {
        "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
        "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
    }[item["kind"]]
    admin.create(f"{ADMISSION}/{kind}", item).done()


def tenant_namespace(
    admin: Api,
    name: str,
    mode: str = "enforce",
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    accounts: Iterable[str] = ("default", "agent", "pusher", "builder-kaniko", "builder-rootless", "deployer"),
) -> None:
    """Create a namespace of the tenant `shop`, without PSA labels, and its ServiceAccounts."""
    metadata: dict[str, Any] = {
        "name": name,
        "labels": {"buildkeep.dev/tenant": pods.TENANT, "buildkeep.dev/mode": mode, **(labels or {})},
        "annotations": {
            "buildkeep.dev/images": f"{pods.BASE}/,gcr.io/team",
            "buildkeep.dev/builders": "kaniko, rootless",
            "buildkeep.dev/claims": "maven-cache, other-cache",
            "buildkeep.dev/secrets": "signing-key",
            "buildkeep.dev/csi-drivers": "secrets-store.csi.k8s.io",
            **(annotations or {}),
        },
    }
    admin.create("/api/v1/namespaces", {"metadata": metadata}).done()
    for account in accounts:
        body = {"metadata": {"name": account}, "automountServiceAccountToken": account == "deployer"}
        admin.create(f"/api/v1/namespaces/{name}/serviceaccounts", body).done()


def settled(admin: Api, namespace: str, policy: str) -> None:
    """Wait until the pod policy refuses in a namespace: the server reads policies once a second."""
    bad = pods.put(pods.dynamic_agent(), "spec/hostPID", True)
    until(lambda: admin.pod(namespace, bad), lambda answer: policy in answer.message and "[pod]" in answer.message)


def namespace_admin(admin: Api, namespace: str) -> Api:
    """A user who may do anything in a namespace, but does not manage tenants."""
    everything = [{"apiGroups": ["", "rbac.authorization.k8s.io"], "resources": ["*"], "verbs": ["*"]}]
    admin.create(
        f"{RBAC}/namespaces/{namespace}/roles", {"metadata": {"name": "everything"}, "rules": everything}
    ).done()
    bind(admin, f"{RBAC}/namespaces/{namespace}/rolebindings", "Role", "everything", "dev")
    return admin.user("dev")


def bind(admin: Api, path: str, kind: str, role: str, user: str) -> None:
    """Bind a role to a user, as whoever manages tenants."""
    subject = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role}
    binding = {"metadata": {"name": f"{user}-{role}"}, "roleRef": reference, "subjects": [subject]}
    admin.create(path, binding).done()

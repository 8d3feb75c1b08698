"""Our SecurityContextConstraints against the API types that OpenShift publishes, and who may use them by RBAC.

The bare API server checks types and answers about rights. It has not OpenShift's admission plugin, so nothing here
shows that a pod is refused.
"""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import scc
from ansible_collections.buildkeep.ci.plugins.module_utils.backends import choose
from ansible_collections.buildkeep.ci.plugins.module_utils.backends_served import served
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import connect
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings

from testbed import openshift
from testbed.apiserver import ApiServer
from tests.api.api import RBAC, Api
from tests.scc.published import CONSTRAINTS, apply

NEWEST = (1, 37)


def wanted(settings: Settings) -> list[dict[str, Any]]:
    """The SCCs alone."""
    return [one for one in scc.scc_objects(settings) if one["kind"] == "SecurityContextConstraints"]


def test_each_is_taken_as_it_is(admin: Api, settings: Settings) -> None:
    """No field is unknown, missing, or changed by the server."""
    assert len(wanted(settings)) == 1 + len(settings.profiles.builders)
    for item in wanted(settings):
        kept = apply(admin, item).done()
        assert {**kept, "metadata": item["metadata"]} == item


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("allowPriviledgedContainer", False, "not declared in schema"),
        ("runAsUsr", {"type": "RunAsAny"}, "not declared in schema"),
        ("runAsUser", {"kind": "RunAsAny"}, "not declared in schema"),
        ("allowHostPID", "no", "expected boolean"),
        ("volumes", "secret", "expected list"),
        ("priority", "high", "expected numeric"),
    ],
)
def test_a_mistake_in_them_would_be_seen(admin: Api, settings: Settings, field: str, value: Any, why: str) -> None:
    """Or their being taken would say nothing."""
    answer = apply(admin, {**wanted(settings)[0], field: value})
    assert not answer.ok and field in answer.message and why in answer.message, answer.message


def test_a_missing_field_would_be_seen(admin: Api, settings: Settings) -> None:
    item = wanted(settings)[0]
    del item["allowHostNetwork"]
    answer = admin.create(CONSTRAINTS, {**item, "metadata": {"name": "incomplete"}}, dry=True)
    assert "allowHostNetwork: Required value" in answer.message


def test_user_namespaces_are_asked_for_only_where_the_types_have_them(
    admin: Api, settings: Settings, types: str
) -> None:
    """What a run finds out by itself."""
    item = {**wanted(settings)[0], "userNamespaceLevel": "RequirePodLevel"}
    answer = apply(admin, item)
    assert answer.ok is (types == openshift.NEW), answer.message
    if types == openshift.NEW:
        answer = apply(admin, {**item, "userNamespaceLevel": "Never"})
        assert 'Unsupported value: "Never"' in answer.message
    else:
        assert "userNamespaceLevel" in answer.message


def test_discovery_finds_the_backend(server: ApiServer, types: str) -> None:
    found = served(connect(str(server.kubeconfig())), NEWEST)
    backend = choose(found)
    assert (backend.name, backend.policies) == ("scc", True)
    assert backend.user_namespaces is (types == openshift.NEW)
    assert choose(found, "admission").name == "admission"


def may_use(admin: Api, user: str, groups: list[str], name: str, namespace: str) -> bool:
    """What OpenShift's plugin asks the authorizer about the pod's ServiceAccount, and about the sender."""
    attributes = {"group": "security.openshift.io", "resource": "securitycontextconstraints", "verb": "use"}
    attributes |= {"name": name, "namespace": namespace}
    body = {"spec": {"user": user, "groups": groups, "resourceAttributes": attributes}}
    answer = admin.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", body)
    return bool(answer.done()["status"]["allowed"])


@pytest.fixture
def bound(admin: Api, settings: Settings) -> None:
    """Put the roles and bindings of one tenant, and of the canaries' namespace, on the server."""
    items = [one for one in scc.scc_objects(settings) if one["kind"] == "ClusterRole"]
    items += scc.scc_bindings("ci-shop", "shop", ["kaniko", "rootless"]) + scc.canary_bindings(settings)
    for namespace in ("ci-shop", "ci-blog", "buildkeep-canary"):
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        admin.request(
            "PATCH", f"/api/v1/namespaces/{namespace}?fieldManager=test", space, "application/apply-patch+yaml"
        )
    for item in items:
        space = item["metadata"].get("namespace")
        path = f"{RBAC}/namespaces/{space}/rolebindings" if space else f"{RBAC}/clusterroles"
        query = "?fieldManager=buildkeep&force=true&fieldValidation=Strict"
        name = item["metadata"]["name"]
        admin.request("PATCH", f"{path}/{name}{query}", item, "application/apply-patch+yaml").done()


@pytest.mark.usefixtures("bound")
def test_each_serviceaccount_may_use_its_own_and_no_other(admin: Api) -> None:
    names = ["buildkeep-agent", "buildkeep-kaniko", "buildkeep-rootless", "privileged", "anyuid"]
    found = {
        account: [
            name
            for name in names
            if may_use(
                admin, f"system:serviceaccount:ci-shop:{account}",
                ["system:serviceaccounts", "system:serviceaccounts:ci-shop"], name, "ci-shop",
            )
        ]
        for account in ("agent", "pusher", "builder-kaniko", "builder-rootless", "default", "deployer")
    }  # fmt: skip
    assert found == {
        "agent": ["buildkeep-agent"],
        "pusher": ["buildkeep-agent"],
        "builder-kaniko": ["buildkeep-kaniko"],
        "builder-rootless": ["buildkeep-rootless"],
        "default": [],
        "deployer": [],
    }
    agent = ("system:serviceaccount:ci-shop:agent", ["system:serviceaccounts:ci-shop"])
    assert not may_use(admin, *agent, "buildkeep-agent", "ci-blog")


@pytest.mark.usefixtures("bound")
def test_canaries_may_use_what_forbids_nothing_in_their_own_namespace_alone(admin: Api) -> None:
    canary = ("system:serviceaccount:jenkins:jenkins", ["buildkeep:canary"])
    assert may_use(admin, *canary, "privileged", "buildkeep-canary")
    assert not may_use(admin, *canary, "privileged", "ci-shop")
    assert may_use(admin, *canary, "buildkeep-agent", "ci-shop")
    assert not may_use(admin, *canary, "buildkeep-kaniko", "ci-shop")
    # Without the group, which nobody is in, the controller may use none anywhere.
    for name in ("privileged", "buildkeep-agent", "buildkeep-kaniko"):
        assert not may_use(admin, canary[0], [], name, "buildkeep-canary")
        assert not may_use(admin, canary[0], [], name, "ci-shop")

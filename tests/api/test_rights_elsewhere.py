"""The preflight's questions about the controller, answered by a real API server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import preflight_access
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import connect
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings, read_settings
from ansible_collections.buildkeep.ci.plugins.module_utils.tenant_objects import access

from testbed.apiserver import ApiServer
from tests.api.api import RBAC, Api, until
from tests.api.conftest import bind

# Somebody of this file alone: other tests bind roles to the usual controller.
CONTROLLER = {"namespace": "rights", "name": "jenkins", "serviceAccount": "rights"}
SUBJECT = {"kind": "ServiceAccount", "namespace": "rights", "name": "rights"}
GROUP = "rbac.authorization.k8s.io"
ADMISSION = "admissionregistration.k8s.io"


@pytest.fixture(scope="module", autouse=True)
def spaces(admin: Api) -> None:
    """The controller's namespace and one that is no tenant's."""
    for name in ("rights", "rights-team"):
        admin.create("/api/v1/namespaces", {"metadata": {"name": name}}).done()


def seen(admin: Api, rule: dict[str, Any], namespace: str, wanted: bool) -> None:
    """Wait until the authorizer, which watches roles and bindings, knows that the right is there, or gone."""
    resource, _, subresource = rule["resources"][-1].partition("/")
    attributes = {"verb": rule["verbs"][0], "group": rule["apiGroups"][0], "resource": resource, "namespace": namespace}
    attributes |= {"subresource": subresource, "name": (*rule.get("resourceNames", ()), "")[0]}
    body = {"spec": {"user": "system:serviceaccount:rights:rights", "resourceAttributes": attributes}}
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    until(lambda: admin.create(path, body), lambda answer: answer.body["status"]["allowed"] is wanted)


@contextmanager
def given(admin: Api, rule: dict[str, Any], namespace: str = "") -> Iterator[None]:
    """Bind a ClusterRole of this rule to the controller, in one namespace or everywhere."""
    name = "rights-given"
    reference = {"apiGroup": GROUP, "kind": "ClusterRole", "name": name}
    bindings = f"{RBAC}/namespaces/{namespace}/rolebindings" if namespace else f"{RBAC}/clusterrolebindings"
    role = {"metadata": {"name": name}, "rules": [rule]}
    admin.create(f"{RBAC}/clusterroles", role).done()
    admin.create(bindings, {"metadata": {"name": name}, "roleRef": reference, "subjects": [SUBJECT]}).done()
    try:
        seen(admin, rule, namespace, wanted=True)
        yield
    finally:
        admin.request("DELETE", f"{bindings}/{name}")
        admin.request("DELETE", f"{RBAC}/clusterroles/{name}")
        seen(admin, rule, namespace, wanted=False)


def problems(server: ApiServer, **more: Any) -> list[str]:
    """What the preflight complains about for an inventory of one tenant."""
    settings = read_settings({"tenants": [{"name": "rights-shop"}], "controller": CONTROLLER, **more})
    return looked(server, settings)[0]


def looked(server: ApiServer, settings: Settings) -> tuple[list[str], list[str]]:
    """Problems and warnings of the preflight."""
    return preflight_access.look(connect(str(server.kubeconfig("admin"))), access(settings))


@pytest.mark.parametrize(
    ("group", "resource", "verb", "namespace", "names"),
    [
        ("apps", "daemonsets", "create", "", ()),
        ("batch", "cronjobs", "patch", "rights-team", ()),
        ("", "pods/ephemeralcontainers", "update", "rights-team", ()),
        ("", "serviceaccounts/token", "create", "rights", ()),
        (GROUP, "roles", "escalate", "rights-team", ()),
        ("", "nodes/proxy", "get", "", ()),
        ("", "users", "impersonate", "", ()),
        ("", "groups", "impersonate", "", ("system:masters",)),
        ("buildkeep.dev", "tenants", "manage", "", ("ci-rights-shop",)),
        (ADMISSION, "mutatingwebhookconfigurations", "create", "", ()),
        (ADMISSION, "validatingadmissionpolicybindings", "delete", "", ()),
    ],
)
def test_a_right_around_the_walls_is_a_problem(
    api_server: ApiServer, admin: Api, group: str, resource: str, verb: str, namespace: str, names: tuple[str, ...]
) -> None:
    """It names the right, the place and the binding; without the right there is none."""
    rule = {"apiGroups": [group], "resources": [resource], "verbs": [verb], "resourceNames": list(names)}
    assert problems(api_server) == []
    with given(admin, rule, namespace):
        (text,) = problems(api_server)
    assert f"rights:rights may {verb} {resource}" in text
    assert "rights-given" in text
    assert not namespace or f"in namespace {namespace} " in text


def test_what_the_charts_side_car_needs_is_no_problem(api_server: ApiServer, admin: Api) -> None:
    """The Role that docs/operations.md gives, and Secrets, which are the controller's own there."""
    rule = {"apiGroups": [""], "resources": ["configmaps", "secrets"], "verbs": ["get", "list", "watch"]}
    with given(admin, rule, "rights"):
        assert problems(api_server) == []
    with given(admin, rule, "rights-team"):
        (text,) = problems(api_server)
    assert "get/list/watch secrets in namespace rights-team" in text


def test_who_administers_jenkins_by_rights_beside_it_is_told(api_server: ApiServer, admin: Api) -> None:
    """Whoever reads the Secrets of the controller's namespace, but not the controller itself."""
    settings = read_settings({"tenants": [{"name": "rights-shop"}], "controller": CONTROLLER})
    path = f"{RBAC}/namespaces/rights"
    role = {"metadata": {"name": "keys"}, "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]}
    admin.create(f"{path}/roles", role).done()
    bind(admin, f"{path}/rolebindings", "Role", "keys", "jane")
    (text,) = (text for text in looked(api_server, settings)[1] if "administering Jenkins" in text)
    assert "in namespace rights " in text
    assert "jane may read Secrets" in text
    assert "rights:rights" not in text

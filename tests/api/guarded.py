"""What tests of the policies beside the pod rules share: a user with every right of a namespace, and refusals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.api.api import RBAC, Answer, Api, until
from tests.api.conftest import bind, tenant_namespace

EVERYTHING = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
MANAGER = "whoever has the verb manage on tenants.buildkeep.dev"
CONTROLLERS = "system:serviceaccount:kube-system"


def almighty(admin: Api, namespace: str, accounts: Iterable[str] = ("default", "agent", "builder-kaniko")) -> Api:
    """Make a tenant's namespace, and a user who may do everything in it, but does not manage tenants."""
    tenant_namespace(admin, namespace, accounts=accounts)
    path = f"{RBAC}/namespaces/{namespace}"
    admin.create(f"{path}/roles", {"metadata": {"name": "everything"}, "rules": EVERYTHING}).done()
    bind(admin, f"{path}/rolebindings", "Role", "everything", "dev")
    wait_for(admin, "dev", EVERYTHING[0], namespace)
    return admin.user("dev")


def allow(admin: Api, user: str, group: str, resources: list[str], verbs: list[str]) -> None:
    """Give a user, such as one of the cluster's controllers, rights in every namespace."""
    grant(admin, user, {"apiGroups": [group], "resources": resources, "verbs": verbs})


def manage(admin: Api, user: str, namespace: str) -> None:
    """Let a user manage one tenant."""
    grant(
        admin,
        user,
        {
            "apiGroups": ["buildkeep.dev"],
            "resources": ["tenants"],
            "resourceNames": [namespace],
            "verbs": ["manage"],
        },
    )


def grant(admin: Api, user: str, rule: dict[str, Any]) -> None:
    """Give a user one rule's rights in every namespace."""
    name = f"{user.replace(':', '-')}-{rule['resources'][0].replace('/', '-')}"
    rules = [rule]
    admin.create(f"{RBAC}/clusterroles", {"metadata": {"name": name}, "rules": rules}).done()
    subject = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}
    reference = {"kind": "ClusterRole", "apiGroup": "rbac.authorization.k8s.io", "name": name}
    binding: dict[str, Any] = {"metadata": {"name": name}, "roleRef": reference, "subjects": [subject]}
    admin.create(f"{RBAC}/clusterrolebindings", binding).done()
    wait_for(admin, user, rule)


def wait_for(admin: Api, user: str, rule: dict[str, Any], namespace: str = "") -> None:
    """Wait until the API server knows of a right: what it reads of RBAC is some milliseconds old."""
    resource, _, subresource = rule["resources"][-1].partition("/")
    asked = {
        "group": rule["apiGroups"][0],
        "resource": resource,
        "subresource": subresource,
        "verb": rule["verbs"][-1],
        "name": (rule.get("resourceNames") or [""])[0],
        "namespace": namespace,
    }
    review = {"spec": {"user": user, "resourceAttributes": asked}}
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    until(lambda: admin.create(path, review), lambda answer: bool(answer.done()["status"]["allowed"]))


def sentence(answer: Answer, policy: str, binding: str = "-enforce") -> str:
    """The whole sentence by which this policy refused; the test fails where it did not."""
    head = f"ValidatingAdmissionPolicy 'buildkeep-{policy}' with binding 'buildkeep-{policy}{binding}' denied request: "
    assert answer.status == 403, (answer.status, answer.message)
    _, found, text = answer.message.partition(head)
    assert found, answer.message
    return text


def one(policy: str, field: str, value: str, allowed: str) -> str:
    """The sentence of one broken rule."""
    return f'[{policy}] field {field}: "{value}" is not allowed; allowed: {allowed}'

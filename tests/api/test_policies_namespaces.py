"""Who may change a tenant's namespace, and who may take a tenant's name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.api import RBAC, Answer, Api
from tests.api.conftest import bind, tenant_namespace

NAMESPACES = "/api/v1/namespaces"
SUBRESOURCES = ["namespaces", "namespaces/status", "namespaces/finalize"]


@pytest.fixture(scope="module")
def guarded(admin: Api, shop: str) -> str:
    """A tenant's namespace, and one of nobody's."""
    tenant_namespace(admin, "ci-guarded", labels={"app.kubernetes.io/managed-by": "buildkeep"}, accounts=())
    admin.create(NAMESPACES, {"metadata": {"name": "free"}}).done()
    return f"{NAMESPACES}/ci-guarded"


@pytest.fixture(scope="module")
def dev(admin: Api, shop: str) -> Api:
    """A user with every right on namespaces, and none on tenants."""
    rules = [{"apiGroups": [""], "resources": SUBRESOURCES, "verbs": ["*"]}]
    admin.create(f"{RBAC}/clusterroles", {"metadata": {"name": "namespaces"}, "rules": rules}).done()
    bind(admin, f"{RBAC}/clusterrolebindings", "ClusterRole", "namespaces", "dev")
    return admin.user("dev")


@pytest.fixture(scope="module")
def manager(admin: Api, dev: Api) -> Iterator[Api]:
    """A user with the same rights, and the verb manage for one tenant's namespace."""
    names = ["ci-guarded", "ci-new"]
    rules = [{"apiGroups": ["buildkeep.dev"], "resources": ["tenants"], "resourceNames": names, "verbs": ["manage"]}]
    admin.create(f"{RBAC}/clusterroles", {"metadata": {"name": "manage-shop"}, "rules": rules}).done()
    for role in ("namespaces", "manage-shop"):
        bind(admin, f"{RBAC}/clusterrolebindings", "ClusterRole", role, "manager")
    yield admin.user("manager")


def refused(answer: Answer, rule: str, shown: str) -> bool:
    """Whether the guard refused, by name and with the field."""
    return (
        answer.status == 403
        and f"ValidatingAdmissionPolicy 'buildkeep-{rule}' with binding 'buildkeep-{rule}'" in answer.message
        and f'[{rule}] field metadata{".name" if rule == "names" else ""}: "{shown}" is not allowed' in answer.message
    )


CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("buildkeep.dev/images", {"annotations": {"buildkeep.dev/images": "docker.io/library/"}}),
    ("buildkeep.dev/builders", {"annotations": {"buildkeep.dev/builders": None}}),
    ("buildkeep.dev/tenant", {"labels": {"buildkeep.dev/tenant": "blog"}}),
    ("buildkeep.dev/tenant", {"labels": {"buildkeep.dev/tenant": None}}),
    ("buildkeep.dev/mode", {"labels": {"buildkeep.dev/mode": "audit"}}),
    (
        "pod-security.kubernetes.io/enforce",
        {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}},
    ),
    ("app.kubernetes.io/managed-by", {"labels": {"app.kubernetes.io/managed-by": None}}),
    ("app.kubernetes.io/managed-by", {"labels": {"app.kubernetes.io/managed-by": "Helm"}}),
    (
        "scheduler.alpha.kubernetes.io/node-selector",
        {"annotations": {"scheduler.alpha.kubernetes.io/node-selector": "pool=db"}},
    ),
    (
        "scheduler.alpha.kubernetes.io/tolerationsWhitelist",
        {"annotations": {"scheduler.alpha.kubernetes.io/tolerationsWhitelist": "[]"}},
    ),
]


CHANGES += [
    (key, {kind: {key: "x"}})
    for kind, keys in {
        "labels": ("istio-injection", "istio.io/rev"),
        "annotations": (
            *("openshift.io/node-selector", "iam.amazonaws.com/permitted", "eks.amazonaws.com/role-arn"),
            *("sidecar.istio.io/inject", "linkerd.io/inject", "config.linkerd.io/proxy-image"),
        ),
    }.items()
    for key in keys
]


@pytest.mark.parametrize("part", ["", "/status"])
@pytest.mark.parametrize(("shown", "change"), CHANGES, ids=lambda value: value if isinstance(value, str) else "")
def test_only_managers_change_a_tenant(
    admin: Api, dev: Api, manager: Api, guarded: str, part: str, shown: str, change: dict[str, Any]
) -> None:
    answer = dev.patch(guarded + part, {"metadata": change}, dry=True)
    assert refused(answer, "namespaces", shown), answer.message
    for allowed in (manager, admin):
        assert allowed.patch(guarded + part, {"metadata": change}, dry=True).ok
    # OpenShift's own controller writes these.
    ranges = {"openshift.io/sa.scc.uid-range": "1000/1000", "openshift.io/sa.scc.mcs": "s0:c1,c2"}
    assert dev.patch(guarded + part, {"metadata": {"labels": {"team": "a"}, "annotations": ranges}}, dry=True).ok


def test_finalize_is_guarded_too(admin: Api, dev: Api, guarded: str) -> None:
    item = admin.request("GET", guarded).done()
    assert dev.request("PUT", f"{guarded}/finalize?dryRun=All", item).ok
    item["metadata"]["annotations"]["buildkeep.dev/images"] = "gcr.io/evil/"
    answer = dev.request("PUT", f"{guarded}/finalize?dryRun=All", item)
    assert refused(answer, "namespaces", "buildkeep.dev/images"), answer.message


def test_only_managers_make_and_delete_a_tenant(admin: Api, dev: Api, manager: Api, guarded: str) -> None:
    body = {"metadata": {"name": "ci-new", "labels": {"buildkeep.dev/tenant": "new"}}}
    outside = {"metadata": {"name": "new", "labels": {"buildkeep.dev/tenant": "new"}}}
    answer = dev.create(NAMESPACES, outside, dry=True)
    assert refused(answer, "namespaces", "CREATE"), answer.message
    assert manager.create(NAMESPACES, body, dry=True).ok
    answer = dev.patch(f"{NAMESPACES}/free/status", {"metadata": outside["metadata"] | {"name": "free"}}, dry=True)
    assert refused(answer, "namespaces", "buildkeep.dev/tenant"), answer.message
    answer = dev.request("DELETE", f"{guarded}?dryRun=All")
    assert refused(answer, "namespaces", "DELETE"), answer.message
    assert manager.request("DELETE", f"{guarded}?dryRun=All").ok


def test_tenants_names_are_reserved(admin: Api, dev: Api, manager: Api, guarded: str) -> None:
    for metadata in ({"name": "ci-new"}, {"generateName": "ci-"}, {"generateName": "ci-new-"}):
        answer = dev.create(NAMESPACES, {"metadata": metadata}, dry=True)
        assert "[names]" in answer.message and "'buildkeep-names'" in answer.message, answer.message
    assert refused(dev.create(NAMESPACES, {"metadata": {"name": "ci-new"}}, dry=True), "names", "ci-new")
    for own in ("buildkeep-system", "buildkeep-canary"):
        assert refused(dev.create(NAMESPACES, {"metadata": {"name": own}}, dry=True), "names", own)
    # Everybody else keeps every other name, those that only look alike included.
    for metadata in ({"name": "cinema"}, {"name": "my-ci-new"}, {"generateName": "c"}, {"name": "ci"}):
        answer = dev.create(NAMESPACES, {"metadata": metadata}, dry=True)
        assert answer.ok, answer.message
    assert manager.create(NAMESPACES, {"metadata": {"name": "ci-new"}}, dry=True).ok
    assert not manager.create(NAMESPACES, {"metadata": {"name": "ci-other"}}, dry=True).ok


def test_other_namespaces_are_no_concern_of_ours(dev: Api, guarded: str) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "privileged", "buildkeep.dev/mode": "audit"}
    assert dev.patch(f"{NAMESPACES}/free", {"metadata": {"labels": labels}}, dry=True).ok
    assert dev.request("DELETE", f"{NAMESPACES}/free?dryRun=All").ok

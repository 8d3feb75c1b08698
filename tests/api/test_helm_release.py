"""The chart as a release of Helm, on a real API server."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import pytest

from testbed.apiserver import ApiServer
from testbed.tools import tool
from tests.api.api import Api
from tests.chart.rendering import CHART

Helm = Callable[..., subprocess.CompletedProcess[str]]
KINDS = (("", "configmaps"), ("", "serviceaccounts"), ("rbac", "roles"), ("rbac", "rolebindings"))
GROUPS = {"": "/api/v1", "rbac": "/apis/rbac.authorization.k8s.io/v1"}


@pytest.fixture
def helm(api_server: ApiServer, admin: Api) -> Iterator[Helm]:
    """Helm with the release's namespaces in place; they go when the test ends."""
    names = ("helm-jenkins", "team-shop", "team-blog")
    for name in names:
        admin.create("/api/v1/namespaces", {"metadata": {"name": name}}).done()

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        values = "controller.namespace=helm-jenkins,namespacePrefix=team-"
        command = [str(tool("helm")), "--kubeconfig", str(api_server.kubeconfig()), "-n", "helm-jenkins", *arguments]
        more = ["--set", values] if arguments[0] != "uninstall" else []
        return subprocess.run([*command, *more], capture_output=True, text=True, timeout=120, check=False)

    yield run
    for name in names:
        admin.request("DELETE", f"/api/v1/namespaces/{name}").done()


def there(admin: Api) -> set[str]:
    """Kind, namespace and name of what a release made."""
    found = set()
    for group, kind in KINDS:
        query = f"{GROUPS[group]}/{kind}?labelSelector=app.kubernetes.io/name=agent-templates"
        for item in admin.request("GET", query).done()["items"]:
            found.add(f"{kind} {item['metadata']['namespace']}/{item['metadata']['name']}")
    return found


def made(tenant: str) -> set[str]:
    """What one tenant has."""
    accounts = {f"serviceaccounts team-{tenant}/{name}" for name in ("agent", "pusher", "builder-kaniko")}
    rights = {f"{kind} team-{tenant}/buildkeep-controller" for kind in ("roles", "rolebindings")}
    return {f"configmaps helm-jenkins/buildkeep-cloud-{tenant}", *accounts, *rights}


def test_a_release_is_installed_changed_and_removed(helm: Helm, admin: Api) -> None:
    two = "tenants[0].name=shop,tenants[1].name=blog"
    first = helm("install", "clouds", str(CHART), "--set", two)
    assert first.returncode == 0, first.stderr
    assert there(admin) == made("shop") | made("blog")
    second = helm("install", "other", str(CHART), "--set", "tenants[0].name=shop")
    assert second.returncode != 0
    assert "invalid ownership metadata" in second.stderr
    less = helm("upgrade", "clouds", str(CHART), "--set", "tenants[0].name=shop")
    assert less.returncode == 0, less.stderr
    assert there(admin) == made("shop")
    gone = helm("uninstall", "clouds")
    assert gone.returncode == 0, gone.stderr
    assert there(admin) == set()

"""The chart as a release of Helm 4 and of Helm 3, on a real API server."""

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


@pytest.fixture(params=["helm", "helm3"])
def version(request: pytest.FixtureRequest) -> str:
    """The command of a Helm. Its name is part of the namespaces: without controllers none is ever gone."""
    return str(request.param)


@pytest.fixture
def helm(version: str, api_server: ApiServer, admin: Api) -> Iterator[Helm]:
    """Helm with the release's namespaces in place; they go when the test ends."""
    jenkins, prefix = f"{version}-jenkins", f"{version}-"
    names = (jenkins, f"{prefix}shop", f"{prefix}blog")
    for name in names:
        admin.create("/api/v1/namespaces", {"metadata": {"name": name}}).done()

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        values = f"controller.namespace={jenkins},namespacePrefix={prefix}"
        command = [str(tool(version)), "--kubeconfig", str(api_server.kubeconfig()), "-n", jenkins, *arguments]
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


def made(version: str, tenant: str) -> set[str]:
    """What one tenant has."""
    accounts = {f"serviceaccounts {version}-{tenant}/{name}" for name in ("agent", "pusher", "builder-kaniko")}
    rights = {f"{kind} {version}-{tenant}/buildkeep-controller" for kind in ("roles", "rolebindings")}
    return {f"configmaps {version}-jenkins/buildkeep-cloud-{tenant}", *accounts, *rights}


def test_a_release_is_installed_changed_and_removed(version: str, helm: Helm, admin: Api) -> None:
    two = "tenants[0].name=shop,tenants[1].name=blog"
    first = helm("install", "clouds", str(CHART), "--set", two)
    assert first.returncode == 0, first.stderr
    assert there(admin) == made(version, "shop") | made(version, "blog")
    second = helm("install", "other", str(CHART), "--set", "tenants[0].name=shop")
    assert second.returncode != 0
    assert "invalid ownership metadata" in second.stderr
    less = helm("upgrade", "clouds", str(CHART), "--set", "tenants[0].name=shop")
    assert less.returncode == 0, less.stderr
    assert there(admin) == made(version, "shop")
    gone = helm("uninstall", "clouds")
    assert gone.returncode == 0, gone.stderr
    assert there(admin) == set()

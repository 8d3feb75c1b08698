"""The quota and default limits of a tenant: honest agents fit in, and nobody reserves the nodes' disks."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import manifests
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings
from ansible_collections.buildkeep.ci.plugins.module_utils.tenant_objects import tenant_objects

from testbed.paths import ROOT
from tests.api import pods
from tests.api.api import Api, until
from tests.api.conftest import tenant_namespace

TEMPLATES = ROOT / "roles" / "tenants" / "templates"
SPACE = "/api/v1/namespaces/ci-quota"


@pytest.fixture(scope="module")
def hard(admin: Api, shop: str) -> dict[str, Any]:
    """The quota of a tenant with room for two pods; its namespace has the quota and the default limits."""
    tenant_namespace(admin, "ci-quota")
    tenant = {"name": "quota", "limits": {"pods": 2, "cpu": "8", "memory": "16Gi"}}
    (values,) = tenant_objects(read_settings({"tenants": [tenant]}))
    paths = [str(TEMPLATES / f"{kind}.yaml.j2") for kind in ("limitrange", "resourcequota")]
    limits, quota = manifests.render(paths, values, None)
    admin.create(f"{SPACE}/limitranges", limits).done()
    admin.create(f"{SPACE}/resourcequotas", quota).done()
    # No controller counts here: what is in use is said to be nothing.
    wanted: dict[str, Any] = quota["spec"]["hard"]
    status = {"status": {"hard": wanted, "used": dict.fromkeys(wanted, "0")}}
    admin.patch(f"{SPACE}/resourcequotas/buildkeep/status", status).done()
    until(lambda: admin.pod("ci-quota", pods.dynamic_agent()), lambda answer: answer.ok)
    return wanted


def test_the_quota(hard: dict[str, Any]) -> None:
    assert hard == {"pods": "2", "limits.cpu": "8", "limits.memory": "16Gi", "requests.ephemeral-storage": "40Gi"}


@pytest.mark.parametrize("base", pods.BASES)
def test_honest_agents_fit_in(admin: Api, hard: dict[str, Any], base: str) -> None:
    answer = admin.pod("ci-quota", pods.BASES[base]())
    assert answer.ok, answer.message


def test_disks_of_nodes_are_not_reserved_without_bound(admin: Api, hard: dict[str, Any]) -> None:
    for amount, ok in (("40Gi", True), ("41Gi", False), ("900Gi", False)):
        agent = pods.put(pods.dynamic_agent(), "spec/containers/0/resources/requests/ephemeral-storage", amount)
        answer = admin.pod("ci-quota", agent)
        assert answer.ok == ok, answer.message
        assert ok or "exceeded quota: buildkeep, requested: requests.ephemeral-storage=" in answer.message

"""What OpenShift puts into every namespace, and what of an inventory its constraints cannot do."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.removing_foreign import is_foreign
from ansible_collections.buildkeep.ci.plugins.module_utils.scc import scc_problems
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings

TOKEN = {"annotations": {"openshift.io/internal-registry-auth-token.service-account": "agent"}}
OLD = {"annotations": {"openshift.io/token-secret.name": "agent-token-x"}}
OLDER = {"annotations": {"kubernetes.io/created-by": "openshift.io/create-dockercfg-secrets"}}
OTHER = {"annotations": {"kubernetes.io/created-by": "somebody"}}
DESCRIBED = {"annotations": {"openshift.io/description": "It is auto-managed by a controller."}}


@pytest.mark.parametrize(
    ("kind", "name", "metadata", "foreign"),
    [
        ("Secret", "agent-dockercfg-x", TOKEN, False),
        ("Secret", "agent-dockercfg-x", OLD, False),
        ("Secret", "agent-token-x", OLDER, False),
        ("Secret", "agent-token-x", OTHER, True),
        ("Secret", "agent-dockercfg-x", {}, True),
        ("ConfigMap", "agent-dockercfg-x", TOKEN, True),
        ("ServiceAccount", "builder", {}, False),
        ("ServiceAccount", "deployer", {}, False),
        ("ServiceAccount", "builder-of-mine", {}, True),
        ("RoleBinding", "system:deployers", DESCRIBED, False),
        ("RoleBinding", "system:deployers", {}, True),
        ("RoleBinding", "admins", DESCRIBED, True),
    ],
)
def test_is_foreign_on_openshift(kind: str, name: str, metadata: dict[str, Any], foreign: bool) -> None:
    item = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, **metadata}}
    assert is_foreign(item, openshift=True) is foreign
    assert is_foreign(item)


def test_volumes_that_no_constraints_can_tell_apart_are_named() -> None:
    volumes = {"claims": ["cache"], "csiDrivers": ["secrets-store.csi.k8s.io"]}
    read = read_settings({"tenants": [{"name": "shop", "volumes": volumes}, {"name": "blog"}]})
    problems = scc_problems(read.present)
    assert len(problems) == 2
    assert problems[0].startswith("buildkeep_tenants: shop.volumes.claims: SecurityContextConstraints cannot tell")
    assert "shop.volumes.csiDrivers" in problems[1]

"""What OpenShift puts into every namespace: no reason to keep a namespace there, and one on any other cluster."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.removing_foreign import is_foreign

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

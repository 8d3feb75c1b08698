"""The proof is no formality: with one wall of the live cluster taken away, the attack behind it is reported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from testbed import paths
from testbed.attacks import session
from testbed.attacks.api import Api
from testbed.attacks.stage import TENANT, namespace_path, rbac_path

ROLE = rbac_path(TENANT, "Role", "buildkeep-controller")
ENFORCE = "pod-security.kubernetes.io/enforce"


@contextmanager
def changed(admin: Api, path: str, change: Any, back: Any) -> Iterator[None]:
    """An object that is changed by a patch, and changed back."""
    admin.must("PATCH", path, change)
    try:
        yield
    finally:
        admin.must("PATCH", path, back)


def test_a_right_too_many_is_found(admin: Api) -> None:
    rules = admin.must("GET", ROLE)["rules"]
    wider = [*rules, {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}]
    with changed(admin, ROLE, {"rules": wider}, {"rules": rules}):
        wide, narrow = session.attack(paths.kubeconfig(), ["read-secrets", "read-one-secret"])
    assert (wide.verdict, narrow.verdict) == ("GOT THROUGH", "refused")


def test_a_missing_pod_security_label_is_found(admin: Api) -> None:
    level = admin.must("GET", namespace_path(TENANT))["metadata"]["labels"][ENFORCE]
    labels = ({"metadata": {"labels": {ENFORCE: value}}} for value in (None, level))
    with changed(admin, namespace_path(TENANT), *labels):
        (outcome,) = session.attack(paths.kubeconfig(), ["host-pid"])
    assert outcome.verdict == "NOT PROVEN"
    assert outcome.problems[0].startswith("answered by buildkeep-pods, not by PodSecurity")

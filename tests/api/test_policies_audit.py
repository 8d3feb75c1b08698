"""Mode audit: nothing is denied, everything is said."""

from __future__ import annotations

from tests.api import pods
from tests.api.api import RBAC, Api
from tests.api.conftest import namespace_admin


def test_a_bad_pod_is_admitted_with_warnings(admin: Api, audit: str, shop: str) -> None:
    bad = pods.put(pods.dynamic_agent(), "spec/hostPID", True)
    answer = admin.pod(audit, bad)
    assert answer.ok, answer.message
    (warning,) = answer.warnings
    assert "ValidatingAdmissionPolicy 'buildkeep-pods' with binding 'buildkeep-pods-audit'" in warning
    assert '[pod] field spec.hostPID: \\"true\\" is not allowed; allowed: false' in warning
    assert admin.pod(shop, bad).status == 403
    good = admin.pod(audit, pods.dynamic_agent())
    assert good.ok and not good.warnings


def test_a_bad_role_is_admitted_with_a_warning(admin: Api, audit: str) -> None:
    dev = namespace_admin(admin, audit)
    rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]
    path = f"{RBAC}/namespaces/{audit}/roles"
    answer = dev.create(path, {"metadata": {"name": "reader"}, "rules": rules}, dry=True)
    assert answer.ok, answer.message
    assert any("[roles]" in warning for warning in answer.warnings), answer.warnings


def test_a_misspelt_mode_is_enforced(admin: Api, shop: str) -> None:
    bad = pods.put(pods.dynamic_agent(), "spec/hostPID", True)
    admin.create("/api/v1/namespaces", {
        "metadata": {"name": "ci-odd", "labels": {"buildkeep.dev/tenant": "shop", "buildkeep.dev/mode": "Audit"}}
    }).done()  # fmt: skip
    admin.create("/api/v1/namespaces/ci-odd/serviceaccounts", {"metadata": {"name": "agent"}}).done()
    assert "-enforce' denied request: " in admin.pod("ci-odd", bad).message

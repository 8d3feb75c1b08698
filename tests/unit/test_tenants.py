"""What is derived from a tenant."""

from __future__ import annotations

from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings
from ansible_collections.buildkeep.ci.plugins.module_utils.tenant_objects import canary_objects, summary
from ansible_collections.buildkeep.ci.plugins.module_utils.tenants import Tenant


def tenant(**keys: Any) -> Tenant:
    """Make a tenant `shop` of an inventory."""
    return read_settings({"tenants": [{"name": "shop", **keys}]}).tenants[0]


def test_enforce_pins_all_three_modes_of_pod_security() -> None:
    """Kaniko runs as root, which `restricted` refuses: the level is `baseline`."""
    assert tenant().labels == {
        "buildkeep.dev/tenant": "shop",
        "buildkeep.dev/mode": "enforce",
        "pod-security.kubernetes.io/enforce": "baseline",
        "pod-security.kubernetes.io/enforce-version": "v1.37",
        "pod-security.kubernetes.io/audit": "baseline",
        "pod-security.kubernetes.io/audit-version": "v1.37",
        "pod-security.kubernetes.io/warn": "baseline",
        "pod-security.kubernetes.io/warn-version": "v1.37",
    }


def test_audit_denies_nothing() -> None:
    """No label that enforces."""
    labels = tenant(mode="audit").labels
    assert labels["buildkeep.dev/mode"] == "audit"
    assert "pod-security.kubernetes.io/enforce" not in labels
    assert labels["pod-security.kubernetes.io/warn"] == labels["pod-security.kubernetes.io/audit"] == "baseline"


def test_without_a_builder_the_level_is_restricted() -> None:
    """A relaxation is only for those who need it."""
    assert tenant(builders=[]).labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_annotations_name_what_the_policies_read() -> None:
    """All stand there even when empty, so that nothing is left to a default."""
    lists = dict.fromkeys(("images", "claims", "secrets", "csi-drivers"), "")
    wanted = {**lists, "builders": "kaniko", "templates": "any", "seccomp": "confined"}
    assert tenant().annotations == {f"buildkeep.dev/{key}": value for key, value in wanted.items()}
    volumes = {"claims": ["cache", "state"], "secrets": ["maven"], "csiDrivers": ["secrets-store.csi.k8s.io"]}
    given = tenant(volumes=volumes, templates="static").annotations
    assert [given[f"buildkeep.dev/{key}"] for key in ("claims", "secrets", "csi-drivers", "templates")] == [
        "cache,state",
        "maven",
        "secrets-store.csi.k8s.io",
        "static",
    ]
    assert tenant(images=["ghcr.io/a/", "ghcr.io/b"]).annotations["buildkeep.dev/images"] == "ghcr.io/a/,ghcr.io/b"


def test_service_accounts() -> None:
    """One for each part that a pod can play."""
    assert tenant().service_accounts == ("agent", "builder-kaniko", "pusher", "default")
    assert tenant(builders=[]).service_accounts == ("agent", "pusher", "default")


def test_quota_is_always_there_and_partly_overridden() -> None:
    """A default that is safe as it stands."""
    assert tenant().quota == {"pods": 10, "limits.cpu": "16", "limits.memory": "32Gi"}
    assert tenant(limits={"pods": 3}).quota == {"pods": 3, "limits.cpu": "16", "limits.memory": "32Gi"}


def test_the_clusters_mode_is_the_tenants_unless_it_names_its_own() -> None:
    """One variable moves the whole cluster."""
    tenants = read_settings({"mode": "audit", "tenants": [{"name": "a"}, {"name": "b", "mode": "enforce"}]}).tenants
    assert [one.mode for one in tenants] == ["audit", "enforce"]


def test_a_tenant_that_leaves_is_no_longer_present() -> None:
    """It is known, so that it can be taken away."""
    settings = read_settings({"tenants": [{"name": "a", "state": "absent"}, {"name": "b"}]})
    assert [one.name for one in settings.present] == ["b"]
    assert [one.name for one in settings.tenants] == ["a", "b"]


def test_the_summary_names_what_a_user_looks_for() -> None:
    """Namespace, level, mode and labels; in audit also that nothing was proven."""
    settings = read_settings({"tenants": [{"name": "a"}, {"name": "b", "mode": "audit", "builders": []},
                                          {"name": "c", "state": "absent"}]})  # fmt: skip
    assert summary(settings) == [
        "a: namespace ci-a, Pod Security baseline, mode enforce, labels in Jenkins: a-kaniko",
        "b: namespace ci-b, Pod Security restricted, mode audit (warns, refuses nothing), labels in Jenkins: none",
        "taken away: c",
    ]


def test_the_canaries_namespace_has_no_pod_security_and_no_room() -> None:
    """Pod Security would answer before our rules; the quota answers last."""
    found = canary_objects(read_settings({}))
    assert found["labels"] == {"buildkeep.dev/tenant": "buildkeep-canary", "buildkeep.dev/mode": "enforce"}
    assert found["quota"] == {"pods": 0}
    assert "builder-kaniko" in found["service_accounts"]

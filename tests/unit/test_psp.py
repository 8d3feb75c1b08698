"""PodSecurityPolicies from the profile table, and the policy `img` that everything began with."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profile, load_profiles
from ansible_collections.buildkeep.ci.plugins.module_utils.psp import (
    builder_policy,
    policies,
    psp_bindings,
    psp_objects,
    psp_problems,
    seccomp_name,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings

from tests import builders

ALLOWED_SECCOMP = "seccomp.security.alpha.kubernetes.io/allowedProfileNames"
DEFAULT_SECCOMP = "seccomp.security.alpha.kubernetes.io/defaultProfileName"
# What the builder `img` needs where nobody prepared the nodes for it.
IMG = dataclasses.replace(builders.IMG, seccomp="Unconfined", pss_level="privileged", proc_mount="Unmasked")
# The policy for img that articles of 2019 published.
PUBLISHED: dict[str, Any] = {
    "allowPrivilegeEscalation": True,
    "allowedProcMountTypes": ["Unmasked", "Default"],
    "hostPID": False,
    "hostIPC": False,
    "hostNetwork": False,
    "privileged": False,
}
PUBLISHED_VOLUMES = {"emptyDir", "secret", "downwardAPI", "configMap", "persistentVolumeClaim", "projected"}


def objects(*profiles: Profile) -> dict[str, Any]:
    """All objects by name, for a table of these builders."""
    table = load_profiles()
    if profiles:
        table = dataclasses.replace(table, builders={profile.name: profile for profile in profiles})
    found = psp_objects(SimpleNamespace(profiles=table))
    return {f"{item['kind']} {item['metadata']['name']}": item for item in found}


def test_there_is_one_for_each_builder_and_one_for_all_else() -> None:
    names = ("agent", *load_profiles().builders)
    assert set(objects()) == {
        *(f"PodSecurityPolicy buildkeep-{name}" for name in names),
        *(f"ClusterRole buildkeep:psp:{name}" for name in names),
    }


def test_img_may_do_what_its_published_policy_let_it() -> None:
    policy = objects(IMG)["PodSecurityPolicy buildkeep-img"]
    spec, annotations = policy["spec"], policy["metadata"]["annotations"]
    found = {key: spec[key] for key in PUBLISHED}
    assert {**found, "allowedProcMountTypes": sorted(found["allowedProcMountTypes"])} == {
        **PUBLISHED,
        "allowedProcMountTypes": sorted(PUBLISHED["allowedProcMountTypes"]),
    }
    assert set(annotations[ALLOWED_SECCOMP].split(",")) == {"unconfined", "runtime/default"}
    assert annotations[DEFAULT_SECCOMP] == "runtime/default"
    assert spec["runAsUser"]["rule"] == "MustRunAs"
    assert spec["runAsUser"]["ranges"][0] == {"min": 1000, "max": 1000}
    assert min(one["min"] for one in spec["runAsUser"]["ranges"]) == 1
    assert spec["seLinux"] == spec["supplementalGroups"] == {"rule": "RunAsAny"}


def test_where_img_may_do_less_than_it_was_published_with() -> None:
    """A claim can be any claim, capabilities were those of the runtime, and every container could escalate."""
    spec = objects(IMG)["PodSecurityPolicy buildkeep-img"]["spec"]
    assert PUBLISHED_VOLUMES - set(spec["volumes"]) == {"persistentVolumeClaim"}
    assert (spec["requiredDropCapabilities"], spec["allowedCapabilities"]) == (["ALL"], ["SETGID", "SETUID"])
    assert spec["defaultAllowPrivilegeEscalation"] is False
    assert spec["runtimeClass"] == {"allowedRuntimeClassNames": []}


def test_where_img_may_do_more() -> None:
    """Group 0, large user ids, and no AppArmor profile by force: a node without AppArmor would run no such pod."""
    policy = objects(IMG)["PodSecurityPolicy buildkeep-img"]
    assert policy["spec"]["fsGroup"] == {"rule": "RunAsAny"}
    assert max(one["max"] for one in policy["spec"]["runAsUser"]["ranges"]) > 65535
    assert not [key for key in policy["metadata"]["annotations"] if "apparmor" in key]


def test_kaniko_may_be_root_with_its_capabilities_and_nothing_else() -> None:
    found = objects()
    kaniko, agent = (found[f"PodSecurityPolicy buildkeep-{name}"]["spec"] for name in ("kaniko", "agent"))
    different = {key for key in kaniko | agent if kaniko.get(key) != agent.get(key)}
    assert different == {"runAsUser", "allowedCapabilities"}
    assert kaniko["runAsUser"] == {"rule": "RunAsAny"}
    assert kaniko["allowedCapabilities"] == list(load_profiles().builders["kaniko"].capabilities_add)
    assert agent["runAsUser"] == {"rule": "MustRunAsNonRoot"}


def test_nothing_of_the_node_is_ever_allowed() -> None:
    root = dataclasses.replace(IMG, run_as_user=0)
    for item in objects(IMG, dataclasses.replace(root, name="root")).values():
        if item["kind"] == "PodSecurityPolicy":
            spec = item["spec"]
            assert not any(spec[key] for key in ("privileged", "hostNetwork", "hostPID", "hostIPC"))
            assert not {"hostPorts", "allowedHostPaths", "allowedUnsafeSysctls", "defaultAddCapabilities"} & set(spec)
            assert not {"*", "hostPath", "flexVolume", "csi"} & set(spec["volumes"])


@pytest.mark.parametrize(
    ("profile", "name"),
    [
        ("RuntimeDefault", "runtime/default"),
        ("Unconfined", "unconfined"),
        ("Localhost/buildkeep/img-1.json", "localhost/buildkeep/img-1.json"),
    ],
)
def test_seccomp_profiles_have_other_names_in_annotations(profile: str, name: str) -> None:
    assert seccomp_name(profile) == name
    assert name in builder_policy(dataclasses.replace(IMG, seccomp=profile)).seccomp


def test_each_is_used_by_its_own_service_account_alone() -> None:
    bindings = {item["metadata"]["name"]: item for item in psp_bindings("ci-y", "y", ["kaniko", "img"])}
    assert set(bindings) == {f"buildkeep-psp-{name}" for name in ("agent", "kaniko", "img")}
    (group,) = bindings["buildkeep-psp-agent"]["subjects"]
    assert (group["kind"], group["name"]) == ("Group", "system:serviceaccounts:ci-y")
    (account,) = bindings["buildkeep-psp-img"]["subjects"]
    assert account == {"kind": "ServiceAccount", "name": "builder-img", "namespace": "ci-y"}
    for name, item in bindings.items():
        assert item["metadata"]["namespace"] == "ci-y"
        assert item["metadata"]["labels"] == {"buildkeep.dev/tenant": "y"}
        assert item["roleRef"]["name"] == name.replace("buildkeep-psp-", "buildkeep:psp:")


def test_what_it_cannot_tell_apart_is_refused() -> None:
    """Each tenant and key is named, and a remedy."""
    volumes = {"claims": ["cache"], "csiDrivers": ["secrets-store.csi.k8s.io"], "secrets": ["netrc"]}
    tenants = [{"name": "shop", "volumes": volumes}, {"name": "gone", "volumes": volumes, "state": "absent"}]
    problems = psp_problems(read_settings({"tenants": [*tenants, {"name": "blog"}]}))
    assert [text.partition(": a ")[0] for text in problems] == [
        "buildkeep_tenants: shop.volumes.claims",
        "buildkeep_tenants: shop.volumes.csiDrivers",
    ]


def test_a_role_gives_the_use_of_one_policy() -> None:
    for policy in policies(load_profiles()):
        (rule,) = objects()[f"ClusterRole {policy.role}"]["rules"]
        assert rule == {
            "apiGroups": ["policy"],
            "resources": ["podsecuritypolicies"],
            "verbs": ["use"],
            "resourceNames": [policy.name],
        }

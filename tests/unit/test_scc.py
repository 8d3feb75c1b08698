"""SecurityContextConstraints: what the profile table becomes for OpenShift, and who may use it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils import scc, scc_bindings, scc_canaries, scc_served
from ansible_collections.buildkeep.ci.plugins.module_utils.backends import Backend
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import load_profiles
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings, read_settings

from tests.builders import ROOTLESS

# Those of the table that have an image, and one more.
BUILDERS = (*load_profiles().builders, "rootless")
BOTH = pytest.mark.parametrize("policies", [True, False])


def settings(*, policies: bool = True, user_namespaces: bool = True, mode: str = "enforce") -> Settings:
    """A tenant on OpenShift with the table's builders and a rootless one."""
    read = read_settings({"tenants": [{"name": "shop", "mode": mode}]})
    builders = {**read.profiles.builders, "rootless": ROOTLESS}
    backend = Backend("scc", policies, pod_security=True, user_namespaces=user_namespaces)
    return dataclasses.replace(read, backend=backend, profiles=dataclasses.replace(read.profiles, builders=builders))


def made(**options: Any) -> dict[str, Any]:
    """The objects by kind and name."""
    return {f"{one['kind']} {one['metadata']['name']}": one for one in scc.scc_objects(settings(**options))}


def constraints(name: str, **options: Any) -> dict[str, Any]:
    """One SCC."""
    found: dict[str, Any] = made(**options)[f"SecurityContextConstraints buildkeep-{name}"]
    return found


@pytest.mark.parametrize("name", ["agent", "kaniko", "rootless"])
@pytest.mark.parametrize("user_namespaces", [True, False])
@BOTH
def test_no_constraints_let_anything_of_the_host_in(name: str, user_namespaces: bool, policies: bool) -> None:
    """Whatever the builder needs, and whoever uses it."""
    found = constraints(name, user_namespaces=user_namespaces, policies=policies)
    assert not any(value for field, value in found.items() if field.startswith("allowHost"))
    assert found["allowPrivilegedContainer"] is False and found["requiredDropCapabilities"] == ["ALL"]
    assert (found["users"], found["groups"], found["priority"]) == ([], [], 0)
    assert (found["allowedUnsafeSysctls"], found["forbiddenSysctls"]) == ([], ["*"])
    assert found["seLinuxContext"]["type"] == found["fsGroup"]["type"] == "MustRunAs"
    assert "*" not in found["seccompProfiles"] and "*" not in found["allowedCapabilities"]
    # The order in which OpenShift's own defaulting keeps them: with another, the next run would change it back.
    assert found["volumes"] == sorted(found["volumes"])


def test_an_agent_gets_no_more_than_restricted() -> None:
    found = constraints("agent")
    assert found["allowPrivilegeEscalation"] is False and found["runAsUser"] == {"type": "MustRunAsNonRoot"}
    assert found["allowedCapabilities"] == ["NET_BIND_SERVICE"] and found["seccompProfiles"] == ["runtime/default"]


def test_a_builder_gets_what_its_profile_says() -> None:
    kaniko, rootless = constraints("kaniko"), constraints("rootless")
    assert kaniko["runAsUser"] == {"type": "RunAsAny"} and kaniko["allowPrivilegeEscalation"] is False
    assert {"CHOWN", "SETFCAP", "SETUID"} < set(kaniko["allowedCapabilities"]) and "SYS_ADMIN" not in kaniko[
        "allowedCapabilities"
    ]
    assert rootless["runAsUser"] == {"type": "MustRunAsNonRoot"} and rootless["allowPrivilegeEscalation"] is True
    assert rootless["defaultAllowPrivilegeEscalation"] is False
    # Pods that name no profile get the first.
    assert rootless["seccompProfiles"] == ["runtime/default", "localhost/buildkeep/rootless.json"]


def test_nested_containers_are_in_a_user_namespace_where_openshift_knows_them() -> None:
    new, old = constraints("rootless"), constraints("rootless", user_namespaces=False)
    assert new["userNamespaceLevel"] == "RequirePodLevel" and "userNamespaceLevel" not in old
    assert new["seLinuxContext"] == {"type": "MustRunAs", "seLinuxOptions": {"type": "container_engine_t"}}
    # Ids of the namespace's range begin at 1000000000 and are none in a user namespace.
    assert new["fsGroup"] == new["supplementalGroups"] == {"type": "MustRunAs", "ranges": [{"min": 1000, "max": 65535}]}
    assert old["seLinuxContext"] == {"type": "MustRunAs"} and old["fsGroup"] == {"type": "MustRunAs"}
    assert constraints("kaniko")["userNamespaceLevel"] == "AllowHostLevel"


def test_volumes_with_names_need_the_policies_that_hold_the_names() -> None:
    named = {"csi", "image", "persistentVolumeClaim"}
    assert set(constraints("agent")["volumes"]) - set(constraints("agent", policies=False)["volumes"]) == named


def test_a_role_lets_use_one_of_them() -> None:
    for policies in (True, False):
        roles = {name: one["rules"] for name, one in made(policies=policies).items() if name.startswith("ClusterRole")}
        expected = {name: f"buildkeep-{name}" for name in ("agent", *BUILDERS)}
        expected |= {"canary": "privileged"} if policies else {}
        assert roles == {
            f"ClusterRole buildkeep:scc:{name}": [
                {
                    "apiGroups": ["security.openshift.io"],
                    "resources": ["securitycontextconstraints"],
                    "resourceNames": [target],
                    "verbs": ["use"],
                }
            ]
            for name, target in expected.items()
        }


def test_only_the_accounts_that_need_them_may_use_them() -> None:
    """Neither `default` nor the controller: what the sender of a pod may use holds for every ServiceAccount."""
    bindings = scc.scc_bindings("ci-shop", "shop", ["kaniko"])
    assert {one["roleRef"]["name"]: [(who["kind"], who["name"]) for who in one["subjects"]] for one in bindings} == {
        "buildkeep:scc:agent": [
            *(("ServiceAccount", name) for name in ("agent", "pusher")),
            ("Group", "buildkeep:canary"),
        ],
        "buildkeep:scc:kaniko": [("ServiceAccount", "builder-kaniko")],
    }
    assert all(one["metadata"]["labels"] == {"buildkeep.dev/tenant": "shop"} for one in bindings)
    assert {who.get("namespace", "") for one in bindings for who in one["subjects"]} == {"ci-shop", ""}


def test_canaries_reach_the_policies_only_where_there_are_policies() -> None:
    with_policies, without = (scc.canary_bindings(settings(policies=policies)) for policies in (True, False))
    assert [one["subjects"] for one in with_policies] == [
        [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "buildkeep:canary"}]
    ]
    roles = [one["roleRef"]["name"] for one in without]
    assert roles == [f"buildkeep:scc:{name}" for name in ("agent", *BUILDERS)]
    assert {one["metadata"]["namespace"] for one in (*with_policies, *without)} == {"buildkeep-canary"}


def openshift_binding(name: str) -> dict[str, Any]:
    """A RoleBinding as OpenShift's controller makes it in ci-shop."""
    role, kind, subject = scc_bindings.OPENSHIFT[name]
    who = {"kind": kind, "name": subject.format(namespace="ci-shop")}
    who |= {"namespace": "ci-shop"} if kind == "ServiceAccount" else {"apiGroup": "rbac.authorization.k8s.io"}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
    return {"metadata": {"name": name, "namespace": "ci-shop"}, "roleRef": reference, "subjects": [who]}


@pytest.mark.parametrize("name", list(scc_bindings.OPENSHIFT))
def test_openshifts_own_bindings_belong_there_to_the_letter(name: str) -> None:
    binding = openshift_binding(name)
    assert scc_bindings.belongs(binding)
    who = binding["subjects"][0]
    for change in (
        {"roleRef": {**binding["roleRef"], "name": "admin"}},
        {"roleRef": {**binding["roleRef"], "kind": "Role"}},
        {"subjects": [{**who, "name": "other"}]},
        {"subjects": [{**who, "namespace": "other"}]},
        {"subjects": [who, who]},
        {"metadata": {"name": "other", "namespace": "ci-shop"}},
    ):
        assert not scc_bindings.belongs({**binding, **change}), change


def test_our_own_bindings_belong_there_to_the_letter() -> None:
    for binding in scc.scc_bindings("ci-shop", "shop", ["kaniko"]):
        assert scc_bindings.belongs(binding)
        assert not scc_bindings.belongs({**binding, "subjects": [*binding["subjects"], {"kind": "User", "name": "x"}]})
        assert not scc_bindings.belongs({**binding, "roleRef": {**binding["roleRef"], "name": "buildkeep:scc:canary"}})
    mine = scc.scc_bindings("ci-shop", "shop", [])[0]
    assert not scc_bindings.belongs({**mine, "metadata": {"name": "mine", "namespace": "ci-shop"}})
    # As if `canary` were a builder, this would let its pods use the constraints that forbid nothing.
    assert not scc_bindings.belongs(scc.scc_bindings("ci-shop", "shop", ["canary"])[1])


def schema(kind: str, *fields: str) -> dict[str, Any]:
    """An OpenAPI document with one kind."""
    entry = {"properties": {field: {} for field in fields}, "x-kubernetes-group-version-kind": [{"kind": kind}]}
    return {"components": {"schemas": {"any": entry, "status": {"properties": {}}}}}


def test_the_published_schema_says_whether_there_are_user_namespaces() -> None:
    assert scc_served.has_user_namespaces(schema("SecurityContextConstraints", "users", "userNamespaceLevel"))
    assert not scc_served.has_user_namespaces(schema("SecurityContextConstraints", "users"))
    assert not scc_served.has_user_namespaces(schema("Other", "userNamespaceLevel"))
    assert not scc_served.has_user_namespaces({})


def test_without_policies_canaries_prove_each_field_that_constraints_hold() -> None:
    assert scc_canaries.scc_canaries(settings()) == []
    cases = scc_canaries.scc_canaries(settings(policies=False))
    refused = [case for case in cases if case["expect"] == "refused"]
    assert {case["policy"] for case in refused} == {"SecurityContextConstraints"}
    assert len(refused) == len(scc_canaries.OF_AGENT_HELD) + len(BUILDERS) * len(scc_canaries.OF_BUILDER_HELD)
    assert [case["name"].rpartition("-")[2] for case in cases if case["expect"] == "admitted"] == [
        *("agent", *BUILDERS)
    ]
    assert len({case["name"] for case in cases}) == len(cases)
    assert any("volumes" in case["pod"]["spec"] for case in refused)


def test_a_good_pod_is_in_a_user_namespace_where_its_constraints_ask_for_one() -> None:
    cases = scc_canaries.scc_canaries(settings(policies=False))
    inside = {case["name"] for case in cases if case["pod"]["spec"].get("hostUsers") is False}
    nested = {case["name"] for case in cases if "rootless" in case["name"] or "buildkit" in case["name"]}
    assert inside == nested and len(inside) == 6
    older = scc_canaries.scc_canaries(settings(policies=False, user_namespaces=False))
    assert not any("hostUsers" in case["pod"]["spec"] for case in older)


@BOTH
def test_a_tenants_canaries_ask_for_what_no_constraints_give(policies: bool) -> None:
    inventory = settings(policies=policies)
    cases = scc_canaries.scc_cases(inventory, inventory.present[0])
    assert {case["namespace"] for case in cases} == {"ci-shop"}
    refused = {case["name"]: case for case in cases if case["expect"] == "refused"}
    # Where Pod Security Admission and the policies stand behind, an API server without OpenShift's plugin refuses too.
    wall = "PodSecurity or SecurityContextConstraints" if policies else "SecurityContextConstraints"
    assert {case["policy"] for name, case in refused.items() if name != "ci-shop-scc-root"} == {wall}
    assert ("ci-shop-scc-root" in refused) is not policies
    assert refused["ci-shop-scc-agent"]["pod"]["spec"]["hostNetwork"] is True
    privileged = refused["ci-shop-scc-kaniko"]["pod"]["spec"]["containers"][0]["securityContext"]["privileged"]
    assert privileged is True


def test_in_mode_audit_only_good_pods_are_tried() -> None:
    inventory = settings(mode="audit")
    assert {case["expect"] for case in scc_canaries.scc_cases(inventory, inventory.present[0])} == {"admitted"}


def test_what_is_left_open_is_said_where_no_policies_stand_behind() -> None:
    alone = scc.unenforced(Backend("scc", policies=False, pod_security=True))
    assert len(alone) == 3 and any("pods/exec" in text for text in alone)
    assert scc.unenforced(Backend("scc", policies=True, pod_security=True)) == []
    assert scc.unenforced(Backend("psa", policies=False, pod_security=True)) == []


def test_the_example_of_an_inventory_is_valid() -> None:
    folder = Path(__file__).resolve().parents[2] / "inventories/openshift"
    values = yaml.safe_load((folder / "group_vars/buildkeep.yml").read_text(encoding="utf-8"))
    read = read_settings({name.removeprefix("buildkeep_"): value for name, value in values.items()})
    assert [tenant.name for tenant in read.tenants] == ["shop", "blog"] and read.backend.name == "scc"
    hosts = yaml.safe_load((folder / "hosts.yml").read_text(encoding="utf-8"))
    assert list(hosts["buildkeep"]["hosts"]) == ["openshift"]

"""What PodSecurityPolicies of ours let into a tenant's namespace, and what they keep out, on a real API server."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.canary_pods import agent_pod, builder_pod
from ansible_collections.buildkeep.ci.plugins.module_utils.psp import builder_policy
from ansible_collections.buildkeep.ci.plugins.module_utils.psp_canaries import exceeds, psp_canaries
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings

from tests.api.api import Answer, Api, Object
from tests.psp.conftest import NAMESPACE, TENANT, agent

SECCOMP = "seccomp.security.alpha.kubernetes.io/"
ACCOUNTS = ("agent", "pusher", "default", "builder-kaniko", "builder-img")


def chosen(answer: Answer) -> str:
    """Name the policy that let a pod in."""
    return str(answer.done()["metadata"]["annotations"]["kubernetes.io/psp"])


def kaniko(settings: Settings, account: str) -> Object:
    """Make a kaniko pod that runs as a ServiceAccount."""
    pod = builder_pod(settings.profiles, TENANT, settings.profiles.builders["kaniko"])
    pod["spec"]["serviceAccountName"] = account
    return pod


@pytest.mark.parametrize("account", ACCOUNTS)
def test_an_agent_is_let_in_under_every_service_account(
    admin: Api, shop: str, settings: Settings, account: str
) -> None:
    """The pod asks for nothing, so the default is enough, also for a builder's own ServiceAccount."""
    pod = agent_pod(settings.profiles, TENANT)
    pod["spec"]["serviceAccountName"] = account
    assert chosen(admin.user("controller").pod(shop, pod)) == "buildkeep-agent"


@pytest.mark.parametrize("account", ACCOUNTS)
def test_kaniko_is_let_in_under_its_own_alone(admin: Api, shop: str, settings: Settings, account: str) -> None:
    answer = admin.user("controller").pod(shop, kaniko(settings, account))
    if account == "builder-kaniko":
        assert chosen(answer) == "buildkeep-kaniko"
    else:
        assert "PodSecurityPolicy: unable to admit pod" in answer.message
        assert "running with the root UID is forbidden" in answer.message


def test_a_builder_that_the_tenant_lacks_is_kept_out(admin: Api, shop: str, settings: Settings) -> None:
    pod = builder_pod(settings.profiles, TENANT, settings.profiles.builders["img"])
    message = admin.user("controller").pod(shop, pod).message
    assert "PodSecurityPolicy: unable to admit pod" in message
    assert "capability may not be added" in message


def broken(settings: Settings) -> Iterator[tuple[str, Object, str]]:
    """Name each canary that must be refused, with its pod and the words of the refusal."""
    for case in psp_canaries(settings):
        if case["expect"] == "refused":
            yield case["name"], case["pod"], case["rule"]


@pytest.mark.parametrize("account", ["agent", "builder-kaniko"])
def test_whatever_reaches_the_node_is_kept_out(admin: Api, shop: str, settings: Settings, account: str) -> None:
    """A builder's ServiceAccount lifts only what the builder's own profile lifts."""
    lifted = {"psp/root", "psp/capability"} if account == "builder-kaniko" else set()
    seen = set()
    for name, pod, words in broken(settings):
        if "-as-" in name:
            continue
        pod = copy.deepcopy(pod)
        pod["spec"]["serviceAccountName"] = account
        answer = admin.user("controller").pod(shop, pod)
        if name in lifted:
            assert chosen(answer) == "buildkeep-kaniko"
        else:
            assert "PodSecurityPolicy: unable to admit pod" in answer.message and words in answer.message, name
        seen.add(name)
    assert len(seen) == 10


@pytest.mark.parametrize("kind", ["containers", "initContainers"])
def test_every_container_is_looked_at(admin: Api, shop: str, settings: Settings, kind: str) -> None:
    pod = agent_pod(settings.profiles, TENANT)
    bad = {"name": "bad", "image": "example.org/a:1", "securityContext": {"privileged": True}}
    pod["spec"][kind] = [*pod["spec"].get(kind, []), bad]
    message = admin.user("controller").pod(shop, pod).message
    assert f"spec.{kind}[{len(pod['spec'][kind]) - 1}].securityContext.privileged" in message


@pytest.mark.parametrize("source", [{"persistentVolumeClaim": {"claimName": "c"}}, {"csi": {"driver": "d.example"}}])
def test_storage_that_is_shared_is_kept_out(admin: Api, shop: str, settings: Settings, source: Object) -> None:
    pod = agent_pod(settings.profiles, TENANT)
    pod["spec"]["volumes"] = [{"name": "v", **source}]
    message = admin.user("controller").pod(shop, pod).message
    assert "PodSecurityPolicy: unable to admit pod" in message
    assert f"{next(iter(source))} volumes are not allowed to be used" in message


def test_an_unmasked_proc_is_kept_out(admin: Api, shop: str, settings: Settings) -> None:
    pod = agent_pod(settings.profiles, TENANT)
    pod["spec"]["containers"][0]["securityContext"]["procMount"] = "Unmasked"
    message = admin.user("controller").pod(shop, pod).message
    assert "PodSecurityPolicy: unable to admit pod" in message and "ProcMountType is not allowed" in message


def test_another_runtime_is_kept_out(admin: Api, shop: str, settings: Settings) -> None:
    body = {"metadata": {"name": "weak"}, "handler": "runc"}
    admin.create("/apis/node.k8s.io/v1/runtimeclasses", body).done()
    pod = agent_pod(settings.profiles, TENANT)
    pod["spec"]["runtimeClassName"] = "weak"
    message = admin.user("controller").pod(shop, pod).message
    assert "PodSecurityPolicy: unable to admit pod" in message and "spec.runtimeClassName" in message


def test_ephemeral_containers_are_left_to_pod_security_admission(admin: Api, shop: str) -> None:
    """PodSecurityPolicy looks at no subresource; the controller may not use this one."""
    admin.user("controller").pod(shop, agent("debugged"), dry=False).done()
    path = f"/api/v1/namespaces/{shop}/pods/debugged"
    debugger = {"name": "d", "image": "example.org/a:1", "securityContext": {"privileged": True}}
    change = {"spec": {"ephemeralContainers": [debugger]}}
    try:
        answer = admin.request("PATCH", f"{path}/ephemeralcontainers", change, "application/strategic-merge-patch+json")
        assert "violates PodSecurity" in answer.message
    finally:
        assert admin.request("DELETE", f"{path}?gracePeriodSeconds=0").ok


def test_what_a_container_leaves_out_is_filled_in_safely(admin: Api, shop: str) -> None:
    """The kubelet then refuses an image whose user is root."""
    bare = {"metadata": {"name": "bare"}, "spec": {"containers": [{"name": "a", "image": "example.org/a:1"}]}}
    made = admin.user("controller").pod(shop, bare).done()
    context = made["spec"]["containers"][0]["securityContext"]
    assert context == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
    }
    assert made["metadata"]["annotations"][f"{SECCOMP}pod"] == "runtime/default"


def test_an_update_cannot_bring_in_what_a_create_could_not(admin: Api, shop: str) -> None:
    """The plugin looks at the whole pod again; its containers themselves cannot change, their images excepted."""
    controller = admin.user("controller")
    controller.pod(shop, agent("update"), dry=False).done()
    path = f"/api/v1/namespaces/{shop}/pods/update"
    try:
        answer = controller.patch(
            path, {"metadata": {"annotations": {"container.seccomp.security.alpha.kubernetes.io/a": "unconfined"}}}
        )
        assert "PodSecurityPolicy: unable to validate pod" in answer.message
        assert "unconfined is not an allowed seccomp profile" in answer.message
        assert controller.patch(path, {"metadata": {"labels": {"a": "b"}}}).ok
    finally:
        assert controller.request("DELETE", f"{path}?gracePeriodSeconds=0").ok


def test_whoever_may_use_every_policy_is_not_held(admin: Api, shop: str, settings: Settings) -> None:
    """The plugin asks for the rights of the pod's ServiceAccount, and then for those of whoever sends the request."""
    assert chosen(admin.pod(shop, kaniko(settings, "agent"))) in ("buildkeep-kaniko", "privileged")


def test_the_system_is_as_it_was(admin: Api, shop: str) -> None:
    """Its own policy lets its pods in, by its own binding; ours are of no use there."""
    image = "registry.k8s.io/kube-proxy:v1.24.17"
    proxy = {"name": "kube-proxy", "image": image, "securityContext": {"privileged": True}}
    pod = {
        "metadata": {"name": "kube-proxy"},
        "spec": {"serviceAccountName": "kube-proxy", "hostNetwork": True, "containers": [proxy]},
    }
    daemons = admin.account("kube-system", "daemon-set-controller")
    assert chosen(daemons.pod("kube-system", pod)) == "privileged"
    assert daemons.pod(NAMESPACE, pod).status == 403
    plain: dict[str, Any] = {"metadata": {"name": "plain"}, "spec": {"containers": [dict(proxy, securityContext={})]}}
    assert chosen(daemons.pod("kube-system", plain)) == "privileged"


def test_other_namespaces_gain_nothing(admin: Api, shop: str, settings: Settings) -> None:
    """A ClusterRole alone binds nobody."""
    reviewer = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    for space, allowed in ((shop, True), ("default", False), ("kube-system", False)):
        attributes = {"namespace": space, "verb": "use", "group": "policy", "resource": "podsecuritypolicies"}
        spec = {
            "user": f"system:serviceaccount:{space}:agent",
            "groups": [f"system:serviceaccounts:{space}", "system:authenticated"],
            "resourceAttributes": {**attributes, "name": "buildkeep-agent"},
        }
        assert admin.create(reviewer, {"spec": spec}).done()["status"]["allowed"] is allowed


def test_canaries_know_whose_rights_are_whose(settings: Settings) -> None:
    builders = settings.profiles.builders
    names = {case["name"] for case in psp_canaries(settings)}
    assert {
        "psp/kaniko-as-agent",
        "psp/kaniko-as-builder-img",
        "psp/img-as-builder-kaniko",
        "psp/img-as-agent",
    } <= names
    assert not {"psp/kaniko-as-builder-kaniko", "psp/img-as-builder-img"} & names
    assert exceeds(builders["kaniko"], builder_policy(builders["kaniko"])) == ""

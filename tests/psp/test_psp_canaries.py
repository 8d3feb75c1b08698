"""Canaries of PodSecurityPolicies: they pass where the walls stand, and name why where they do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import canaries_plugin, tenant_objects
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import Mode
from ansible_collections.buildkeep.ci.plugins.module_utils.names import CANARY_NAMESPACE
from ansible_collections.buildkeep.ci.plugins.module_utils.psp import psp_objects
from ansible_collections.buildkeep.ci.plugins.module_utils.psp_canaries import psp_canaries, psp_cases
from ansible_collections.buildkeep.ci.plugins.module_utils.psp_causes import OFF
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings

from testbed.apiserver import ApiServer
from tests.api.api import RBAC, Api, Object, until
from tests.api.apply_support import Engine
from tests.psp.conftest import POLICIES, account, agent, cluster_policies
from tests.psp.walls import prepare

EVERYBODY = {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:authenticated"}
BINDING = f"{RBAC}/clusterrolebindings"


@pytest.fixture
def everybody(admin: Api, shop: str) -> Iterator[None]:
    """Let every user and every pod use the policy that allows everything, as some clusters are delivered."""
    name = "everybody"
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "psp:privileged"}
    admin.create(BINDING, {"metadata": {"name": name}, "roleRef": reference, "subjects": [EVERYBODY]}).done()
    bad = agent("bad")
    bad["spec"]["containers"][0]["securityContext"] = {"runAsUser": 0}
    until(lambda: admin.user("controller").pod(shop, bad), lambda answer: answer.ok)
    yield
    admin.request("DELETE", f"{BINDING}/{name}")


@pytest.fixture
def strict(admin: Api, shop: str) -> Iterator[None]:
    """Let everybody use a policy as strict as the one that Kubernetes' own pages recommended."""
    ranges = {"rule": "MustRunAs", "ranges": [{"min": 1, "max": 65535}]}
    spec = {
        "allowPrivilegeEscalation": False,
        "requiredDropCapabilities": ["ALL"],
        "volumes": ["configMap", "emptyDir", "projected", "secret", "downwardAPI", "csi", "persistentVolumeClaim"],
        "runAsUser": {"rule": "MustRunAsNonRoot"},
        "seLinux": {"rule": "RunAsAny"},
        "supplementalGroups": ranges,
        "fsGroup": ranges,
    }
    name = "a-restricted"  # before ours, in the order in which they are tried
    body = {"apiVersion": "policy/v1beta1", "kind": "PodSecurityPolicy", "metadata": {"name": name}, "spec": spec}
    admin.create(POLICIES, body).done()
    use = {"apiGroups": ["policy"], "resources": ["podsecuritypolicies"], "verbs": ["use"], "resourceNames": [name]}
    admin.create(f"{RBAC}/clusterroles", {"metadata": {"name": name}, "rules": [use]}).done()
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    admin.create(BINDING, {"metadata": {"name": name}, "roleRef": reference, "subjects": [EVERYBODY]}).done()
    claim = {"name": "v", "persistentVolumeClaim": {"claimName": "c"}}
    theirs = agent("theirs")
    theirs["spec"]["volumes"] = [claim]
    until(lambda: admin.user("controller").pod(shop, theirs), lambda answer: answer.ok)
    yield
    for path in (f"{BINDING}/{name}", f"{RBAC}/clusterroles/{name}", f"{POLICIES}/{name}"):
        admin.request("DELETE", path).done()


def send(server: ApiServer, settings: Settings, cases: list[Object], timeout: float = 20.0) -> dict[str, Any]:
    """Send canaries as the task does."""
    who = tenant_objects.identity(settings)
    given = {"cases": cases, **who, "timeout": timeout, "context": "", "kubeconfig": str(server.kubeconfig())}
    return canaries_plugin.canary(given, Mode(check=False, diff=False))


def failure(server: ApiServer, settings: Settings, cases: list[Object]) -> str:
    with pytest.raises(BuildkeepError) as caught:
        send(server, settings, cases, timeout=1.0)
    return str(caught.value)


def test_all_are_as_expected_where_the_walls_stand(server: ApiServer, shop: str, settings: Settings) -> None:
    cases = [*psp_canaries(settings), *psp_cases(settings, settings.present[0])]
    assert len(cases) > 20
    assert send(server, settings, cases)["passed_cases"]


def test_a_second_time_nothing_changes(server: ApiServer, shop: str, settings: Settings) -> None:
    """Server-side apply knows policy/v1beta1 as well as any other version."""
    done = Engine(server, "pod_security").run(*psp_objects(settings))
    # A policy and the role to use it, for agents and for each builder.
    assert (done.changed, len(done.actions)) == (False, 2 * (1 + len(settings.profiles.builders)))


def test_a_policy_of_others_that_lets_everything_in_is_named(
    server: ApiServer, settings: Settings, everybody: None
) -> None:
    text = failure(server, settings, psp_cases(settings, settings.present[0]))
    named = "privileged, a PodSecurityPolicy that Buildkeep did not make, lets it in"
    for name in ("privileged", "root", "host-path"):  # two of them are then refused by Pod Security Admission
        (line,) = [line for line in text.splitlines() if line.startswith(f"canary psp/ci-shop-{name} in")]
        assert named in line and "system:authenticated" in line
    # In the namespace for canaries the quota answers after it; only who may use what is left to ask.
    assert named in failure(server, settings, psp_canaries(settings)[:1])


def test_a_policy_for_everybody_that_is_as_strict_as_ours_is_no_obstacle(
    server: ApiServer, settings: Settings, strict: None
) -> None:
    cases = [*psp_canaries(settings), *psp_cases(settings, settings.present[0])]
    assert len(send(server, settings, cases)["passed_cases"]) == len(cases)


def test_a_builder_without_its_binding_does_not_run(
    server: ApiServer, shop: str, settings: Settings, admin: Api
) -> None:
    path = f"{RBAC}/namespaces/{CANARY_NAMESPACE}/rolebindings/buildkeep-psp-kaniko"
    assert admin.request("DELETE", path).ok
    text = failure(server, settings, psp_canaries(settings))
    prepare(server, settings)
    assert "canary psp/kaniko in namespace buildkeep-canary must be admitted, but was refused" in text
    assert "psp/agent" not in text


def test_a_server_that_does_not_enforce_them_is_named(settings: Settings) -> None:
    """It serves the kind, so that everything could be put in place, and admits whatever comes."""
    with ApiServer(version="1.24") as lax:
        cluster_policies(Api(lax))
        account(Api(lax), "default", "default")
        prepare(lax, settings)
        text = failure(lax, settings, psp_canaries(settings)[:2])
    assert text.count(OFF) == 2

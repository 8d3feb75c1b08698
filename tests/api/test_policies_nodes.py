"""What platforms say of nodes in every pod, let in as an inventory names it; and what stays of it when it does not."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import policies
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profiles
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings
from ansible_collections.buildkeep.ci.plugins.module_utils.tenant_objects import tenant_objects

from testbed.apiserver import ApiServer
from tests.api import pods
from tests.api.api import ADMISSION, Api, Object, until
from tests.api.apply_support import Engine, namespace
from tests.api.conftest import CLUSTER_IMAGES, CONTROLLER, tenant_namespace

SELECTOR = "scheduler.alpha.kubernetes.io/node-selector"
TOLERATIONS = "scheduler.alpha.kubernetes.io/defaultTolerations"
ARCH = {"key": "kubernetes.io/arch", "operator": "Equal", "value": "amd64", "effect": "NoSchedule"}
NODES: dict[str, Any] = {
    "selector": {"node-role.kubernetes.io/worker": ""},
    "tolerations": [ARCH],
    "schedulers": ["fargate-scheduler"],
}
OWN = {"selector": {"pool": "own"}}


def of(cluster: dict[str, Any], **own: Any) -> dict[str, str]:
    """The annotations of a tenant's namespace, as an inventory makes them."""
    found = tenant_objects(read_settings({"nodes": cluster, "tenants": [{"name": "a", **own}]}))
    annotations: dict[str, str] = found[0]["annotations"]
    return {key: text for key, text in annotations.items() if key in (SELECTOR, TOLERATIONS)}


def spec(**fields: Any) -> Object:
    """An agent of which a platform, or its author, says more."""
    pod = pods.dynamic_agent()
    pod["spec"] |= fields
    return pod


@pytest.fixture(scope="module")
def named(admin: Api, shop: str, profiles: Profiles) -> str:
    """A namespace with the cluster's nodes, and one with its own, where a pod policy with one more scheduler denies."""
    name = "options-nodes"
    options = policies.Options(schedulers=("fargate-scheduler",))
    policy = policies.build_policies(profiles, CLUSTER_IMAGES, CONTROLLER, options=options)[0]
    for space, own in ((name, {}), (f"{name}-own", {"nodes": OWN})):
        tenant_namespace(admin, space, mode="audit", annotations=of(NODES, **own))
    among = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": [name, f"{name}-own"]}
    selector = {"namespaceSelector": {"matchExpressions": [among]}}
    binding = {"policyName": name, "validationActions": ["Deny"], "matchResources": selector}
    admin.create(f"{ADMISSION}/validatingadmissionpolicies", {**policy, "metadata": {"name": name}}).done()
    admin.create(f"{ADMISSION}/validatingadmissionpolicybindings", {"metadata": {"name": name}, "spec": binding}).done()
    until(lambda: admin.pod(name, spec(hostPID=True)), lambda answer: f"'{name}'" in answer.message)
    return name


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"nodeSelector": {"node-role.kubernetes.io/worker": ""}}, "node-role.kubernetes.io/worker="),
        ({"tolerations": [ARCH]}, "kubernetes.io/arch"),
        ({"schedulerName": "fargate-scheduler"}, "fargate-scheduler"),
    ],
    ids=["OpenShift", "GKE Autopilot", "Fargate"],
)
def test_what_a_platform_adds_is_let_in_where_it_is_named(
    admin: Api, shop: str, named: str, fields: dict[str, Any], shown: str
) -> None:
    answer = admin.pod(named, spec(**fields))
    assert answer.ok, answer.message
    (field,) = fields
    assert f'[placement] field spec.{field}: "{shown}" is not allowed' in admin.pod(shop, spec(**fields)).message


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"nodeSelector": {"node-role.kubernetes.io/worker": "x"}}, "node-role.kubernetes.io/worker=x"),
        ({"nodeSelector": {"node-role.kubernetes.io/control-plane": ""}}, "node-role.kubernetes.io/control-plane="),
        ({"tolerations": [{**ARCH, "value": "arm64"}]}, "kubernetes.io/arch"),
        ({"tolerations": [{**ARCH, "effect": "NoExecute"}]}, "kubernetes.io/arch"),
        ({"tolerations": [{"key": "kubernetes.io/arch", "operator": "Exists"}]}, "kubernetes.io/arch"),
        ({"schedulerName": "fargate-scheduler2"}, "fargate-scheduler2"),
        ({"schedulerName": "mine"}, "mine"),
    ],
)
def test_nothing_else_is(admin: Api, named: str, fields: dict[str, Any], shown: str) -> None:
    (field,) = fields
    assert f'[placement] field spec.{field}: "{shown}" is not allowed' in admin.pod(named, spec(**fields)).message


def test_a_tenant_has_nodes_of_its_own(admin: Api, named: str) -> None:
    """Its selector stands in place of the cluster's; the cluster's tolerations are its own as well."""
    own = f"{named}-own"
    assert admin.pod(own, spec(nodeSelector={"pool": "own"}, tolerations=[ARCH])).ok
    refused = admin.pod(own, spec(nodeSelector={"node-role.kubernetes.io/worker": ""})).message
    assert '[placement] field spec.nodeSelector: "node-role.kubernetes.io/worker=" is not allowed' in refused
    assert not admin.pod(named, spec(nodeSelector={"pool": "own"})).ok


def test_what_is_named_no_more_is_taken_back_and_nothing_else(admin: Api, api_server: ApiServer) -> None:
    """What an administrator wrote by hand stays, whether the inventory ever named as much or not."""
    engine = Engine(api_server, owner="nodes")
    path = "/api/v1/namespaces/apply-nodes"

    def there() -> dict[str, str]:
        found = admin.request("GET", path).done()["metadata"]["annotations"]
        return {key: text for key, text in found.items() if key in (SELECTOR, TOLERATIONS)}

    engine.run(namespace("apply-nodes"))
    admin.patch(f"{path}?fieldManager=hand", {"metadata": {"annotations": {SELECTOR: "pool=hand"}}}).done()
    given = of({"tolerations": [ARCH]})
    engine.run(namespace("apply-nodes", annotations=given))
    assert there() == {SELECTOR: "pool=hand", **given}
    assert not engine.run(namespace("apply-nodes", annotations=given)).changed
    engine.run(namespace("apply-nodes"))
    assert there() == {SELECTOR: "pool=hand"}
    both = of({"selector": {"pool": "hand"}})
    assert not engine.run(namespace("apply-nodes", annotations=both)).warnings
    engine.run(namespace("apply-nodes"))
    assert there() == {SELECTOR: "pool=hand"}

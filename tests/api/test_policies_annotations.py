"""Which annotations a pod may have, and what the API server and an administrator add to every pod."""

from __future__ import annotations

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import policies
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profiles

from tests.api import pods
from tests.api.api import Answer, Api, Object, until
from tests.api.conftest import CLUSTER_IMAGES, CONTROLLER, create, settled, tenant_namespace

# Each gives somebody an order: another network, a device, a cloud identity, a side-car, systemd, a virtual machine.
ORDERS = (
    "k8s.v1.cni.cncf.io/networks",
    "io.kubernetes.cri-o.Devices",
    "iam.amazonaws.com/role",
    "sidecar.istio.io/inject",
    "org.systemd.property.AllowedCPUs",
    "io.katacontainers.config.hypervisor.path",
    "cpu-quota.crio.io",
    "kubernetes.io/ingress-bandwidth",
    "container.apparmor.security.beta.kubernetes.io.evil/tool",
    "kubernetes.jenkins.io.evil/x",
    "kubectl.kubernetes.io.evil/x",
)
HARMLESS = (
    "buildUrl",
    "runUrl",
    "my_team-1",
    "kubernetes.jenkins.io/last-refresh",
    "kubernetes.io/limit-ranger",
    "kubectl.kubernetes.io/default-container",
    "cluster-autoscaler.kubernetes.io/safe-to-evict",
    "karpenter.sh/do-not-disrupt",
    "helm.sh/hook",
)
POOL = {"scheduler.alpha.kubernetes.io/node-selector": "pool=ci, disk=ssd"}
TAINT = {
    "scheduler.alpha.kubernetes.io/defaultTolerations": '[{"key": "ci", "operator": "Exists", "effect": "NoSchedule"}, '
    '{"key":"pool","operator":"Equal","value":"ci"}, {"effect":"NoExecute", "key":"bare"},{"operator":"Exists"}]'
}


def annotated(key: str) -> Object:
    """An agent with one more annotation."""
    return pods.put(pods.dynamic_agent(), f"metadata/annotations/{key.replace('/', '~')}", "x")


@pytest.mark.parametrize("key", ORDERS)
def test_orders_are_refused(admin: Api, shop: str, key: str) -> None:
    answer = admin.pod(shop, annotated(key))
    assert answer.status == 403 and f'[annotations] field metadata.annotations: "{key}" is not' in answer.message


@pytest.mark.parametrize("key", HARMLESS)
def test_harmless_ones_are_admitted(admin: Api, shop: str, key: str) -> None:
    answer = admin.pod(shop, annotated(key))
    assert answer.ok, answer.message


def test_an_apparmor_annotation_says_what_the_field_says(admin: Api, shop: str) -> None:
    """API servers of some versions write it themselves, from the field."""
    key = "metadata/annotations/container.apparmor.security.beta.kubernetes.io~tool"
    for value, ok in (("runtime/default", True), ("unconfined", False), ("localhost/weak", False)):
        answer = admin.pod(shop, pods.put(pods.dynamic_agent(), key, value))
        assert answer.ok == ok, answer.message
        assert ok or "[annotations] field metadata.annotations" in answer.message


def test_what_limits_of_the_namespace_fill_in_is_admitted(admin: Api, shop: str) -> None:
    """The plugin LimitRanger says in an annotation what it did."""
    tenant_namespace(admin, "ci-limited")
    limits = {"type": "Container", "default": {"cpu": "1"}, "defaultRequest": {"cpu": "100m"}}
    body = {"metadata": {"name": "limits"}, "spec": {"limits": [limits]}}
    admin.create("/api/v1/namespaces/ci-limited/limitranges", body).done()
    settled(admin, "ci-limited", "buildkeep-pods")

    def filled_in(answer: Answer) -> bool:
        return "kubernetes.io/limit-ranger" in answer.body["metadata"].get("annotations", {})

    made = until(lambda: admin.pod("ci-limited", pods.dynamic_agent()), filled_in)
    assert made.ok, made.message


def test_a_pool_of_nodes_for_a_tenant(admin: Api, shop: str) -> None:
    tenant_namespace(admin, "ci-pool", annotations={**POOL, **TAINT})
    settled(admin, "ci-pool", "buildkeep-pods")
    tolerations = [
        {"key": "ci", "operator": "Exists", "effect": "NoSchedule"},
        {"key": "pool", "operator": "Equal", "value": "ci", "effect": "NoSchedule"},
        {"key": "pool", "value": "ci"},
        {"key": "bare", "effect": "NoExecute"},
        # The plugin PodTolerationRestriction adds this one to whatever asks for memory.
        {"key": "node.kubernetes.io/memory-pressure", "operator": "Exists", "effect": "NoSchedule"},
    ]
    agent = pods.put(pods.dynamic_agent(), "spec/nodeSelector", {"pool": "ci", "kubernetes.io/os": "linux"})
    agent = pods.put(agent, "spec/tolerations", tolerations)
    assert admin.pod("ci-pool", agent).ok
    elsewhere = admin.pod(shop, agent).message
    assert '[placement] field spec.nodeSelector: "pool=ci" is not' in elsewhere
    assert '[placement] field spec.tolerations: "ci, pool, pool, bare" is not' in elsewhere
    for field, value, shown in (
        ("nodeSelector", {"pool": "db"}, "pool=db"),
        ("nodeSelector", {"pool": ""}, "pool="),
        ("tolerations", [{"operator": "Exists"}], "every taint"),
        ("tolerations", [{"key": "c", "operator": "Exists", "effect": "NoSchedule"}], "c"),
        ("tolerations", [{"key": "ci", "operator": "Exists"}], "ci"),
        ("tolerations", [{"key": "ci", "operator": "Exists", "effect": "NoExecute"}], "ci"),
        ("tolerations", [{"key": "pool", "operator": "Exists"}], "pool"),
        ("tolerations", [{"key": "pool", "value": "db"}], "pool"),
        ("tolerations", [{"key": "pool", "value": ""}], "pool"),
        ("tolerations", [{"key": "bare", "value": "ci", "effect": "NoExecute"}], "bare"),
        ("tolerations", [{"key": "bare"}], "bare"),
        ("tolerations", [{"key": "node.kubernetes.io/memory-pressure", "operator": "Exists", "effect": "NoExecute"}],
         "node.kubernetes.io/memory-pressure"),
    ):  # fmt: skip
        message = admin.pod("ci-pool", pods.put(agent, f"spec/{field}", value)).message
        assert f'[placement] field spec.{field}: "{shown}" is not allowed' in message, message


def test_the_default_priority_class_of_the_cluster(admin: Api, shop: str, profiles: Profiles) -> None:
    """The plugin Priority writes the name of the globalDefault class into every pod."""
    named = {"kubernetes.io/metadata.name": "ci-priority"}
    for item in policies.build_policies(profiles, CLUSTER_IMAGES, CONTROLLER, priority_class="everyday"):
        if item["metadata"]["name"].startswith("buildkeep-pods"):
            item["metadata"]["name"] += "-priority"
            if "policyName" in item["spec"]:
                item["spec"]["policyName"] += "-priority"
                item["spec"]["matchResources"] = {"namespaceSelector": {"matchLabels": named}}
            create(admin, item)
    tenant_namespace(admin, "ci-priority", mode="audit")
    settled(admin, "ci-priority", "buildkeep-pods-priority")
    for name, value in (("everyday", 10), ("urgent", 100)):
        body = {"metadata": {"name": name}, "value": value, "globalDefault": False}
        admin.create("/apis/scheduling.k8s.io/v1/priorityclasses", body).done()

    def ask(name: str) -> str:
        agent = pods.put(pods.dynamic_agent(), "spec/priorityClassName", name)
        answer = until(lambda: admin.pod("ci-priority", agent), lambda answer: "no PriorityClass" not in answer.message)
        return answer.message

    assert "[placement]" not in ask("everyday")
    assert '[placement] field spec.priorityClassName: "urgent" is not' in ask("urgent")
    assert (
        '"everyday" is not allowed'
        in admin.pod(shop, pods.put(pods.dynamic_agent(), "spec/priorityClassName", "everyday")).message
    )

"""What an inventory changes in the rules about pods: further annotations, and tenants that may use templates only."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import policies
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod import (
    AgentInfo,
    Cloud,
    clouds,
    dynamic_pod,
    pod_request,
    static_pod,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profiles

from tests.api import pods
from tests.api.api import ADMISSION, Api, Object, until
from tests.api.conftest import CLUSTER_IMAGES, CONTROLLER, tenant_namespace
from tests.chart.rendering import template, tenants

CA = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
AGENT = AgentInfo("agent-x1", "s3cr3t")
KANIKO, JNLP = "spec/containers/1", "spec/containers/0"
STATIC = {"buildkeep.dev/templates": "static"}
# A change to the template's pod, and what the refusal says of it.
CHANGES = {
    "another tag": (f"{KANIKO}/image", f"{pods.KANIKO}:v1.0.0", "container kaniko"),
    "an agent of another tag": (f"{JNLP}/image", f"{pods.JNLP}:1", "container jnlp"),
    "a command": (f"{KANIKO}/command", ["/busybox/sh"], "container kaniko"),
    "other arguments": (f"{KANIKO}/args", ["1"], "container kaniko"),
    "a command of the agent": (f"{JNLP}/command", ["cat"], "container jnlp"),
    "a hook": (f"{KANIKO}/lifecycle", {"postStart": {"exec": {"command": ["id"]}}}, "container kaniko"),
    "a probe": (f"{JNLP}/livenessProbe", {"exec": {"command": ["id"]}}, "container jnlp"),
    "a variable": (f"{KANIKO}/env", [{"name": "A", "value": "b"}], "container kaniko"),
    "a mount over a program": (
        f"{KANIKO}/volumeMounts/+",
        {"name": "workspace-volume", "mountPath": "/busybox"},
        "container kaniko",
    ),
    "a part of a volume": (f"{KANIKO}/volumeMounts/1/subPath", "x", "container kaniko"),
    "a container": ("spec/containers/+", pods.tool(), "3 containers, container tool"),
    "an init container": ("spec/initContainers", [pods.tool()], "init container tool"),
    "a volume": ("spec/volumes/+", {"name": "more", "emptyDir": {}}, "volume more"),
    "no builder": ("spec/containers", None, "1 containers"),
}


@pytest.fixture(scope="module")
def static(admin: Api, shop: str) -> str:
    """The namespace of a tenant that may use templates only."""
    tenant_namespace(admin, "ci-static", annotations=STATIC)
    return "ci-static"


def made(build: Callable[[Cloud], Object], namespace: str, ca: str = "") -> Object:
    """A pod of the chart's cloud, in a namespace."""
    rendered = template({**tenants("shop"), "trustedCA": ca}).of_kind("ConfigMap")
    cloud = clouds([item for item in rendered if item["metadata"]["name"] != "buildkeep-ca"])["shop"]
    return pods.put(build(cloud), "metadata/namespace", namespace)


def of_template(namespace: str, ca: str = "") -> Object:
    """The pod of the template `shop-kaniko`; the agent comes first."""
    return made(lambda cloud: static_pod(cloud, "shop-kaniko", AGENT), namespace, ca)


@pytest.mark.parametrize("ca", ["", CA], ids=["public CAs", "a private CA"])
def test_a_template_is_admitted_as_it_is(admin: Api, static: str, ca: str) -> None:
    answer = admin.pod(static, of_template(static, ca))
    assert answer.ok, answer.message


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_template_is_refused(admin: Api, static: str, shop: str, change: str) -> None:
    path, value, shown = CHANGES[change]
    pod = of_template(static)
    assert [one["name"] for one in pod["spec"]["containers"]] == ["jnlp", "kaniko"]
    changed = pods.put(pod, path, pod["spec"]["containers"][:1] if value is None else value)
    refused = admin.pod(static, changed)
    assert refused.status == 403, refused.message
    assert f'[templates] field spec: "{shown}" is not allowed; allowed: one of the tenant' in refused.message
    assert "; [" not in refused.message
    elsewhere = admin.pod(shop, pods.put(changed, "metadata/namespace", shop))
    assert elsewhere.ok, elsewhere.message


def test_a_pod_of_a_jenkinsfile_is_refused(admin: Api, static: str) -> None:
    refused = admin.pod(static, pods.dynamic_agent())
    assert '[templates] field spec: "serviceAccountName agent, container tool' in refused.message
    inherited = pod_request({"inheritFrom": "shop-kaniko"}, "shop_1-x", "job/shop/1/")
    answer = admin.pod(static, made(lambda cloud: dynamic_pod(cloud, inherited, AGENT), static))
    assert answer.ok, answer.message


@pytest.fixture(scope="module")
def annotated(admin: Api, audit: str, profiles: Profiles) -> str:
    """A namespace, of a tenant in mode audit, where a pod policy with further annotations denies."""
    name = "options-annotations"
    options = policies.Options(pod_annotations=("openshift.io/scc", "autopilot.gke.io/"))
    policy = policies.build_policies(profiles, CLUSTER_IMAGES, CONTROLLER, options=options)[0]
    tenant_namespace(admin, name, mode="audit")
    selector = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}
    binding = {"policyName": name, "validationActions": ["Deny"], "matchResources": selector}
    admin.create(f"{ADMISSION}/validatingadmissionpolicies", {**policy, "metadata": {"name": name}}).done()
    admin.create(f"{ADMISSION}/validatingadmissionpolicybindings", {"metadata": {"name": name}, "spec": binding}).done()
    bad = pods.put(pods.dynamic_agent(), "spec/hostPID", True)
    until(lambda: admin.pod(name, bad), lambda answer: f"'{name}'" in answer.message)
    return name


@pytest.mark.parametrize(
    ("key", "ok"),
    [
        ("openshift.io/scc", True),
        ("openshift.io/scc2", False),
        ("openshift.io/scc.more", False),
        ("autopilot.gke.io/resource-adjustment", True),
        ("autopilot.gke.ioo/x", False),
        ("x.autopilot.gke.io/x", False),
    ],
)
def test_further_annotations(admin: Api, shop: str, annotated: str, key: str, ok: bool) -> None:
    pod = pods.dynamic_agent()
    pod["metadata"]["annotations"][key] = "x"
    answer = admin.pod(annotated, pod)
    assert answer.ok is ok, answer.message
    assert ok or f'[annotations] field metadata.annotations: "{key}" is not allowed' in answer.message
    assert not admin.pod(shop, pod).ok

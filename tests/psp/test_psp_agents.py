"""Honest agents under PodSecurityPolicy: the pods of the chart's templates, and what Jenkinsfiles make of them."""

from __future__ import annotations

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod import (
    clouds,
    dynamic_pod,
    pod_request,
    static_pod,
)

from tests.api.api import Api, Object
from tests.api.test_rendered_pods import AGENT, CA, JENKINSFILES, VALUES
from tests.chart.rendering import template


def admitted(admin: Api, shop: str, pod: Object) -> str:
    """Send a pod as the controller, into a namespace that enforces its Pod Security level too; name its policy."""
    made = admin.user("controller").pod(shop, {**pod, "metadata": {**pod["metadata"], "namespace": shop}}).done()
    containers = {one["name"]: one for one in made["spec"]["containers"]}
    for wanted in pod["spec"]["containers"]:
        # What the template says of a container is what it gets; only what it leaves out is filled in.
        context = containers[wanted["name"]]["securityContext"]
        assert {**context, **wanted.get("securityContext", {})} == context
    return str(made["metadata"]["annotations"]["kubernetes.io/psp"])


@pytest.mark.parametrize("ca", ["", CA], ids=["public CAs", "a private CA"])
def test_the_pod_of_a_template_is_admitted(admin: Api, shop: str, ca: str) -> None:
    rendered = template({**VALUES, "trustedCA": ca})
    configmaps = [item for item in rendered.of_kind("ConfigMap") if item["metadata"]["name"] != "buildkeep-ca"]
    pod = static_pod(clouds(configmaps)["shop"], "shop-kaniko", AGENT)
    assert admitted(admin, shop, pod) == "buildkeep-kaniko"


@pytest.mark.parametrize("name", JENKINSFILES)
def test_the_pod_of_a_jenkinsfile_is_admitted(admin: Api, shop: str, name: str) -> None:
    attributes, level = JENKINSFILES[name]
    cloud = clouds(template(VALUES).of_kind("ConfigMap"))["shop"]
    pod = dynamic_pod(cloud, pod_request(attributes, "shop_1-x", "job/shop/1/"), AGENT)
    assert admitted(admin, shop, pod) == {"restricted": "buildkeep-agent", "baseline": "buildkeep-kaniko"}[level]


def test_the_pod_of_helm_test_is_admitted(admin: Api, shop: str) -> None:
    (pod,) = template(VALUES).of_kind("Pod")
    assert admitted(admin, shop, pod) == "buildkeep-kaniko"

"""Two tenants do not reach each other, in both directions, while each can do the same at home."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from testbed import builds
from testbed.attacks import ways
from testbed.attacks.answers import Answer, Expected, shortfall
from testbed.attacks.api import Api
from testbed.attacks.plugin import LISTED, table_names
from testbed.attacks.stage import CONTROLLER, namespace_path, token_of

TOOL = {
    "name": "tool",
    "image": table_names()["agent"],
    "command": ["sleep", "infinity"],
    "securityContext": {"runAsUser": 1000},
    "resources": {"limits": {"cpu": "100m", "memory": "64Mi"}},
}
BOTH = pytest.mark.parametrize(("tenant", "other"), [("shop", "blog"), ("blog", "shop")])


def run(tenant: str, name: str, spec: Mapping[str, Any], namespace: str, cloud: str = "") -> ways.Build:
    """A build of a tenant's author, whose Jenkinsfile names a namespace."""
    part = {"pod": {"metadata": {"namespace": namespace}, "spec": spec}}
    return ways.run_build(builds.build, name, part, tenant, cloud)


@BOTH
def test_a_pod_for_the_other_tenants_namespace_is_refused(tenant: str, other: str) -> None:
    answer = ways.attempted(run(tenant, "reach-over", {"containers": [TOOL]}, f"ci-{other}"))
    expected = Expected(
        by="buildkeep-pods",
        rule="tenant-label",
        field="metadata.labels['buildkeep.dev/tenant']",
        value=tenant,
        allowed=other,
    )
    assert shortfall(expected, answer) == ""


@BOTH
def test_the_same_pod_at_home_runs(tenant: str, other: str) -> None:
    answer = ways.accomplished(run(tenant, "stay-at-home", {"containers": [TOOL]}, f"ci-{tenant}"))
    assert answer.ok, answer.text


@BOTH
def test_the_other_tenants_cloud_is_closed(tenant: str, other: str) -> None:
    result = run(tenant, "other-cloud", {"containers": [TOOL]}, f"ci-{other}", cloud=other)
    assert not result.ok
    assert f"Not authorized to use Kubernetes cloud: {other}" in result.log


def test_an_image_of_one_tenants_list_is_foreign_to_the_other() -> None:
    spec = {"containers": [{**TOOL, "image": LISTED[0]}]}
    answer = ways.attempted(run("blog", "borrowed-image", spec, "ci-blog"))
    agent = table_names()["agent"].rpartition(":")[0]
    expected = Expected(
        "buildkeep-pods", rule="images", subject="container tool", field="image", value=LISTED[0], allowed=agent
    )
    assert shortfall(expected, answer) == ""
    assert LISTED[0].rpartition("/")[0] not in answer.text.partition("allowed: ")[2].partition("Received")[0]


@pytest.mark.parametrize("namespace", ["default", "kube-system", CONTROLLER[0], "ci-nobody"])
def test_the_controllers_token_makes_no_pod_outside_the_tenants(admin: Api, namespace: str) -> None:
    controller = admin.as_bearer(token_of(admin, *CONTROLLER))
    answer: Answer = controller.ask(
        "POST", f"{namespace_path(namespace)}/pods?dryRun=All", {"spec": {"containers": [TOOL]}}
    )
    words = f'cannot create resource "pods" in API group "" in the namespace "{namespace}"'
    assert shortfall(Expected(by="rbac", words=words), answer) == ""

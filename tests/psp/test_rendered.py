"""Every object that is rendered for Kubernetes 1.24 is one that its API server takes, to the last field."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import backends
from ansible_collections.buildkeep.ci.plugins.module_utils.agent_templates import chart_values, helm_template
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster, connect
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import Object
from ansible_collections.buildkeep.ci.plugins.module_utils.render_objects import waves
from ansible_collections.buildkeep.ci.plugins.module_utils.render_options import read_options
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings

from testbed.apiserver import ApiServer
from testbed.tools import tool
from tests.api.api import Answer, Api
from tests.psp.conftest import TENANT


@pytest.fixture(scope="module")
def cluster(server: ApiServer) -> Cluster:
    return connect(str(server.kubeconfig()))


@pytest.fixture(scope="module")
def rendered(admin: Api, shop: str) -> list[Object]:
    """The objects of the tenant that the server has; the controller's namespace is made for them."""
    options = read_options({"render_directory": "/nowhere", "render_version": "1.24"})
    backend = backends.as_mapping(backends.choose(options.served(backends.AUTO)))
    settings = read_settings({"tenants": [{"name": TENANT}], "unenforced": "accept", "backend": backend})
    for name in ("jenkins", "buildkeep-canary", shop):
        assert admin.create("/api/v1/namespaces", {"metadata": {"name": name}}).status in (201, 409)
    chart = helm_template(str(tool("helm")), chart_values(settings, 14400))
    return [item for wave in waves(settings, chart) for item in wave.objects]


def dry_run(cluster: Cluster, admin: Api, item: Object) -> Answer:
    """Apply an object as a dry run that refuses unknown fields."""
    resource = cluster.resource(item["apiVersion"], item["kind"])
    path = resource.path(item["metadata"].get("namespace", ""), item["metadata"]["name"])
    query = "?dryRun=All&fieldManager=rendered&force=true&fieldValidation=Strict"
    return admin.request("PATCH", path + query, item, "application/apply-patch+yaml")


def test_each_is_taken(cluster: Cluster, admin: Api, rendered: list[Object]) -> None:
    answers = {str(item["metadata"]): dry_run(cluster, admin, item) for item in rendered}
    assert {name: answer.message for name, answer in answers.items() if not answer.ok} == {}
    assert {"PodSecurityPolicy", "RoleBinding", "Namespace"} <= {item["kind"] for item in rendered}


def test_a_misspelt_field_is_not(cluster: Cluster, admin: Api, rendered: list[Object]) -> None:
    for item in {item["kind"]: item for item in rendered}.values():
        wrong: dict[str, Any] = {**item, "metadata": {**item["metadata"], "misspelt": "x"}}
        assert not dry_run(cluster, admin, wrong).ok, item["kind"]

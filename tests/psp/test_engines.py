"""The allowlist for Kyverno and Gatekeeper on an API server of 1.24 that knows their kinds, without the engines."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import canaries_plugin, tenant_objects
from ansible_collections.buildkeep.ci.plugins.module_utils.allowlist_other import (
    GATEKEEPER,
    KYVERNO,
    allowlist_stages,
    image_cases,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.backends import PSP, Backend, choose
from ansible_collections.buildkeep.ci.plugins.module_utils.backends_served import served
from ansible_collections.buildkeep.ci.plugins.module_utils.client import Client
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import Mode
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings

from testbed import engines
from testbed.apiserver import ApiServer
from tests.api.api import Api, Object, until
from tests.api.apply_support import Engine
from tests.psp.engines import inventory

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
# Where the server tells of the kinds: some moments later than it serves them, and longer than it does.
KINDS = {KYVERNO: "/apis/kyverno.io/v1", GATEKEEPER: "/apis/templates.gatekeeper.sh/v1"}
CONSTRAINTS = "/apis/constraints.gatekeeper.sh/v1beta1"


def constraints(template: Object) -> Object:
    """What Gatekeeper makes of its template: the definition of the constraints' kind."""
    names = template["spec"]["crd"]["spec"]["names"]
    parameters = template["spec"]["crd"]["spec"]["validation"]["openAPIV3Schema"]
    fields = {"enforcementAction": {"type": "string"}, "parameters": parameters}
    match = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    spec = {"type": "object", "properties": {**fields, "match": match}}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    version = {"name": "v1beta1", "served": True, "storage": True, "schema": schema}
    plural = "buildkeepimages"
    body: Object = {"group": "constraints.gatekeeper.sh", "scope": "Cluster", "versions": [version]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.constraints.gatekeeper.sh"},
        "spec": {**body, "names": {**names, "plural": plural, "singular": plural}},
    }


@pytest.fixture(scope="module")
def installed(admin: Api, shop: str) -> Iterator[None]:
    """Serve the kinds of both, and take them away again. All at once: the server lets each wait for five seconds."""
    made = [constraints(allowlist_stages(inventory(GATEKEEPER))[0][0])]
    for name in KINDS:
        definition = engines.definition(name)
        # The one version that we use: these types are so large that the server takes its time over each.
        used = [one for one in definition["spec"]["versions"] if one["name"] == "v1"]
        definition["spec"]["versions"] = [{**one, "storage": True} for one in used]
        made.append(definition)
    for definition in made:
        admin.create(DEFINITIONS, definition).done()
    for path in (*KINDS.values(), CONSTRAINTS):
        until(lambda: admin.request("GET", path), lambda answer: answer.ok)  # noqa: B023 - asked at once
    yield
    for definition in made:
        admin.request("DELETE", f"{DEFINITIONS}/{definition['metadata']['name']}").done()


def refusal(server: ApiServer, settings: Settings, cases: list[dict[str, Any]]) -> str:
    who = tenant_objects.identity(settings)
    given = {"cases": cases, **who, "timeout": 0.5, "context": "", "kubeconfig": str(server.kubeconfig())}
    with pytest.raises(BuildkeepError) as caught:
        canaries_plugin.canary(given, Mode(check=False, diff=False))
    return str(caught.value)


@pytest.mark.parametrize("engine", KINDS)
def test_an_engine_is_found_and_takes_the_allowlist(server: ApiServer, installed: None, engine: str) -> None:
    """Each object, to the last field; a second time nothing changes."""
    found = served(Cluster(Client(str(server.kubeconfig()), "")), (1, 24))
    assert found.kyverno and found.gatekeeper and choose(found).name == PSP
    for stage in allowlist_stages(inventory(engine)):
        made = Engine(server, "registry_allowlist").run(*stage)
        assert made.changed and len(made.actions) == len(stage)
        assert not Engine(server, "registry_allowlist").run(*stage).changed


@pytest.mark.parametrize("engine", KINDS)
def test_that_nothing_enforces_it_is_seen(server: ApiServer, settings: Settings, shop: str, engine: str) -> None:
    """Before anybody relies on it."""
    backend = Backend(PSP, policies=False, pod_security=True, images=engine)
    own = dataclasses.replace(settings, backend=backend)
    text = refusal(server, own, image_cases(own, own.present))
    assert f"must be refused by {engine} [images], but was admitted" in text

"""Every object that Buildkeep makes is one that every supported Kubernetes takes, to the last field."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import backends
from ansible_collections.buildkeep.ci.plugins.module_utils.agent_templates import chart_values, helm_template
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import Object
from ansible_collections.buildkeep.ci.plugins.module_utils.render_objects import waves
from ansible_collections.buildkeep.ci.plugins.module_utils.render_options import NEWEST, read_options
from ansible_collections.buildkeep.ci.plugins.module_utils.render_static import static_objects
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings, read_settings

from testbed.tools import tool
from tests.chart.schemas import faults

# From 1.25 on: the package knows none older. PodSecurityPolicies meet the API server of 1.24 itself.
SUPPORTED = tuple(f"1.{minor}" for minor in range(25, int(NEWEST.partition(".")[2]) + 1))
TENANTS = [
    {
        "name": "shop",
        "images": ["ghcr.io/acme/base/"],
        "limits": {"pods": 20, "cpu": "4", "memory": "8Gi"},
        "volumes": {"claims": ["cache"], "secrets": ["npm"], "csiDrivers": ["csi.acme.dev"]},
        "templates": "static",
    },
    {"name": "blog", "builders": [], "mode": "audit"},
]
INVENTORY: dict[str, Any] = {
    "tenants": TENANTS,
    "images": ["docker.io/library/debian"],
    "break_glass": "sre:emergency",
    "pod_annotations": ["autopilot.gke.io/"],
    "storage_classes": ["fast"],
    "nodes": {"selector": {"pool": "ci"}, "tolerations": [{"key": "ci"}], "schedulers": ["mine"]},
    "trusted_ca": "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
    "unenforced": "accept",
}


def settings_of(version: str) -> Settings:
    options = read_options({"render_directory": "/nowhere", "render_version": version})
    backend = backends.choose(options.served(backends.AUTO))
    return read_settings({**INVENTORY, "pod_defaults": backend.mutations, "backend": backends.as_mapping(backend)})


def objects_of(version: str) -> list[Object]:
    settings = settings_of(version)
    chart = helm_template(str(tool("helm")), chart_values(settings, 14400))
    return [item for wave in waves(settings, chart, "low") for item in wave.objects]


@pytest.mark.parametrize("version", SUPPORTED)
def test_every_object_is_one_that_this_kubernetes_knows(version: str) -> None:
    found = objects_of(version)
    assert [fault for item in found for fault in faults(item, version)] == []
    kinds = {item["kind"] for item in found}
    assert ("ValidatingAdmissionPolicy" in kinds) == (version >= "1.30")
    assert ("MutatingAdmissionPolicy" in kinds) == (version >= "1.36")


def test_static_manifests_are_policies_as_well() -> None:
    found = static_objects(settings_of(NEWEST))
    assert [fault for item in found for fault in faults(item, NEWEST)] == []


def test_a_misspelt_field_of_any_kind_is_found() -> None:
    for item in {item["kind"]: item for item in objects_of(NEWEST)}.values():
        for wrong in misspelt(item):
            assert faults(wrong, NEWEST), f"{item['kind']} {sorted(set(wrong) - set(item))}"


def misspelt(item: Object) -> list[Object]:
    """The object with one field too many: at its top, in its metadata, and in its spec where it has one."""
    made = [{**item, "speck": {}}]
    for place in {"metadata", "spec"} & set(item):
        wrong = copy.deepcopy(item)
        wrong[place]["misspelt"] = "x"
        made.append(wrong)
    return made

"""The chart's Role for the controller is that of the table, whatever is switched on."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import rbac_verbs

from tests.chart.rendering import template


@pytest.mark.parametrize(
    ("controller", "on"),
    [
        ({"garbageCollection": 0}, {}),
        ({"garbageCollection": 300}, {"garbage_collection": 300}),
        ({"garbageCollection": 0, "dynamicClaims": True}, {"dynamic_claims": True}),
        ({"garbageCollection": 120, "dynamicClaims": True}, {"garbage_collection": 120, "dynamic_claims": True}),
    ],
)
def test_the_role_is_that_of_the_table(controller: dict[str, Any], on: dict[str, Any]) -> None:
    objects = template({"tenants": [{"name": "shop"}], "controller": controller}, "--skip-tests").objects
    (role,) = (one for one in objects if one["kind"] == "Role")
    assert role["rules"] == rbac_verbs.rules(rbac_verbs.features(**on))

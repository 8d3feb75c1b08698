"""The policy that fills in strict values: where it is made, and what it can never do."""

from __future__ import annotations

import re

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.policies_defaults import (
    build_defaults,
    defaults_context,
    served_problem,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import load_profiles
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings

BACKEND = {"name": "admission", "policies": True, "pod_security": True, "mutations": True}


@pytest.mark.parametrize(("wanted", "served"), [(False, True), (True, False), (False, False)])
def test_it_is_made_only_where_wanted_and_served(wanted: bool, served: bool) -> None:
    settings = read_settings({"pod_defaults": wanted, "backend": {**BACKEND, "mutations": served}})
    assert build_defaults(settings) == []
    assert (served_problem(wanted, served) is not None) == (wanted and not served)


def test_it_holds_in_tenants_that_enforce_and_not_where_rules_are_proven() -> None:
    _, binding = build_defaults(read_settings({"pod_defaults": True, "backend": BACKEND}))
    assert binding["spec"]["matchResources"]["namespaceSelector"]["matchExpressions"] == [
        {"key": "buildkeep.dev/tenant", "operator": "Exists"},
        {"key": "buildkeep.dev/tenant", "operator": "NotIn", "values": ["buildkeep-canary", "buildkeep-system"]},
        {"key": "buildkeep.dev/mode", "operator": "NotIn", "values": ["audit"]},
    ]


def test_it_only_adds_where_nothing_is() -> None:
    """Every patch is an addition, and stands behind the question whether that very field is absent."""
    guarded = re.compile(r"\(!(object\S+?)\.hasValue\(\).*? \? \[JSONPatch\{op: 'add', path: (.*?),")
    for expression in defaults_context(load_profiles())["mutations"]:
        found = guarded.findall(expression)
        assert len(found) == expression.count("JSONPatch{") > 2
        for condition, path in found:
            assert path.strip("'").rsplit("/", 1)[1] == condition.rsplit("?", 1)[1]


def test_the_emergency_group_is_named_only_where_there_is_one() -> None:
    def names(group: str) -> list[str]:
        return [one["name"] for one in defaults_context(load_profiles(), group)["conditions"]]

    assert names("") == ["linux"]
    assert names("sre:emergency") == ["linux", "no-emergency"]

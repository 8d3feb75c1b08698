"""Whether selectors and rules are meant for a request, as the API server decides it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import canaries_matching
from ansible_collections.buildkeep.ci.plugins.module_utils.canaries_matching import Asked

Object = dict[str, Any]


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        (None, True),
        ({}, True),
        ({"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "2"}}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "NotIn", "values": ["1"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "b", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "DoesNotExist"}]}, True),
        ({"matchLabels": {"a": "1"}, "matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, False),
    ],
)
def test_selectors(selector: Object | None, selected: bool) -> None:
    assert canaries_matching.selects(selector, {"a": "1"}) is selected


def rule(*resources: str, operations: tuple[str, ...] = ("CREATE",), **more: Any) -> Object:
    return {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": list(operations),
        "resources": list(resources),
        **more,
    }


@pytest.mark.parametrize(
    ("given", "resource", "operation", "covered"),
    [
        (rule("pods"), "pods", "CREATE", True),
        (rule("pods"), "pods/exec", "CREATE", False),
        (rule("*"), "pods", "CREATE", True),
        (rule("*"), "pods/exec", "CREATE", False),
        (rule("*/*"), "pods", "CREATE", True),
        (rule("*/*"), "pods/exec", "CREATE", True),
        (rule("pods/*"), "pods/exec", "CREATE", True),
        (rule("pods/*"), "pods", "CREATE", False),
        (rule("*/exec"), "pods/exec", "CREATE", True),
        (rule("pods"), "pods", "UPDATE", False),
        (rule("pods", operations=("*",)), "pods", "UPDATE", True),
        (rule("pods", apiGroups=["apps"]), "pods", "CREATE", False),
        (rule("pods", apiGroups=["*"]), "pods", "CREATE", True),
        (rule("pods", apiVersions=["v2"]), "pods", "CREATE", False),
        (rule("pods", resourceNames=["other"]), "pods", "CREATE", False),
    ],
)
def test_rules(given: Object, resource: str, operation: str, covered: bool) -> None:
    assert canaries_matching.covers(given, Asked("", "v1", resource, (operation,))) is covered

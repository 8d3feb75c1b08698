"""The pod rules read over a template: nothing of the request itself is left in them."""

from __future__ import annotations

import re

from ansible_collections.buildkeep.ci.plugins.module_utils import policies_pods, policies_workloads, rules
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import load_profiles

POD_RULES = [rule for rule in rules.load() if rule.scope]


def test_nothing_is_read_from_the_workload_itself() -> None:
    """A rule that speaks of the object in words not known here would judge the wrong thing, without a word."""
    made = policies_workloads.of_template(policies_pods.variables(POD_RULES, load_profiles(), []))
    first, *read = made["variables"]
    assert first["name"] == "template" and "dyn(object)" in first["expression"]
    for one in read:
        bare = re.sub(r"dyn\(oldObject\)\.", "", one["expression"])
        assert not re.search(r"(?<![.\w])(object|oldObject)(?!\w)", bare), one
        assert "request.operation" not in bare, one
    assert "variables.template.spec" in str(read)


def test_what_is_replaced() -> None:
    given = "request.operation == 'CREATE' || object.spec != oldObject.spec || namespaceObject.metadata.name == ''"
    (_, read) = policies_workloads.of_template([{"name": "a", "expression": given}])["variables"]
    wanted = "true || variables.template.spec != dyn(oldObject).spec || namespaceObject.metadata.name == ''"
    assert read == {"name": "a", "expression": wanted}

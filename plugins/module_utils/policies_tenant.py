"""What an ordinary pod can still break: the rules that compare it with the namespace of its tenant.

buildkeep-pods lets ordinary pods be (policies_ordinary), so this policy answers for them. Of two refusals the API
server tells one; so this policy names every broken rule too, although it only asks for those of tenants.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import (
    cel,
    policies_ordinary,
    policies_pods,
    policies_verdicts,
    policies_workloads,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profiles
from ansible_collections.buildkeep.ci.plugins.module_utils.rules import Rule

_VARIABLE = re.compile(r"(?<![.\w])variables\.(\w+)")
# The policy sees new pods only.
_WHEN = {"spec": "true", "label": "true", "annotation": "false"}
# A pod with containers of other kinds is not ordinary.
_EVERYONE, _CONTAINERS = "variables.everyone", "object.spec.containers"


def contexts(
    table: Sequence[Rule], profiles: Profiles, given: Mapping[str, Any], break_glass: str
) -> dict[str, dict[str, Any]]:
    """Give what the templates of the three policies about pods insert: `pods`, `pods_tenant` and `workloads`.

    Args:
        table: rules of buildkeep-pods.
        profiles: the profile table.
        given: further arguments of policies_pods.variables and constants, by name.
        break_glass: group whose members they let through, or empty.
    """
    variables = policies_pods.variables(table, profiles, **given)
    constants = policies_pods.constants(profiles, **given)
    ordinary = policies_ordinary.condition(table, constants, profiles)
    return {
        "pods": {
            "matchConditions": policies_pods.match_conditions(ordinary),
            "variables": variables,
            "expression": policies_pods.expression(break_glass),
            "auditAnnotations": policies_pods.audit_annotations(break_glass),
            "message": policies_pods.MESSAGE,
            "messageExpression": policies_pods.MESSAGE_EXPRESSION,
        },
        "pods_tenant": _of_tenant(table, variables, constants, break_glass),
        "workloads": policies_workloads.of_template(variables),
    }


def _of_tenant(
    table: Sequence[Rule],
    variables: Sequence[dict[str, str]],
    constants: Mapping[str, str],
    break_glass: str,
) -> dict[str, Any]:
    rules = [rule for rule in table if rule.tenant]
    wrong = policies_verdicts.verdicts(rules, constants, _WHEN)["firm"].replace(_EVERYONE, _CONTAINERS)
    glass = f" || {policies_verdicts.in_group(break_glass)}" if break_glass else ""
    made = {
        "expression": f"!variables.wrong{glass}",
        "message": policies_pods.MESSAGE,
        "messageExpression": f"variables.wrong ? {cel.one_line('variables.text')} : ''",
        "auditAnnotations": policies_pods.audit_annotations(break_glass, "variables.wrong"),
    }
    return {"variables": used([*variables, {"name": "wrong", "expression": wrong}], str(made)), **made}


def used(variables: Sequence[Mapping[str, str]], by: str) -> list[dict[str, str]]:
    """Leave out variables that an expression does not use, nor any that it uses. The order stays."""
    expressions = {one["name"]: one["expression"] for one in variables}
    wanted: set[str] = set()
    texts = [by]
    while texts:
        found = set(_VARIABLE.findall(texts.pop())) - wanted
        wanted |= found
        texts += [expressions[name] for name in found]
    return [dict(one) for one in variables if one["name"] in wanted]

"""The page of the controller's rights, from the table of its calls."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.buildkeep.ci.plugins.module_utils import rbac_verbs
from ansible_collections.buildkeep.ci.plugins.module_utils.rbac_verbs import Call

from tools.generate.markdown import code, table

_HEAD = """In each tenant's namespace the controller's ServiceAccount holds one Role, whose verbs are those of the calls
below and no other. The table is [verbs.yaml](../../charts/agent-templates/verbs.yaml): the Role of the role `rbac`,
that of the chart, and what the policy `buildkeep-roles` lets a Role hold are made from it, and the stand-in controller
of the tests sends nothing else. `tests/api/test_verbs.py` takes away each verb in turn and sees which calls fail.

It was read in the sources of the Kubernetes plugin 4423.vb_59f230b_ce53, where nothing reads Secrets and nothing
watches events."""
_SWITCHES = {
    rbac_verbs.GARBAGE_COLLECTION: (
        "With garbage collection",
        "Where `buildkeep_controller.garbageCollection` (chart: `controller.garbageCollection`) is not 0.",
    ),
    rbac_verbs.DYNAMIC_CLAIMS: (
        "With claims of templates",
        "Where `buildkeep_controller.dynamicClaims` (chart: `controller.dynamicClaims`) is on. A pod with such a claim "
        "breaks the rule `claims`, since the name is on no tenant's list: where policies enforce, take a generic "
        "ephemeral volume, which needs no such right.",
    ),
}


def _rows(calls: Sequence[Call]) -> str:
    rows = [(code(call.name), code(f"{', '.join(call.verbs)} {call.resource}"), call.reason, call.at) for call in calls]
    return table(("call", "verbs", "for", "where the plugin calls"), rows)


def _more(feature: str) -> str:
    always, on = rbac_verbs.granted(), rbac_verbs.granted({rbac_verbs.ALWAYS, feature})
    added = [f"{verb} {each}" for each, verbs in on.items() for verb in verbs if verb not in always.get(each, ())]
    return f"It adds to the Role: {code(', '.join(added))}."


def page() -> str:
    """Every call, by what it depends on."""
    calls = rbac_verbs.load()
    tenant = [call for call in calls if call.where == rbac_verbs.TENANT]
    parts = [_HEAD, "## Always", _rows([call for call in tenant if call.when == rbac_verbs.ALWAYS])]
    for feature, (title, when) in _SWITCHES.items():
        mine = [call for call in tenant if call.when == feature]
        parts += [f"## {title}", f"{when} {_more(feature)}", _rows(mine)]
    own = [call for call in calls if call.where == rbac_verbs.CONTROLLER]
    parts += ["## In the controller's own namespace", "Its side-car, under the same ServiceAccount.", _rows(own)]
    return "\n\n".join(parts)

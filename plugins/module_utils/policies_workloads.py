"""The rules about pods, read over the pod template of a Deployment and the like: a warning where they are written.

The pods of a workload are made by a controller, whose author never sees a refusal. The rules and their texts are those
of buildkeep-pods, compiled once more with the template in place of the pod.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import cel

# An API server cuts warnings that are longer than 4096 characters in all to 256 each
# (apiserver, pkg/endpoints/filters/warning.go).
_WARNING = 3500
_TEMPLATE = "request.kind.kind == 'CronJob' ? dyn(object).spec.jobTemplate.spec.template : dyn(object).spec.template"
# What is true of a pod that is made from a template: nothing of it was there before.
_AS_CREATED = (
    (re.compile(r"request\.operation == 'CREATE'"), "true"),
    (re.compile(r"request\.operation == 'UPDATE'"), "false"),
    (re.compile(r"(?<![.\w])object\."), "variables.template."),
    (re.compile(r"(?<![.\w])oldObject\."), "dyn(oldObject)."),
)


def of_template(variables: Sequence[dict[str, str]]) -> dict[str, Any]:
    """Give what the template `workloads.yaml.j2` inserts under `workloads`: `variables`, and the text of a warning.

    Args:
        variables: of buildkeep-pods (`policies_pods.variables`): `broken`, `text`, and what they use.
    """
    read = [{"name": one["name"], "expression": _read(one["expression"])} for one in variables]
    return {
        "variables": [{"name": "template", "expression": _TEMPLATE}, *read],
        "text": f"{cel.cut('variables.text', _WARNING)}.replace('\\n', ' ')",
    }


def _read(expression: str) -> str:
    for pattern, text in _AS_CREATED:
        expression = pattern.sub(text, expression)
    return expression

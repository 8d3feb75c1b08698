"""Renders the chart agent-templates. Documentation: plugins/modules/render_templates.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.agent_templates import render
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import Mode
from ansible_collections.buildkeep.ci.plugins.plugin_utils.local_action import LocalAction

ARGUMENTS: dict[str, Any] = {
    "settings": {"type": "dict", "required": True},
    "helm": {"type": "str", "default": "helm"},
    "deadline": {"type": "int", "default": 14400},
    "user_namespaces": {"type": "bool", "default": False},
}


def _rendered(given: dict[str, Any], _: Mode) -> dict[str, Any]:
    return {"changed": False, **render(**given)}


class ActionModule(LocalAction):
    """See plugins/modules/render_templates.py."""

    arguments = ARGUMENTS
    work = staticmethod(_rendered)

"""Renders the chart agent-templates. Documentation: plugins/modules/render_templates.py."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.buildkeep.ci.plugins.module_utils.agent_templates import render
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import run_plugin

ARGUMENTS: dict[str, Any] = {
    "settings": {"type": "dict", "required": True},
    "helm": {"type": "str", "default": "helm"},
    "deadline": {"type": "int", "default": 14400},
    "user_namespaces": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """Runs in the controller's process, where the chart and helm are."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See plugins/modules/render_templates.py."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        return result | {"changed": False} | run_plugin(self, ARGUMENTS, lambda given, _: render(**given))

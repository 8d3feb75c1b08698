"""Asks nodes whether they give pods user namespaces. Documentation: plugins/modules/user_namespaces.py."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import run_plugin
from ansible_collections.buildkeep.ci.plugins.module_utils.user_namespaces_plugin import ARGUMENTS, user_namespaces


class ActionModule(ActionBase):
    """Runs in the controller's process, with the connection code of the action `apply`."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See plugins/modules/user_namespaces.py."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        return result | run_plugin(self, ARGUMENTS, user_namespaces)

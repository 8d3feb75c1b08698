"""Applies or removes Kubernetes objects of one role. Documentation: plugins/modules/apply.py."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.buildkeep.ci.plugins.module_utils.applying_plugin import ARGUMENTS, apply
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import run_plugin


class ActionModule(ActionBase):
    """Runs in the controller's process: a module would cost a second of CPU for Python's start alone."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See plugins/modules/apply.py."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        return result | run_plugin(self, ARGUMENTS, apply)

"""The shape of our action plugins: arguments checked, work done by a function of module_utils, in this process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ansible.plugins.action import ActionBase
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import Mode, run_plugin


class LocalAction(ActionBase):
    """Runs in the controller's process, where the inventory, the chart and helm are.

    A module would cost a second of CPU for Python's start alone.

    Attributes:
        arguments: the argument spec; the module of the same name documents it.
    """

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False
    arguments: ClassVar[Mapping[str, Any]]

    @staticmethod
    def work(arguments: dict[str, Any], mode: Mode, /) -> dict[str, Any]:
        """Take plain arguments and the mode, give the task's result; each plugin names its own."""
        raise NotImplementedError

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Do the work; a BuildkeepError is the task's failure."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        return result | run_plugin(self, self.arguments, self.work)

"""Sends canaries. Documentation: plugins/modules/canary.py."""

from __future__ import annotations

from ansible_collections.buildkeep.ci.plugins.module_utils.canaries_plugin import ARGUMENTS, canary
from ansible_collections.buildkeep.ci.plugins.plugin_utils.local_action import LocalAction


class ActionModule(LocalAction):
    """See plugins/modules/canary.py."""

    arguments = ARGUMENTS
    work = staticmethod(canary)

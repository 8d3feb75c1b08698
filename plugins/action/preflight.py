"""Looks at the cluster before anything is changed. Documentation: plugins/modules/preflight.py."""

from __future__ import annotations

from ansible_collections.buildkeep.ci.plugins.module_utils.preflight_plugin import ARGUMENTS, preflight
from ansible_collections.buildkeep.ci.plugins.plugin_utils.local_action import LocalAction


class ActionModule(LocalAction):
    """See plugins/modules/preflight.py."""

    arguments = ARGUMENTS
    work = staticmethod(preflight)

"""Waits for the DaemonSet of node profiles. Documentation: plugins/modules/node_profiles.py."""

from __future__ import annotations

from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles_plugin import ARGUMENTS, node_profiles
from ansible_collections.buildkeep.ci.plugins.plugin_utils.local_action import LocalAction


class ActionModule(LocalAction):
    """See plugins/modules/node_profiles.py."""

    arguments = ARGUMENTS
    work = staticmethod(node_profiles)

"""Asks nodes whether they give pods user namespaces. Documentation: plugins/modules/user_namespaces.py."""

from __future__ import annotations

from ansible_collections.buildkeep.ci.plugins.module_utils.user_namespaces_plugin import ARGUMENTS, user_namespaces
from ansible_collections.buildkeep.ci.plugins.plugin_utils.local_action import LocalAction


class ActionModule(LocalAction):
    """See plugins/modules/user_namespaces.py."""

    arguments = ARGUMENTS
    work = staticmethod(user_namespaces)

"""Applies or removes Kubernetes objects of one role. Documentation: plugins/modules/apply.py."""

from __future__ import annotations

from ansible_collections.buildkeep.ci.plugins.module_utils.applying_plugin import ARGUMENTS, apply
from ansible_collections.buildkeep.ci.plugins.plugin_utils.local_action import LocalAction


class ActionModule(LocalAction):
    """See plugins/modules/apply.py."""

    arguments = ARGUMENTS
    work = staticmethod(apply)

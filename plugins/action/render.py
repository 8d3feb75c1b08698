"""Writes everything that site.yml applies into files. Documentation: plugins/modules/render.py."""

from __future__ import annotations

from ansible_collections.buildkeep.ci.plugins.module_utils.render_plugin import ARGUMENTS, render
from ansible_collections.buildkeep.ci.plugins.plugin_utils.local_action import LocalAction


class ActionModule(LocalAction):
    """See plugins/modules/render.py."""

    arguments = ARGUMENTS
    work = staticmethod(render)

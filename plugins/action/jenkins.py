"""Installs, upgrades or removes Jenkins by its chart. Documentation: plugins/modules/jenkins.py."""

from __future__ import annotations

from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_plugin import ARGUMENTS, jenkins
from ansible_collections.buildkeep.ci.plugins.plugin_utils.local_action import LocalAction


class ActionModule(LocalAction):
    """See plugins/modules/jenkins.py."""

    arguments = ARGUMENTS
    work = staticmethod(jenkins)

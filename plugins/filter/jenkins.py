"""What the role jenkins asks of the logic in module_utils: inventory in, plain data out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_backup import backup_objects, restore_job
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_objects import jenkins_objects
from ansible_collections.buildkeep.ci.plugins.plugin_utils.filters import of_settings


class FilterModule:
    """The filters, by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Give Ansible the filters."""
        return {
            "jenkins_backup": of_settings(lambda settings: backup_objects(settings.jenkins)),
            "jenkins_objects": of_settings(lambda settings: jenkins_objects(settings.jenkins)),
            "restore_job": of_settings(lambda settings, archive: restore_job(settings.jenkins, archive)),
        }

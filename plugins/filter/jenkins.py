"""What the role jenkins asks of the logic in module_utils: inventory in, plain data out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_backup import backup_objects
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_objects import jenkins_objects
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings


def _of_jenkins(work: Callable[[JenkinsSettings], Any]) -> Callable[..., Any]:
    """Make a filter over an inventory of a function over what it says of Jenkins."""

    @wraps(work)
    def filtered(raw: Mapping[str, Any]) -> Any:
        try:
            return work(read_settings(raw).jenkins)
        except BuildkeepError as error:
            raise AnsibleFilterError(str(error)) from error

    return filtered


class FilterModule:
    """The filters, by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Give Ansible the filters."""
        return {"jenkins_backup": _of_jenkins(backup_objects), "jenkins_objects": _of_jenkins(jenkins_objects)}

"""What playbooks/restore.yml asks of the logic in module_utils."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.buildkeep.ci.plugins.module_utils import jenkins_backup
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings


def restore_job(raw: Mapping[str, Any], archive: str) -> dict[str, Any]:
    """Give the Job that puts an archive in the place of Jenkins home.

    Args:
        raw: the inventory's variables without their prefix.
        archive: name of an archive, or `latest`.

    Raises:
        AnsibleFilterError: the inventory is wrong, asks for no backup, or the name is none of an archive.
    """
    try:
        return jenkins_backup.restore_job(read_settings(raw).jenkins, archive)
    except BuildkeepError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Ansible's entry to these filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """List the filters by name."""
        return {"restore_job": restore_job}

"""What the role `rbac` asks of the logic in module_utils about a controller outside of the cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.buildkeep.ci.plugins.module_utils import rbac_outside
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings


def outside_objects(raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give what a controller outside of the cluster logs in with; nothing for one inside.

    Args:
        raw: the inventory's variables without their prefix.

    Raises:
        AnsibleFilterError: the inventory is wrong.
    """
    try:
        return rbac_outside.outside(read_settings(raw))
    except BuildkeepError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Ansible's entry to these filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """List the filters by name."""
        return {"outside_objects": outside_objects, "outside_kinds": lambda _: list(rbac_outside.KINDS)}

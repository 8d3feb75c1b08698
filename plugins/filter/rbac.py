"""What the role `rbac` asks of the logic in module_utils about a controller outside of the cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import rbac_outside
from ansible_collections.buildkeep.ci.plugins.plugin_utils.filters import of_settings


class FilterModule:
    """The filters, by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Give Ansible the filters."""
        return {
            "outside_objects": of_settings(rbac_outside.outside),
            "outside_kinds": lambda _: list(rbac_outside.KINDS),
        }

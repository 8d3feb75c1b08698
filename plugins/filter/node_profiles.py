"""What the role node_profiles asks of the logic in module_utils: inventory in, plain data out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import node_profiles
from ansible_collections.buildkeep.ci.plugins.plugin_utils.filters import of_settings


class FilterModule:
    """The filters, by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Give Ansible the filters."""
        return {
            "by_daemonset": of_settings(node_profiles.by_daemonset),
            "node_files": of_settings(node_profiles.node_files),
            "system_canaries": of_settings(node_profiles.canaries),
            "system_kinds": of_settings(node_profiles.kinds),
            "system_objects": of_settings(node_profiles.system_objects),
        }

"""What the role node_profiles asks of the logic in module_utils: inventory in, plain data out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.buildkeep.ci.plugins.module_utils import node_profiles
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import plain
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings


def _of_settings(work: Callable[..., Any]) -> Callable[..., Any]:
    """Make a filter over an inventory of a function over settings."""

    @wraps(work)
    def filtered(raw: Mapping[str, Any], *arguments: Any, **more: Any) -> Any:
        try:
            return work(read_settings(raw), *arguments, **{key: plain(value) for key, value in more.items()})
        except BuildkeepError as error:
            raise AnsibleFilterError(str(error)) from error

    return filtered


class FilterModule:
    """The filters, by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Give Ansible the filters."""
        return {
            "by_daemonset": _of_settings(node_profiles.by_daemonset),
            "node_files": _of_settings(node_profiles.node_files),
            "system_canaries": _of_settings(node_profiles.canaries),
            "system_kinds": _of_settings(node_profiles.kinds),
            "system_objects": _of_settings(node_profiles.system_objects),
        }

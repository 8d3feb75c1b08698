"""The shape of our filters: an inventory in, plain data out, and what is wrong with it as Ansible's own error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import plain
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings


def of_settings(work: Callable[..., Any]) -> Callable[..., Any]:
    """Make a filter over the inventory's variables, without their prefix, of a function over settings.

    What is given by name reaches the function without Ansible's tags. The filter raises AnsibleFilterError where the
    inventory is wrong, or the function finds that it is.
    """

    @wraps(work)
    def filtered(raw: Mapping[str, Any], *arguments: Any, **more: Any) -> Any:
        try:
            return work(read_settings(raw), *arguments, **{key: plain(value) for key, value in more.items()})
        except BuildkeepError as error:
            raise AnsibleFilterError(str(error)) from error

    return filtered

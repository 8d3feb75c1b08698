"""The PriorityClass that the API server gives to pods that name none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import connect
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

DOCUMENTATION = """
name: priority_class
author: Buildkeep maintainers
version_added: 0.1.0
short_description: the PriorityClass that the API server gives to pods that name none
description:
  - Returns the name of the PriorityClass with C(globalDefault), or nothing where there is none.
options:
  _terms:
    description: none are read.
  kubeconfig:
    description: path of a kubeconfig; empty for the one of the environment.
    type: str
    default: ""
  context:
    description: context in it; empty for the current one.
    type: str
    default: ""
"""

EXAMPLES = """
- ansible.builtin.debug:
    msg: "{{ query('buildkeep.ci.priority_class') }}"
"""

RETURN = """
_raw:
  description: one element, the name; none where no PriorityClass is the default.
  type: list
  elements: str
"""


def default(classes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name the one that is used: of several, that with the lowest value (apiserver, plugin Priority)."""
    found = sorted((one["value"], one["metadata"]["name"]) for one in classes if one.get("globalDefault"))
    return [name for _, name in found[:1]]


class LookupModule(LookupBase):  # type: ignore[misc]  # ansible has no type hints
    """See DOCUMENTATION."""

    def run(self, terms: Sequence[str], variables: Any = None, **kwargs: Any) -> list[str]:
        """Read the classes. Raises AnsibleError where the cluster does not answer."""
        self.set_options(var_options=variables, direct=kwargs)
        try:
            cluster = connect(self.get_option("kubeconfig") or "", self.get_option("context") or "")
            return default(list(cluster.list(cluster.resource("scheduling.k8s.io/v1", "PriorityClass"))))
        except BuildkeepError as error:
            raise AnsibleError(str(error)) from error

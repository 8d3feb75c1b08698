"""The PriorityClass that the API server gives to pods that name none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster
from ansible_collections.buildkeep.ci.plugins.module_utils.lookups import ask

DOCUMENTATION = """
name: priority_class
author: Buildkeep maintainers
version_added: 0.1.0
short_description: the PriorityClass that the API server gives to pods that name none
description:
  - Returns the name of the PriorityClass with C(globalDefault), or nothing where there is none.
extends_documentation_fragment:
  - buildkeep.ci.connection
options:
  _terms:
    description: none are read.
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


def _read(cluster: Cluster) -> list[str]:
    return default(list(cluster.list(cluster.resource("scheduling.k8s.io/v1", "PriorityClass"))))


class LookupModule(LookupBase):  # type: ignore[misc]  # ansible has no type hints
    """See DOCUMENTATION."""

    def run(self, terms: Sequence[str], variables: Any = None, **kwargs: Any) -> list[str]:
        """Read the classes. Raises AnsibleError where the cluster does not answer."""
        return ask(self, variables, kwargs, _read)

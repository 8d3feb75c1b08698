"""Whether builders get user namespaces in a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible_collections.buildkeep.ci.plugins.module_utils.lookups import ask
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import plain
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings
from ansible_collections.buildkeep.ci.plugins.module_utils.user_namespaces_probe import look

DOCUMENTATION = """
name: user_namespaces
author: Buildkeep maintainers
version_added: 0.3.0
short_description: whether builders get user namespaces in the cluster
description:
  - Reads what probes found out about each kind of node, and the nodes that there are now. It runs no pod; the action
    C(buildkeep.ci.user_namespaces) does.
extends_documentation_fragment:
  - buildkeep.ci.connection
options:
  _terms:
    description: one mapping, the variables of the inventory without their prefix.
"""

EXAMPLES = """
- ansible.builtin.debug:
    msg: "{{ query('buildkeep.ci.user_namespaces', {'tenants': buildkeep_tenants}) }}"
"""

RETURN = """
_raw:
  description:
    - one element with C(supported), C(reason) (a sentence), C(builders) (which it is about), C(possible) (whether it is
      for the nodes to say) and C(unproven) (nodes that nobody has asked).
  type: list
  elements: dict
"""


class LookupModule(LookupBase):  # type: ignore[misc]  # ansible has no type hints
    """See DOCUMENTATION."""

    def run(self, terms: Sequence[Any], variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Read what is known. Raises AnsibleError where the cluster does not answer."""

        def question(cluster: Any) -> list[dict[str, Any]]:
            return [look(cluster, read_settings(plain(terms[0]))).as_mapping()]

        return ask(self, variables, kwargs, question)

"""What puts profiles on the nodes of a cluster now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible_collections.buildkeep.ci.plugins.module_utils.lookups import ask
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles_rollout import installed

DOCUMENTATION = """
name: node_profiles
author: Buildkeep maintainers
version_added: 0.3.0
short_description: what puts profiles on the nodes of the cluster now
description:
  - Looks for the DaemonSet C(node-profiles) and its pods, in a namespace that is known to be ours.
extends_documentation_fragment:
  - buildkeep.ci.connection
options:
  _terms:
    description: none are read.
"""

EXAMPLES = """
- ansible.builtin.debug:
    msg: "{{ query('buildkeep.ci.node_profiles') }}"
"""

RETURN = """
_raw:
  description:
    - one element with C(there), C(nodes), and C(foreign), which is what others have in a namespace
      C(buildkeep-system) of theirs.
  type: list
  elements: dict
"""


class LookupModule(LookupBase):  # type: ignore[misc]  # ansible has no type hints
    """See DOCUMENTATION."""

    def run(self, terms: Sequence[Any], variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Read it. Raises AnsibleError where the cluster does not answer."""
        return ask(self, variables, kwargs, lambda cluster: [installed(cluster)])

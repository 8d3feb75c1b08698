"""The cluster-wide allowlist as it stands in the cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible_collections.buildkeep.ci.plugins.module_utils.applying_narrowing import entries_of
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import NotServed
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster
from ansible_collections.buildkeep.ci.plugins.module_utils.lookups import ask
from ansible_collections.buildkeep.ci.plugins.module_utils.names import ADMISSION_API, POLICY_PODS

DOCUMENTATION = """
name: allowlist
author: Buildkeep maintainers
version_added: 0.1.0
short_description: the cluster-wide allowlist as it stands in the cluster
description:
  - Reads the policy C(buildkeep-pods) and returns the list of entries in it, or nothing where there is no such policy,
    or no policies are served at all.
extends_documentation_fragment:
  - buildkeep.ci.connection
options:
  _terms:
    description: none are read.
"""

EXAMPLES = """
- ansible.builtin.debug:
    msg: "{{ query('buildkeep.ci.allowlist') }}"
"""

RETURN = """
_raw:
  description: one element, the list of entries; none where the policy does not exist.
  type: list
  elements: list
"""


def _read(cluster: Cluster) -> list[list[str]]:
    try:
        policy = cluster.get(cluster.resource(ADMISSION_API, "ValidatingAdmissionPolicy"), "", POLICY_PODS)
    except NotServed:  # another backend
        return []
    return [] if policy is None else [entries_of(policy)]


class LookupModule(LookupBase):  # type: ignore[misc]  # ansible has no type hints
    """See DOCUMENTATION."""

    def run(self, terms: Sequence[str], variables: Any = None, **kwargs: Any) -> list[list[str]]:
        """Read the policy. Raises AnsibleError where the cluster does not answer."""
        return ask(self, variables, kwargs, _read)

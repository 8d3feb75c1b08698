"""The policy backend of a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible_collections.buildkeep.ci.plugins.module_utils.backends import AUTO, as_mapping, choose
from ansible_collections.buildkeep.ci.plugins.module_utils.backends_served import served
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster
from ansible_collections.buildkeep.ci.plugins.module_utils.lookups import ask
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight import parse_version

DOCUMENTATION = """
name: backend
author: Buildkeep maintainers
version_added: 0.2.0
short_description: what enforces pod security in the cluster
description:
  - Asks the API server what it serves and chooses the strongest of SecurityContextConstraints,
    ValidatingAdmissionPolicy, PodSecurityPolicy and Pod Security Admission, or checks that the wanted one is there.
extends_documentation_fragment:
  - buildkeep.ci.connection
options:
  _terms:
    description: the wanted backend, C(auto) or one of C(admission), C(scc), C(psp), C(psa).
"""

EXAMPLES = """
- ansible.builtin.debug:
    msg: "{{ query('buildkeep.ci.backend', 'auto') }}"
"""

RETURN = """
_raw:
  description: one element with C(name), C(policies), C(pod_security) and C(images).
  type: list
  elements: dict
"""


def _read(cluster: Cluster, wanted: str) -> dict[str, Any]:
    version = parse_version(cluster.client.request("GET", "/version", what="read the version").body)
    return as_mapping(choose(served(cluster, version), wanted))


class LookupModule(LookupBase):  # type: ignore[misc]  # ansible has no type hints
    """See DOCUMENTATION."""

    def run(self, terms: Sequence[str], variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Ask the cluster. Raises AnsibleError where it does not answer or lacks the wanted backend."""
        wanted = str(terms[0]) if terms else AUTO
        return ask(self, variables, kwargs, lambda cluster: [_read(cluster, wanted)])

"""The policy backend of a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.buildkeep.ci.plugins.module_utils.backends import AUTO, as_mapping, choose
from ansible_collections.buildkeep.ci.plugins.module_utils.backends_served import served
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import connect
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight import parse_version

DOCUMENTATION = """
name: backend
author: Buildkeep maintainers
version_added: 0.2.0
short_description: what enforces pod security in the cluster
description:
  - Asks the API server what it serves and chooses the strongest of SecurityContextConstraints,
    ValidatingAdmissionPolicy, PodSecurityPolicy and Pod Security Admission, or checks that the wanted one is there.
options:
  _terms:
    description: the wanted backend, C(auto) or one of C(admission), C(scc), C(psp), C(psa).
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
    msg: "{{ query('buildkeep.ci.backend', 'auto') }}"
"""

RETURN = """
_raw:
  description: one element with C(name), C(policies), C(pod_security) and C(images).
  type: list
  elements: dict
"""


class LookupModule(LookupBase):  # type: ignore[misc]  # ansible has no type hints
    """See DOCUMENTATION."""

    def run(self, terms: Sequence[str], variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Ask the cluster. Raises AnsibleError where it does not answer or lacks the wanted backend."""
        self.set_options(var_options=variables, direct=kwargs)
        try:
            cluster = connect(self.get_option("kubeconfig") or "", self.get_option("context") or "")
            version = parse_version(cluster.client.request("GET", "/version", what="read the version").body)
            return [as_mapping(choose(served(cluster, version), str(terms[0]) if terms else AUTO))]
        except BuildkeepError as error:
            raise AnsibleError(str(error)) from error

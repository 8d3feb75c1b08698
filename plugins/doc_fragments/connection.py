"""The options by which every plugin that speaks to a cluster finds it."""

from __future__ import annotations


class ModuleDocFragment:
    """See DOCUMENTATION."""

    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Path of a kubeconfig. Without it E(K8S_AUTH_KUBECONFIG), the pod's own ServiceAccount, E(KUBECONFIG) and
        C(~/.kube/config) are tried in this order.
    type: str
    default: ""
  context:
    description: A context of that kubeconfig. Without it E(K8S_AUTH_CONTEXT), or the file's current one.
    type: str
    default: ""
"""

"""RoleBindings that belong in a tenant's namespace though they bind a ClusterRole: those of the policy backends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import psp, scc_bindings

_COMPARED = ("roleRef", "subjects")


def belongs(binding: Mapping[str, Any]) -> bool:
    """Whether a RoleBinding is one that a backend needs, or that OpenShift makes in every namespace, to the letter.

    Args:
        binding: as read from a tenant's namespace.
    """
    return _of_psp(binding) or scc_bindings.belongs(binding)


def _of_psp(binding: Mapping[str, Any]) -> bool:
    name, namespace = binding["metadata"]["name"], binding["metadata"]["namespace"]
    suffix = name.removeprefix(psp.BINDING_PREFIX)
    ours = psp.psp_bindings(namespace, "", [suffix] if suffix != psp.AGENT else []) if suffix != name else []
    return any(
        name == one["metadata"]["name"] and all(binding.get(field) == one[field] for field in _COMPARED) for one in ours
    )

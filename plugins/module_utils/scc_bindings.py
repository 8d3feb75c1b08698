"""RoleBindings that belong in a tenant's namespace on OpenShift, though they bind a ClusterRole: its own, and ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.scc import AGENT, BINDING_PREFIX, CANARY, scc_bindings

Object = Mapping[str, Any]
# Its controllers make these in every namespace and never change them (openshift/openshift-controller-manager,
# pkg/authorization/defaultrolebindings/project_policy.go): ClusterRole, and the subject's kind and name.
OPENSHIFT: Mapping[str, tuple[str, str, str]] = {
    "system:image-pullers": ("system:image-puller", "Group", "system:serviceaccounts:{namespace}"),
    "system:image-builders": ("system:image-builder", "ServiceAccount", "builder"),
    "system:deployers": ("system:deployer", "ServiceAccount", "deployer"),
}
# Whom all of them are made by (pkg/cmd/controller/authorization.go).
OPENSHIFT_CREATOR = "system:serviceaccount:openshift-infra:default-rolebindings-controller"


def belongs(binding: Object) -> bool:
    """Whether a RoleBinding is one of those, to the letter. The API server fills in namespaces and apiGroups.

    Args:
        binding: as read from a tenant's namespace.
    """
    name, namespace = binding["metadata"]["name"], binding["metadata"]["namespace"]
    if name in OPENSHIFT:
        role, kind, subject = OPENSHIFT[name]
        return _content(binding) == (role, [(kind, subject.format(namespace=namespace))], [namespace])
    suffix = name.removeprefix(BINDING_PREFIX)
    # The binding for canaries belongs in no tenant's namespace: it lets use what forbids nothing.
    if suffix in (name, CANARY):
        return False
    ours = scc_bindings(namespace, "", [] if suffix == AGENT else [suffix])[-1]
    return _content(binding) == _content(ours)


def _content(binding: Object) -> tuple[str, list[tuple[str, str]], list[str]]:
    """The ClusterRole, the subjects, and the namespaces that these are in."""
    namespace = binding["metadata"]["namespace"]
    reference = binding["roleRef"]
    subjects = binding.get("subjects") or []
    return (
        reference["name"] if reference["kind"] == "ClusterRole" else "",
        [(subject["kind"], subject["name"]) for subject in subjects],
        sorted({subject.get("namespace") or namespace for subject in subjects}),
    )

"""All that a policy backend is made of: cluster-wide objects, and what binds them in each tenant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import psp, scc
from ansible_collections.buildkeep.ci.plugins.module_utils.backends import PSP, SCC
from ansible_collections.buildkeep.ci.plugins.module_utils.names import CANARY_NAMESPACE
from ansible_collections.buildkeep.ci.plugins.module_utils.policies import build_policies, options_of
from ansible_collections.buildkeep.ci.plugins.module_utils.policies_defaults import build_defaults
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings

Object = dict[str, Any]

# What a RoleBinding of ours is called before the suffix that says what it is for.
_PREFIXES: Mapping[str, str] = {PSP: psp.BINDING_PREFIX, SCC: scc.BINDING_PREFIX}
_OBJECTS: Mapping[str, Callable[[Settings], list[Object]]] = {PSP: psp.psp_objects, SCC: scc.scc_objects}
_BINDINGS: Mapping[str, Callable[[str, str, Sequence[str]], list[Object]]] = {
    PSP: psp.psp_bindings,
    SCC: scc.scc_bindings,
}
_ADMISSION = "admissionregistration.k8s.io/v1"
_KINDS: Mapping[str, tuple[str, ...]] = {
    PSP: ("policy/v1beta1/PodSecurityPolicy",),
    SCC: ("security.openshift.io/v1/SecurityContextConstraints",),
}
_COMMON = (
    "v1/Namespace",
    "v1/ResourceQuota",
    "v1/ServiceAccount",
    "rbac.authorization.k8s.io/v1/Role",
    "rbac.authorization.k8s.io/v1/RoleBinding",
    "rbac.authorization.k8s.io/v1/ClusterRole",
    "rbac.authorization.k8s.io/v1/ClusterRoleBinding",
)
_OF_POLICIES = tuple(f"{_ADMISSION}/ValidatingAdmissionPolicy{end}" for end in ("", "Binding"))
_OF_DEFAULTS = tuple(f"{_ADMISSION}/MutatingAdmissionPolicy{end}" for end in ("", "Binding"))


def pod_security_objects(settings: Settings, images: Sequence[str], priority_class: str = "") -> list[Object]:
    """Give the objects of the role `pod_security`, the namespace in which rules are proven excepted.

    Args:
        settings: of the inventory, with the cluster's backend.
        images: allowlist entries that hold for every tenant, beyond those of our own templates.
        priority_class: name of the cluster's globalDefault PriorityClass, or empty.
    """
    found: list[Object] = []
    if settings.backend.policies:
        found = build_policies(
            settings.profiles,
            images,
            settings.controller,
            settings.prefix,
            priority_class=priority_class,
            options=options_of(settings),
        )
    of_backend = _OBJECTS.get(settings.backend.name)
    return [
        *found,
        *(of_backend(settings) if of_backend else ()),
        *_canary_bindings(settings),
        *build_defaults(settings),
    ]


def tenant_bindings(settings: Settings) -> list[Object]:
    """Give what binds the backend's objects to the ServiceAccounts of each tenant that is to be there."""
    return [
        binding
        for tenant in settings.present
        for binding in _bindings(settings, tenant.namespace, tenant.name, tenant.builders)
    ]


def _bindings(settings: Settings, namespace: str, tenant: str, builders: Sequence[str]) -> list[Object]:
    of_backend = _BINDINGS.get(settings.backend.name)
    return of_backend(namespace, tenant, builders) if of_backend else []


def _canary_bindings(settings: Settings) -> list[Object]:
    if settings.backend.name == SCC:
        return scc.canary_bindings(settings)
    return _bindings(settings, CANARY_NAMESPACE, CANARY_NAMESPACE, tuple(settings.profiles.builders))


def pod_security_kinds(settings: Settings) -> list[str]:
    """Name the kinds of the role's objects as `apiVersion/Kind`, those that the cluster does not serve left out."""
    return [
        *(_OF_POLICIES if settings.backend.policies else ()),
        *(_OF_DEFAULTS if settings.backend.mutations else ()),
        *_KINDS.get(settings.backend.name, ()),
        *_COMMON,
    ]


def impossible(settings: Settings) -> dict[str, list[str]]:
    """Give, by backend, what the inventory asks for and that backend cannot give without policies beside it."""
    return {PSP: psp.psp_problems(settings), SCC: scc.scc_problems(settings.present)}


def all_kinds() -> list[str]:
    """Name the kinds of every backend, for removal, which passes over what the cluster does not serve."""
    return [*_OF_POLICIES, *_OF_DEFAULTS, *(kind for kinds in _KINDS.values() for kind in kinds), *_COMMON]

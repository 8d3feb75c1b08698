"""What the templates of the roles `tenants`, `rbac` and `pod_security` insert. Pure functions over settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import canary_guards
from ansible_collections.buildkeep.ci.plugins.module_utils.backends import SCC
from ansible_collections.buildkeep.ci.plugins.module_utils.images import repository
from ansible_collections.buildkeep.ci.plugins.module_utils.names import (
    ANNOTATION_BUILDERS,
    ANNOTATION_CLAIMS,
    ANNOTATION_CSI_DRIVERS,
    ANNOTATION_IMAGES,
    ANNOTATION_SECCOMP,
    ANNOTATION_SECRETS,
    ANNOTATION_TEMPLATES,
    CANARY_GROUP,
    CANARY_NAMESPACE,
    CANARY_ROLE,
    CONTROLLER_ROLE,
    LABEL_MODE,
    LABEL_TENANT,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.nodes import Nodes
from ansible_collections.buildkeep.ci.plugins.module_utils.rbac_verbs import granted, rules
from ansible_collections.buildkeep.ci.plugins.module_utils.scc import LABEL_SYNC
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings
from ansible_collections.buildkeep.ci.plugins.module_utils.tenants import service_accounts

_ACCESS: Mapping[str, Any] = {
    "canary_role": CANARY_ROLE,
    "canary_group": CANARY_GROUP,
    "controller_role": CONTROLLER_ROLE,
    "canary_rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["create"]}],
}
_LISTS = (ANNOTATION_IMAGES, ANNOTATION_CLAIMS, ANNOTATION_SECRETS, ANNOTATION_CSI_DRIVERS)
_MODES = {"enforce": "mode enforce", "audit": "mode audit (warns, refuses nothing)"}


def tenant_objects(settings: Settings) -> list[dict[str, Any]]:
    """Give the variables of the templates, one mapping for each tenant that is to be there."""
    controller = {
        "controller_namespace": settings.controller.namespace,
        "controller_service_account": settings.controller.service_account,
        "controller_rules": rules(settings.controller.features),
    }
    return [
        {
            "name": tenant.name,
            "namespace": tenant.namespace,
            "labels": {**tenant.labels, **_labels(settings)},
            "annotations": {**tenant.annotations, **_of_nodes(settings, tenant.nodes)},
            "service_accounts": list(tenant.service_accounts),
            "quota": tenant.quota,
            **controller,
            **_ACCESS,
        }
        for tenant in settings.present
    ]


def _labels(settings: Settings) -> Mapping[str, str]:
    return LABEL_SYNC if settings.backend.name == SCC else {}


def _of_nodes(settings: Settings, nodes: Nodes) -> dict[str, str]:
    return nodes.annotations(openshift=settings.backend.name == SCC)


def canary_objects(settings: Settings) -> dict[str, Any]:
    """Give the same variables for the namespace in which each rule is proven.

    It has every builder and no image of its own. It has no Pod Security labels, which would answer before our rules,
    and room for no pod: the quota is asked last, so what passes every rule is still not made.
    """
    builders = tuple(settings.profiles.builders)
    return {
        "name": CANARY_NAMESPACE,
        "namespace": CANARY_NAMESPACE,
        "labels": {LABEL_TENANT: CANARY_NAMESPACE, LABEL_MODE: "enforce", **_labels(settings)},
        "annotations": {
            **dict.fromkeys(_LISTS, ""),
            ANNOTATION_IMAGES: ",".join(repository(one.image) for one in settings.profiles.restricted.values()),
            ANNOTATION_BUILDERS: ",".join(builders),
            ANNOTATION_TEMPLATES: "any",
            ANNOTATION_SECCOMP: "confined",
            **_of_nodes(settings, settings.nodes),
        },
        "service_accounts": list(service_accounts(builders)),
        "quota": {"pods": 0},
        **_ACCESS,
        "canary_rules": canary_guards.rights(),
        "canary_cluster_rules": canary_guards.cluster_rights(settings.prefix),
    }


def identity(settings: Settings) -> dict[str, Any]:
    """Give the user and groups that canaries are sent as: the controller, and the group that may create them."""
    return {"user": settings.controller.user, "groups": [*settings.controller.groups, CANARY_GROUP]}


def access(settings: Settings) -> dict[str, Any]:
    """Give what `buildkeep.ci.preflight` needs to judge rights that are there already."""
    return {
        "user": settings.controller.user,
        "elsewhere": settings.controller_elsewhere,
        "prefix": settings.prefix,
        "tenants": {tenant.namespace: tenant.mode for tenant in settings.present},
        "verbs": granted(settings.controller.features),
    }


def summary(settings: Settings) -> list[str]:
    """Tell in words what the tenants are, a line each."""
    lines = [
        f"{tenant.name}: namespace {tenant.namespace}, Pod Security {tenant.pss_level}, {_MODES[tenant.mode]}, "
        f"labels in Jenkins: {', '.join(f'{tenant.name}-{builder}' for builder in tenant.builders) or 'none'}"
        for tenant in settings.present
    ]
    left = [tenant.name for tenant in settings.tenants if tenant.state == "absent"]
    return lines + ([f"taken away: {', '.join(left)}"] if left else [])

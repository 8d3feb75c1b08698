"""A tenant of the inventory, and everything that is derived from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.names import (
    ANNOTATION_BUILDERS,
    ANNOTATION_CLAIMS,
    ANNOTATION_CSI_DRIVERS,
    ANNOTATION_IMAGES,
    ANNOTATION_SECCOMP,
    ANNOTATION_SECRETS,
    ANNOTATION_TEMPLATES,
    LABEL_MODE,
    LABEL_TENANT,
    SA_AGENT,
    SA_BUILDER_PREFIX,
    SA_DEFAULT,
    SA_PUSHER,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.nodes import Nodes
from ansible_collections.buildkeep.ci.plugins.module_utils.pod_security_labels import MODES, pinned
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profiles, pss_level, repository

DEFAULT_BUILDERS = ("kaniko",)
DEFAULT_LIMITS: Mapping[str, Any] = {"pods": 10, "cpu": "16", "memory": "32Gi"}
# Pod Security modes by our mode. Audit denies nothing.
_PSA_MODES = {"enforce": MODES, "audit": ("audit", "warn")}


@dataclass(frozen=True)
class Tenant:
    """A team's trust tier: one namespace, one Jenkins cloud, its own images, builders and limits.

    Attributes:
        name: name in the inventory, and of the Jenkins cloud.
        namespace: prefix and name.
        builders: builders that it may use.
        images: allowlist entries beyond the cluster-wide ones.
        push: repository that its builds push to, or empty.
        mode: `enforce` or `audit`.
        limits: `pods` (number), `cpu` and `memory` (Kubernetes quantities) of all its pods together.
        state: `present` or `absent`.
        pss_level: Pod Security level that its builders leave possible, `restricted`, `baseline` or `privileged`.
        templates: `any`, or `static`: its pods must be those of the agent templates.
        claims: PersistentVolumeClaims that its pods may mount.
        secrets: Secrets that its pods may mount beyond the registry's credentials.
        csi_drivers: CSI drivers whose inline volumes its pods may use.
        nodes: what its pods may say of nodes.
        seccomp: `confined`, or `unconfined`: builders that need a profile on the nodes run without any.
        cache: repository for layers of its builds, or empty.
        cache_claims: claim for each builder that keeps something in one.
    """

    name: str
    namespace: str
    builders: tuple[str, ...]
    images: tuple[str, ...]
    push: str
    mode: str
    limits: Mapping[str, Any]
    state: str
    pss_level: str
    templates: str = "any"
    claims: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    csi_drivers: tuple[str, ...] = ()
    nodes: Nodes = field(default_factory=Nodes)
    seccomp: str = "confined"
    cache: str = ""
    cache_claims: Mapping[str, str] = field(default_factory=dict)

    @property
    def labels(self) -> dict[str, str]:
        """Labels of the namespace: those that policies select by, and Pod Security's with its version pinned."""
        return {LABEL_TENANT: self.name, LABEL_MODE: self.mode, **pinned(self.pss_level, _PSA_MODES[self.mode])}

    @property
    def annotations(self) -> dict[str, str]:
        """Annotations of the namespace, which the policies read; those about nodes depend on the cluster as well."""
        return {
            ANNOTATION_IMAGES: ",".join(self.images),
            ANNOTATION_BUILDERS: ",".join(self.builders),
            ANNOTATION_CLAIMS: ",".join(self.claims),
            ANNOTATION_SECRETS: ",".join(self.secrets),
            ANNOTATION_CSI_DRIVERS: ",".join(self.csi_drivers),
            ANNOTATION_TEMPLATES: self.templates,
            ANNOTATION_SECCOMP: self.seccomp,
        }

    @property
    def service_accounts(self) -> tuple[str, ...]:
        """ServiceAccounts of the namespace; none gets a token mounted."""
        return service_accounts(self.builders)

    @property
    def quota(self) -> dict[str, Any]:
        """The `hard` part of the ResourceQuota."""
        return {
            "pods": self.limits["pods"],
            "limits.cpu": self.limits["cpu"],
            "limits.memory": self.limits["memory"],
        }


def service_accounts(builders: tuple[str, ...]) -> tuple[str, ...]:
    """Name the ServiceAccounts of a namespace where these builders run."""
    return (SA_AGENT, *(SA_BUILDER_PREFIX + builder for builder in builders), SA_PUSHER, SA_DEFAULT)


def read_tenant(entry: Mapping[str, Any], prefix: str, profiles: Profiles, nodes: Nodes) -> Tenant:
    """Make a tenant of a valid entry of the inventory.

    Args:
        entry: one entry of `buildkeep_tenants`, valid by the chart's schema, with the cluster's `mode` and `templates`
            where it names none.
        prefix: what each tenant's namespace begins with.
        profiles: the profile table.
        nodes: those of the cluster, which the entry's own `nodes` overrides.
    """
    volumes, cache, builders = entry.get("volumes", {}), entry.get("cache", {}), tenant_builders(entry)
    claims, seccomp = cache.get("claims", {}), entry.get("seccomp", "confined")
    # To the rules a builder without rights is a container like any other, so its image is one of the tenant's.
    own = [repository(one.image) for name, one in profiles.restricted.items() if name in builders]
    return Tenant(
        name=entry["name"],
        namespace=prefix + entry["name"],
        builders=builders,
        images=tuple(dict.fromkeys((*entry.get("images", ()), *own))),
        push=entry.get("push", ""),
        mode=entry.get("mode", "enforce"),
        limits={**DEFAULT_LIMITS, **entry.get("limits", {})},
        state=entry.get("state", "present"),
        pss_level=pss_level(profiles, builders, unconfined=seccomp == "unconfined"),
        templates=entry.get("templates", "any"),
        claims=tuple(dict.fromkeys((*volumes.get("claims", ()), *claims.values()))),
        secrets=tuple(volumes.get("secrets", ())),
        csi_drivers=tuple(volumes.get("csiDrivers", ())),
        nodes=nodes.overridden(entry.get("nodes", {})),
        seccomp=seccomp,
        cache=cache.get("registry", ""),
        cache_claims=claims,
    )


def tenant_builders(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the builders of an entry of the inventory."""
    return tuple(entry.get("builders", DEFAULT_BUILDERS))

"""The allowlist where no ValidatingAdmissionPolicy can hold it: given to Kyverno or Gatekeeper, whichever is there.

The objects are fixed in number. Two of each, by mode, as the bindings of policies are: what is not plainly `audit` is
enforced. Where neither engine is installed, or something else is left open, `unenforced` says so in plain words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import images, manifests, names
from ansible_collections.buildkeep.ci.plugins.module_utils.backends import PSA, PSP, Backend
from ansible_collections.buildkeep.ci.plugins.module_utils.canary_pods import agent_pod
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings
from ansible_collections.buildkeep.ci.plugins.module_utils.tenants import Tenant

Object = dict[str, Any]

TEMPLATES = Path(__file__).resolve().parents[2] / "roles" / "registry_allowlist" / "templates"
KYVERNO, GATEKEEPER = "kyverno", "gatekeeper"
POLICY = "buildkeep-images"
RULE = "images"
# Which templates make the objects of an engine; what stands later needs what stands before.
_TEMPLATES: Mapping[str, tuple[str, ...]] = {
    KYVERNO: ("kyverno-clusterpolicy",),
    GATEKEEPER: ("gatekeeper-template", "gatekeeper-constraint"),
}
KINDS: Mapping[str, tuple[str, ...]] = {
    KYVERNO: ("kyverno.io/v1/ClusterPolicy",),
    GATEKEEPER: (
        "templates.gatekeeper.sh/v1/ConstraintTemplate",
        "constraints.gatekeeper.sh/v1beta1/BuildkeepImages",
    ),
}
_TENANT = {"key": names.LABEL_TENANT, "operator": "Exists"}
# Mode -> what Kyverno and Gatekeeper call it, and how the mode is told from the namespace's label.
_MODES: Mapping[str, tuple[str, str, str]] = {
    "enforce": ("Enforce", "deny", "NotIn"),
    "audit": ("Audit", "warn", "In"),
}
_NO_IMAGES = (
    "Nothing refuses images that are on no list: this cluster has no ValidatingAdmissionPolicy, and neither Kyverno "
    "nor Gatekeeper is installed to hold the allowlist in its place."
)
_KYVERNO = (
    "Kyverno holds the allowlist only against those who may make no PolicyException for it: turn exceptions off, or "
    "keep them to one namespace."
)
_GATEKEEPER = (
    "Gatekeeper holds the allowlist only while it answers, unless you set its webhook's failurePolicy to Fail, and for "
    "ephemeral containers only if that webhook names pods/ephemeralcontainers."
)
_GUARDS = (
    "Nothing but RBAC guards the labels and annotations of tenants' namespaces, their Roles, RoleBindings and "
    "ServiceAccounts, commands in running agents (pods/exec), ephemeral containers, Services and Ingresses, "
    "and what the controller's side-car loads."
)
_FIELDS = (
    "Nothing holds which Secrets a pod mounts or reads, tokens of ServiceAccounts, the node, priority and tolerations, "
    "addresses in probes, annotations for other programs, the label that tells a tenant's pods, and whether a "
    "Jenkinsfile wrote a pod itself."
)
_BACKENDS: Mapping[str, tuple[str, ...]] = {
    PSP: (
        "PodSecurityPolicy judges pods, not containers: what a builder may do, every container may in a pod that runs "
        "as the builder's ServiceAccount, whatever its image; and it lets in whatever any policy does that others "
        "bound to the pod's ServiceAccount or to whoever creates the pod, for a Deployment or Job a controller of "
        "kube-system.",
        _FIELDS,
        _GUARDS,
    ),
    PSA: (
        "Pod Security Admission knows one level for a namespace: where a tenant has a builder that needs `baseline`, "
        "every container of every pod may have that, under each ServiceAccount and with any image.",
        _FIELDS,
        _GUARDS,
    ),
}
_OLD = (
    "This cluster is older than Pod Security Admission: PodSecurityPolicy alone holds pods, and takes any AppArmor "
    "profile and SELinux type."
)


def unenforced(backend: Backend) -> list[str]:
    """Say in sentences what this backend leaves open that policies of Kubernetes 1.30 would hold.

    What SecurityContextConstraints alone leave open beside images is for `scc.unenforced` to say.
    """
    if backend.policies:
        return []
    lists = {"": [_NO_IMAGES], KYVERNO: [_KYVERNO], GATEKEEPER: [_GATEKEEPER]}[backend.images]
    old = [_OLD] if backend.name == PSP and not backend.pod_security else []
    return [*lists, *_BACKENDS.get(backend.name, ()), *old]


def allowlist_stages(settings: Settings) -> list[list[Object]]:
    """Build the objects of the engine that holds the allowlist, in stages of which each needs the one before.

    Gatekeeper makes the constraints' kind from its template, some moments after the template was applied.
    """
    context = {
        "canonical": images.CANONICAL,
        "images": list(settings.images),
        "tenants": {tenant.namespace: list(tenant.images) for tenant in settings.present},
    }
    each = [{"policy": _policy(mode)} for mode in _MODES]
    return [
        manifests.render([str(TEMPLATES / f"{name}.yaml.j2")], context, None if name == "gatekeeper-template" else each)
        for name in _TEMPLATES.get(settings.backend.images, ())
    ]


def allowlist_objects(settings: Settings) -> list[Object]:
    """Build the same as one list; empty where policies hold the allowlist, or nothing does."""
    return [item for stage in allowlist_stages(settings) for item in stage]


def image_cases(settings: Settings, tenants: Sequence[Tenant]) -> list[Object]:
    """Give the canaries that show that the engine refuses a foreign image in each of these tenants that enforces."""
    if not settings.backend.images:
        return []
    return [
        {
            "name": f"{tenant.namespace}-{settings.backend.images}",
            "namespace": tenant.namespace,
            "pod": agent_pod(settings.profiles, tenant.name, "canary.buildkeep.invalid/foreign:1"),
            "expect": "refused",
            "policy": settings.backend.images,
            "rule": RULE,
        }
        for tenant in tenants
        if tenant.mode == "enforce"
    ]


def _policy(mode: str) -> dict[str, Any]:
    kyverno, gatekeeper, operator = _MODES[mode]
    return {
        "name": f"{POLICY}-{mode}",
        "kyverno_action": kyverno,
        "gatekeeper_action": gatekeeper,
        "selector": [_TENANT, {"key": names.LABEL_MODE, "operator": operator, "values": ["audit"]}],
    }

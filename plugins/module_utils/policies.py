"""The admission policies and their bindings: fixed in number, whatever the number of tenants.

A tenant is a namespace with our label; what it may do stands in annotations of that namespace. All lists that hold for
the whole cluster are literals, for params of a core type can go stale for ever (kubernetes/kubernetes#130887).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ansible_collections.buildkeep.ci.plugins.module_utils import (
    images,
    manifests,
    names,
    policies_guards,
    policies_marks,
    policies_tenant,
    policies_verdicts,
    rbac_verbs,
    rules,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.nodes import Nodes
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profiles

TEMPLATES = Path(__file__).resolve().parents[2] / "roles" / "pod_security" / "templates"
# Policies that hold in tenants' namespaces, by mode; the others guard what makes a namespace a tenant and always deny.
TENANT_POLICIES = (
    *names.POLICIES_PODS,
    names.POLICY_EXEC,
    names.POLICY_ROLES,
    names.POLICY_ROLEBINDINGS,
    names.POLICY_SERVICES,
    names.POLICY_SERVICEACCOUNTS,
    names.POLICY_CLAIMS,
    names.POLICY_BINDINGS,
)
GUARDS = (names.POLICY_NAMESPACES, names.POLICY_NAMES, names.POLICY_PERSISTENTVOLUMES, names.POLICY_CONFIGMAPS)
# Policies that only ever warn.
WARNINGS = (names.POLICY_WORKLOADS,)

_CANARY_VERBS = {"pods": ["create"]}
_CLEANUP = "system:serviceaccount:kube-system:namespace-controller"


class Controller(Protocol):
    """The Jenkins controller, as far as policies know it: the name of its user."""

    @property
    def user(self) -> str:
        """Its user name, `system:serviceaccount:<namespace>:<name>`."""

    @property
    def name(self) -> str:
        """Name of its release, with which the label of its ConfigMaps begins."""

    @property
    def features(self) -> frozenset[str]:
        """What of it is switched on, see rbac_verbs.features()."""


class Settings(Protocol):
    """What of a checked inventory the policies depend on (`settings.Settings` has it)."""

    @property
    def profiles(self) -> Profiles:
        """The profile table."""

    @property
    def images(self) -> Sequence[str]:
        """Allowlist entries that hold for every tenant."""

    @property
    def controller(self) -> Controller:
        """The Jenkins controller."""

    @property
    def prefix(self) -> str:
        """What every tenant's namespace begins with."""

    @property
    def break_glass(self) -> str:
        """Group whose members the pod rules let through, or empty."""

    @property
    def pod_annotations(self) -> Sequence[str]:
        """Annotations that pods may carry beyond the usual ones."""

    @property
    def storage_classes(self) -> Sequence[str]:
        """StorageClasses that tenants' claims may use."""

    @property
    def mode(self) -> str:
        """Mode of tenants that name none."""

    @property
    def nodes(self) -> Nodes:
        """What pods may say of nodes, and the schedulers that they may name."""


@dataclass(frozen=True)
class Options:
    """What of an inventory changes policies, beside the lists of images.

    Attributes:
        break_glass: group whose members the pod rules let through, or empty.
        pod_annotations: keys, or prefixes that end with `/`, of annotations that pods may carry beyond the usual ones.
        storage_classes: StorageClasses that tenants' claims may use.
        mode: mode of tenants that name none; what is not of one namespace follows it.
        schedulers: that pods may name beside the default one.
        features: of the controller that are on, see rbac_verbs.features().
        controller: its name.
    """

    break_glass: str = ""
    pod_annotations: tuple[str, ...] = ()
    storage_classes: tuple[str, ...] = ()
    mode: str = "enforce"
    schedulers: tuple[str, ...] = ()
    features: frozenset[str] = frozenset({rbac_verbs.ALWAYS})
    controller: str = "jenkins"


def policy_context(settings: Settings, priority_class: str = "") -> dict[str, Any]:
    """Give every value that the role's templates insert, `binding` excepted: bindings() lists those."""
    user, options = settings.controller.user, options_of(settings)
    return _context(settings.profiles, settings.images, user, settings.prefix, rules.load(), priority_class, options)


def options_of(settings: Settings) -> Options:
    """Take the options out of a checked inventory."""
    annotations, classes = tuple(settings.pod_annotations), tuple(settings.storage_classes)
    common, controller = (settings.break_glass, annotations, classes, settings.mode), settings.controller
    return Options(*common, settings.nodes.schedulers, controller.features, controller.name)


def build_policies(
    profiles: Profiles,
    cluster_images: Sequence[str],
    controller: Controller | Mapping[str, str],
    namespace_prefix: str = names.NAMESPACE_PREFIX,
    *,
    table: Sequence[rules.Rule] | None = None,
    priority_class: str = "",
    options: Options | None = None,
) -> list[dict[str, Any]]:
    """Build all policies, then all bindings.

    Args:
        profiles: the profile table.
        cluster_images: allowlist entries that hold for every tenant; what our own templates need is added.
        controller: a Controller, or the mapping of the inventory with `namespace` and `serviceAccount`.
        namespace_prefix: what every tenant's namespace begins with.
        table: the rules; the collection's own where it is None.
        priority_class: name of the cluster's globalDefault PriorityClass, which the API server fills in; '' for none.
        options: of the inventory; none of them where it is None.
    """
    rows = rules.load() if table is None else table
    chosen, user = options or Options(), _user(controller)
    context = _context(profiles, cluster_images, user, namespace_prefix, rows, priority_class, chosen)
    every = (*TENANT_POLICIES, *GUARDS, *WARNINGS)
    paths = [str(TEMPLATES / f"{name.removeprefix('buildkeep-')}.yaml.j2") for name in every]
    policies = manifests.render(paths, context, None)
    inserted = [{"binding": one} for one in bindings(chosen.mode)]
    return policies + manifests.render([str(TEMPLATES / "binding.yaml.j2")], {}, inserted)


def bindings(mode: str = "enforce") -> list[dict[str, Any]]:
    """Give what the template `binding.yaml.j2` inserts, for each binding: `name`, `policy`, `actions`, `selector`.

    Args:
        mode: of tenants that name none; no tenant's own is seen by policies about what lies in no tenant's namespace.
    """
    tenant = {"key": names.LABEL_TENANT, "operator": "Exists"}
    # Where pods are held to the letter by a policy of the role `node_profiles`.
    others = {"key": names.LABEL_TENANT, "operator": "NotIn", "values": [names.SYSTEM_NAMESPACE]}
    # Whatever is not plainly `audit` is enforced, a misspelt or missing mode included.
    modes = {
        "enforce": (["Deny"], {"key": names.LABEL_MODE, "operator": "NotIn", "values": ["audit"]}),
        "audit": (["Warn", "Audit"], {"key": names.LABEL_MODE, "operator": "In", "values": ["audit"]}),
    }
    by_mode = [
        {"name": f"{policy}-{mode}", "policy": policy, "actions": actions, "selector": [*spaces, selector]}
        for policy in TENANT_POLICIES
        for spaces in ([tenant, others] if policy in names.POLICIES_PODS else [tenant],)
        for mode, (actions, selector) in modes.items()
    ]
    by_cluster = dict.fromkeys(policies_guards.BY_CLUSTER, modes["audit" if mode == "audit" else "enforce"][0])
    guards = [
        {"name": name, "policy": name, "actions": by_cluster.get(name, ["Deny"]), "selector": []} for name in GUARDS
    ]
    warnings = [
        {"name": name, "policy": name, "actions": modes["audit"][0], "selector": [tenant, others]} for name in WARNINGS
    ]
    return by_mode + guards + warnings


def _words(verbs: Mapping[str, Sequence[str]]) -> str:
    """Rights in one order: an API server before 1.31 goes through a map of CEL in any."""
    return ", ".join(f"{' '.join(verbs[resource])} {resource}" for resource in sorted(verbs))


def _user(controller: Controller | Mapping[str, str]) -> str:
    if isinstance(controller, Mapping):
        return f"system:serviceaccount:{controller['namespace']}:{controller['serviceAccount']}"
    return controller.user


def _context(
    profiles: Profiles,
    cluster_images: Sequence[str],
    user: str,
    prefix: str,
    table: Sequence[rules.Rule],
    priority_class: str,
    options: Options,
) -> dict[str, Any]:
    entries = list(dict.fromkeys([*images.template_images(profiles), *cluster_images]))
    pod_rules = [rule for rule in table if rule.policy == names.POLICY_PODS]
    given: dict[str, Any] = {
        "cluster_images": entries,
        "priority_class": priority_class,
        "annotations": options.pod_annotations,
        "schedulers": options.schedulers,
    }
    return {
        **policies_tenant.contexts(pod_rules, profiles, given, options.break_glass),
        "guards": policies_guards.context(user, options.controller),
        "controller_user": user,
        "controller_verbs": (verbs := rbac_verbs.granted(options.features)),
        "controller_words": _words(verbs),
        "canary_role": names.CANARY_ROLE,
        "canary_group": f"Group {names.CANARY_GROUP}",
        "canary_verbs": _CANARY_VERBS,
        "canary_words": _words(_CANARY_VERBS),
        "cleanup_user": _CLEANUP,
        "namespace_prefix": prefix,
        "own_namespaces": [names.CANARY_NAMESPACE, names.SYSTEM_NAMESPACE],
        "storage_classes": list(options.storage_classes),
        "break_glass": options.break_glass,
        "break_glass_member": policies_verdicts.in_group(options.break_glass),
        "label_tenant": names.LABEL_TENANT,
        "guarded_prefixes": [f"{names.DOMAIN}/", names.PSA_PREFIX, names.SCHEDULER_PREFIX],
        "label_managed_by": names.LABEL_MANAGED_BY,
        "marks": policies_marks.MARKS,
        "manage": {"group": names.MANAGE_GROUP, "resource": names.MANAGE_RESOURCE, "verb": names.MANAGE_VERB},
    }

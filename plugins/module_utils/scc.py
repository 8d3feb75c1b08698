"""SecurityContextConstraints (OpenShift), made from the profile table: one for each builder, one for all else.

OpenShift admits a pod when one SCC admits all its containers that the pod's ServiceAccount or whoever sends the request
may `use`; of several it takes the one with the highest priority, then the strictest, and fills in what that one demands
(openshift/apiserver-library-go, pkg/securitycontextconstraints/sccadmission/admission.go and util/sort). So an SCC only
ever gives, and gives to whole pods: what a builder may have, every container may that runs in its pod. Which container
it is, its image and all else that is no securityContext is for the admission policies to hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from ansible_collections.buildkeep.ci.plugins.module_utils import manifests, names
from ansible_collections.buildkeep.ci.plugins.module_utils.backends import SCC, Backend
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profile, Profiles
from ansible_collections.buildkeep.ci.plugins.module_utils.tenants import Tenant

TEMPLATES = Path(__file__).resolve().parents[2] / "roles" / "pod_security" / "templates" / "scc"
PREFIX = "buildkeep-"
ROLE_PREFIX = "buildkeep:scc:"
BINDING_PREFIX = "buildkeep-scc-"
AGENT = "agent"
CANARY = "canary"
# Comes with every OpenShift, and forbids nothing.
PRIVILEGED = "privileged"
# OpenShift would set the Pod Security labels of a namespace that nobody has set (openshift/cluster-policy-controller,
# pkg/psalabelsyncer): `enforce` of a tenant in mode audit. This label keeps it away.
LABEL_SYNC: Mapping[str, str] = {"security.openshift.io/scc.podSecurityLabelSync": "false"}
# What the admission plugin writes on pods that it lets in. All of them are read by people only: the plugin turns the
# last into the field before a policy sees the pod, and kubelets from 1.27 on do not read it.
POD_ANNOTATIONS = (
    "openshift.io/scc",
    "security.openshift.io/validated-scc-subject-type",
    "seccomp.security.alpha.kubernetes.io/pod",
)
ALLOW_HOST, REQUIRE_POD = "AllowHostLevel", "RequirePodLevel"
_RUNTIME_DEFAULT = "runtime/default"
_SECCOMP = {"RuntimeDefault": _RUNTIME_DEFAULT, "Unconfined": "unconfined"}
# Sources of files that share nothing with the node, nor with another tenant; sorted, as the API server keeps them.
_VOLUMES = ("configMap", "downwardAPI", "emptyDir", "projected", "secret")
# Here each tenant has its own list of names, which only the policies can hold.
_NAMED_VOLUMES = ("csi", "image", "persistentVolumeClaim")
# What is left open where no policies stand behind; images are for allowlist_other to speak of.
_UNENFORCED = (
    "SecurityContextConstraints judge pods, not containers: what a builder may do, every container may in a pod that "
    "runs as the builder's ServiceAccount, whatever its image.",
    "Nothing holds which Secrets a pod mounts or reads, tokens of ServiceAccounts, the node, priority and tolerations, "
    "annotations for other programs, and the label that tells a tenant's pods; and claims and CSI volumes, which no "
    "SecurityContextConstraints can tell apart by name, are open to no tenant.",
    "Nothing but RBAC guards the labels and annotations of tenants' namespaces, their Roles, RoleBindings and "
    "ServiceAccounts, commands in running agents (pods/exec), ephemeral containers, and Services and Ingresses.",
)
_CANARIES = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": names.CANARY_GROUP}
# The last user and group id of a pod's user namespace of the usual size (KEP-127).
_LAST_ID = 65535


class Settings(Protocol):
    """What of a checked inventory the objects depend on (`settings.Settings` has it)."""

    @property
    def profiles(self) -> Profiles:
        """The profile table."""

    @property
    def backend(self) -> Backend:
        """What the cluster enforces by."""


@dataclass(frozen=True)
class Constraints:
    """What the template of an SCC inserts; the texts and mappings are those of security.openshift.io/v1."""

    name: str
    description: str
    user_namespace: str
    escalation: bool
    capabilities: tuple[str, ...]
    seccomp: tuple[str, ...]
    run_as_user: str
    selinux: Mapping[str, Any]
    fs_group: Mapping[str, Any]
    supplemental_groups: Mapping[str, Any]
    volumes: tuple[str, ...]


def agent_constraints(*, user_namespaces: bool, policies: bool) -> Constraints:
    """Give the SCC of pods without a builder: OpenShift's own restricted-v2, but for images that have a user.

    Args:
        user_namespaces: whether the cluster's SCCs say anything about user namespaces (OpenShift 4.20 and newer).
        policies: whether admission policies hold the names of claims, drivers and images.
    """
    return Constraints(
        name=PREFIX + AGENT,
        description="Pods of Buildkeep's tenants that hold no builder.",
        user_namespace=ALLOW_HOST if user_namespaces else "",
        escalation=False,
        capabilities=("NET_BIND_SERVICE",),
        seccomp=(_RUNTIME_DEFAULT,),
        # The namespace's range would refuse the agent's image, whose files belong to its own user.
        run_as_user="MustRunAsNonRoot",
        selinux={"type": "MustRunAs"},
        fs_group={"type": "MustRunAs"},
        supplemental_groups={"type": "RunAsAny"},
        volumes=tuple(sorted(_VOLUMES + (_NAMED_VOLUMES if policies else ()))),
    )


def builder_constraints(profile: Profile, *, user_namespaces: bool, policies: bool) -> Constraints:
    """Give the SCC of pods that hold one builder: that of agents, and what the builder's profile adds.

    A builder that gains privileges by a setuid program makes user namespaces of its own. Where OpenShift knows user
    namespaces, its pod must be in one, under the SELinux type that OpenShift gives nested containers (as in its SCC
    `nested-container`: openshift/cluster-kube-apiserver-operator, bindata/bootkube/scc-manifests).

    Args:
        profile: the builder's.
        user_namespaces: as for agent_constraints().
        policies: as for agent_constraints().
    """
    agent = agent_constraints(user_namespaces=user_namespaces, policies=policies)
    nested = user_namespaces and profile.allow_privilege_escalation
    # Groups of the namespace's range lie outside of a user namespace.
    groups = {"type": "MustRunAs", "ranges": [{"min": max(profile.run_as_group, 1), "max": _LAST_ID}]}
    own = _seccomp(profile.seccomp)
    return Constraints(
        name=PREFIX + profile.name,
        description=f"Pods of Buildkeep's tenants that hold the builder {profile.name}.",
        user_namespace=REQUIRE_POD if nested else agent.user_namespace,
        escalation=profile.allow_privilege_escalation,
        capabilities=tuple(sorted({*agent.capabilities, *profile.capabilities_add})),
        # Of several the first is given to pods that name none.
        seccomp=tuple(dict.fromkeys((_RUNTIME_DEFAULT, own))),
        # An SCC is for whole pods, and the agent's container in them is not root. A range from 0 would make those root
        # that name no user.
        run_as_user="RunAsAny" if profile.run_as_user == 0 else agent.run_as_user,
        selinux={"type": "MustRunAs", "seLinuxOptions": {"type": "container_engine_t"}} if nested else agent.selinux,
        fs_group=groups if nested else agent.fs_group,
        supplemental_groups=groups if nested else agent.supplemental_groups,
        volumes=agent.volumes,
    )


def _seccomp(profile: str) -> str:
    """Write a profile of the table as SCCs name it: `runtime/default`, `unconfined` or `localhost/<file>`."""
    return _SECCOMP.get(profile) or "localhost/" + profile.removeprefix("Localhost/")


def all_constraints(profiles: Profiles, *, user_namespaces: bool, policies: bool) -> list[Constraints]:
    """Give the SCC of agents, then one for each builder."""
    options = {"user_namespaces": user_namespaces, "policies": policies}
    builders = [builder_constraints(profile, **options) for profile in profiles.builders.values()]
    return [agent_constraints(**options), *builders]


def unenforced(backend: Backend) -> list[str]:
    """Say in sentences what SecurityContextConstraints leave open where they stand alone; empty for all else."""
    return list(_UNENFORCED) if backend.name == SCC and not backend.policies else []


def scc_problems(tenants: Iterable[Tenant]) -> list[str]:
    """Name each tenant that needs what SecurityContextConstraints give to all or to none, where no policies are."""
    return [
        f"buildkeep_tenants: {tenant.name}.volumes.{key}: SecurityContextConstraints cannot tell one from another, so "
        "none is let in; leave the key out, or use OpenShift 4.17 or newer"
        for tenant in tenants
        for key, wanted in (("claims", tenant.claims), ("csiDrivers", tenant.csi_drivers))
        if wanted
    ]


def scc_objects(settings: Settings) -> list[dict[str, Any]]:
    """Give the SCCs, and for each the ClusterRole that lets somebody use it.

    Where policies are, canaries must reach them: OpenShift's admission answers before them, and would fill in what is
    missing. So one more ClusterRole is for whoever sends canaries, in the namespace made for them (canary_bindings()).
    """
    backend = settings.backend
    wanted = all_constraints(settings.profiles, user_namespaces=backend.user_namespaces, policies=backend.policies)
    roles = [{"name": ROLE_PREFIX + one.name.removeprefix(PREFIX), "constraints": one.name} for one in wanted]
    if backend.policies:
        roles.append({"name": ROLE_PREFIX + CANARY, "constraints": PRIVILEGED})
    made = manifests.render(
        [str(TEMPLATES / "securitycontextconstraints.yaml.j2")], {}, [{"scc": asdict(one)} for one in wanted]
    )
    return made + manifests.render([str(TEMPLATES / "clusterrole.yaml.j2")], {}, [{"role": role} for role in roles])


def scc_bindings(namespace: str, tenant: str, builders: Sequence[str]) -> list[dict[str, Any]]:
    """Give the RoleBindings of one tenant: for agents, and for each of its builders.

    What whoever sends canaries may use is what an agent may: so a pod that is as good as an agent's meets the policies,
    whatever ServiceAccount it names.

    Args:
        namespace: the tenant's.
        tenant: its name, the value of the label.
        builders: names of its builders.
    """
    accounts = {AGENT: [names.SA_AGENT, names.SA_PUSHER]}
    accounts |= {builder: [names.SA_BUILDER_PREFIX + builder] for builder in builders}
    subjects = {suffix: [_account(namespace, name) for name in wanted] for suffix, wanted in accounts.items()}
    subjects[AGENT].append(_CANARIES)
    return _bindings(namespace, tenant, subjects)


def canary_bindings(settings: Settings) -> list[dict[str, Any]]:
    """Give the RoleBindings of the namespace for canaries.

    With policies nothing but they may refuse a canary, so whoever sends it may use the SCC that forbids nothing. No pod
    can come of it: the namespace's quota has room for none, and the group is only ever impersonated. Without policies
    the SCCs themselves are what canaries prove.
    """
    space = names.CANARY_NAMESPACE
    if not settings.backend.policies:
        return scc_bindings(space, space, tuple(settings.profiles.builders))
    return _bindings(space, space, {CANARY: [_CANARIES]})


def _account(namespace: str, name: str) -> dict[str, str]:
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


def _bindings(namespace: str, tenant: str, subjects: Mapping[str, Iterable[Mapping[str, str]]]) -> list[dict[str, Any]]:
    each = [
        {"binding": {"name": BINDING_PREFIX + suffix, "role": ROLE_PREFIX + suffix, "subjects": list(found)}}
        for suffix, found in subjects.items()
    ]
    path = str(TEMPLATES / "rolebinding.yaml.j2")
    return manifests.render([path], {"namespace": namespace, "tenant": tenant}, each)

"""PodSecurityPolicies (Kubernetes up to 1.24), made from the profile table: one for each builder, one for all else.

The API server admits a pod when one policy admits it that the pod's ServiceAccount or whoever sends the request may
`use` (kubernetes 1.24, plugin/pkg/admission/security/podsecuritypolicy/admission.go). So policies only ever give: a
policy of others that is bound in a tenant's namespace, or to everybody, stays a way in. And they judge pods, not
containers: what a builder may do, every container of a pod may that runs as the builder's ServiceAccount.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ansible_collections.buildkeep.ci.plugins.module_utils import manifests, names
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profile, Profiles
from ansible_collections.buildkeep.ci.plugins.module_utils.tenants import Tenant

TEMPLATES = Path(__file__).resolve().parents[2] / "roles" / "pod_security" / "templates" / "psp"
AGENT = "agent"
PREFIX = "buildkeep-"
BINDING_PREFIX = "buildkeep-psp-"
ROLE_PREFIX = "buildkeep:psp:"
# Sources of files that share nothing with the node, nor with another tenant.
VOLUMES = ("configMap", "downwardAPI", "emptyDir", "projected", "secret")
DEFAULT_SECCOMP = "runtime/default"
# The largest user id that a pod may name (apimachinery, validation.IsValidUserID).
_LAST_ID = 2**31 - 1


@dataclass(frozen=True)
class Policy:
    """What the template of a PodSecurityPolicy inserts.

    Attributes:
        suffix: `agent`, or the name of the builder.
        seccomp: profiles by their names in annotations; the pod's other containers run under the first.
        escalation: whether a container may ask for privilege escalation; none gets it without asking.
        capabilities: what a container may add after it dropped ALL.
        proc_mounts: how /proc may be mounted.
        user: the strategy for user ids (policy/v1beta1 RunAsUserStrategyOptions).
        volumes: types of volumes (policy/v1beta1 FSType).
    """

    suffix: str
    seccomp: tuple[str, ...]
    escalation: bool
    capabilities: tuple[str, ...]
    proc_mounts: tuple[str, ...]
    user: dict[str, Any]
    volumes: tuple[str, ...] = VOLUMES

    @property
    def name(self) -> str:
        """Name of the PodSecurityPolicy."""
        return PREFIX + self.suffix

    @property
    def role(self) -> str:
        """Name of the ClusterRole that lets somebody use it."""
        return ROLE_PREFIX + self.suffix


class Settings(Protocol):
    """What of a checked inventory the objects depend on (`settings.Settings` has it)."""

    @property
    def profiles(self) -> Profiles:
        """The profile table."""

    @property
    def present(self) -> Sequence[Tenant]:
        """The tenants that are to be there."""


def agent_policy() -> Policy:
    """Give the safe default: Pod Security `restricted`, as far as a PodSecurityPolicy can say it."""
    return Policy(
        suffix=AGENT,
        seccomp=(DEFAULT_SECCOMP,),
        escalation=False,
        capabilities=(),
        proc_mounts=("Default",),
        user={"rule": "MustRunAsNonRoot"},
    )


def builder_policy(profile: Profile) -> Policy:
    """Give what a pod with this builder may do: what the profile says, or less.

    The other containers of such a pod name no user where the Kubernetes plugin adds them. Beside a builder that is not
    root they become its user, so that both can write to the workspace; beside a root builder they stay what their
    image says, for a policy that lets root in can keep nobody from naming it.
    """
    return Policy(
        suffix=profile.name,
        seccomp=tuple(dict.fromkeys((DEFAULT_SECCOMP, seccomp_name(profile.seccomp)))),
        escalation=profile.allow_privilege_escalation,
        capabilities=profile.capabilities_add,
        proc_mounts=tuple(dict.fromkeys(("Default", profile.proc_mount))),
        user=_user(profile.run_as_user),
    )


def seccomp_name(profile: str) -> str:
    """Name a seccomp profile as annotations do (kubernetes 1.24, pkg/api/v1/pod, SeccompAnnotationForField).

    Args:
        profile: `RuntimeDefault`, `Unconfined` or `Localhost/<file>`, as in the profile table.
    """
    kind, _, file = profile.partition("/")
    return {"RuntimeDefault": DEFAULT_SECCOMP, "Unconfined": "unconfined"}.get(kind, f"localhost/{file}")


def policies(profiles: Profiles) -> list[Policy]:
    """List the default and one for each builder, in the order of the table."""
    return [agent_policy(), *(builder_policy(profile) for profile in profiles.builders.values())]


def psp_objects(settings: Settings) -> list[dict[str, Any]]:
    """Build the cluster-scoped objects: PodSecurityPolicies, and a ClusterRole to use each."""
    each = [{"policy": policy} for policy in policies(settings.profiles)]
    paths = [str(TEMPLATES / f"{kind}.yaml.j2") for kind in ("podsecuritypolicy", "clusterrole")]
    return manifests.render(paths, {}, each)


def psp_problems(settings: Settings) -> list[str]:
    """Name each tenant that needs what a PodSecurityPolicy gives to all or to none."""
    return [
        f"buildkeep_tenants: {tenant.name}.volumes.{key}: a PodSecurityPolicy cannot tell one from another, so none is "
        "let in; leave the key out, or use Kubernetes 1.30 or newer"
        for tenant in settings.present
        for key, wanted in (("claims", tenant.claims), ("csiDrivers", tenant.csi_drivers))
        if wanted
    ]


def psp_bindings(namespace: str, tenant: str, builders: Sequence[str]) -> list[dict[str, Any]]:
    """Build the RoleBindings of one namespace: the default for all its ServiceAccounts, each builder's for its own.

    Args:
        namespace: the tenant's namespace, or the one of the canaries.
        tenant: value of the tenant label.
        builders: names of the builders that the tenant has.
    """
    everybody = {
        "kind": "Group",
        "apiGroup": "rbac.authorization.k8s.io",
        "name": f"system:serviceaccounts:{namespace}",
    }
    subjects = {AGENT: everybody} | {
        builder: {"kind": "ServiceAccount", "name": names.SA_BUILDER_PREFIX + builder, "namespace": namespace}
        for builder in builders
    }
    each = [
        {
            "binding": {
                "name": BINDING_PREFIX + suffix,
                "role": ROLE_PREFIX + suffix,
                "namespace": namespace,
                "tenant": tenant,
                "subject": subject,
            }
        }
        for suffix, subject in subjects.items()
    ]
    return manifests.render([str(TEMPLATES / "rolebinding.yaml.j2")], {}, each)


def _user(user: int) -> dict[str, Any]:
    if user == 0:
        return {"rule": "RunAsAny"}
    # The first number of the first range is given to containers that name no user.
    ranges = [{"min": user, "max": user}, {"min": 1, "max": _LAST_ID}]
    return {"rule": "MustRunAs", "ranges": ranges}

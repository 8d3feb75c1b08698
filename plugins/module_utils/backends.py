"""Policy backends: what of a cluster enforces pod security, chosen by what its API server serves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

ADMISSION, SCC, PSP, PSA = "admission", "scc", "psp", "psa"
BACKENDS = (ADMISSION, SCC, PSP, PSA)
AUTO = "auto"
# Pod Security Admission is on by default from here on (KEP-2579); no API tells whether it is.
_POD_SECURITY_SINCE = (1, 23)
_MISSING = {
    ADMISSION: "does not serve ValidatingAdmissionPolicy (Kubernetes 1.30 and newer do, unless switched off by "
    "--runtime-config)",
    SCC: "serves no SecurityContextConstraints: it is no OpenShift",
    PSP: "serves no PodSecurityPolicy (Kubernetes up to 1.24 does)",
    PSA: "is older than Kubernetes 1.23 and has no Pod Security Admission",
}


@dataclass(frozen=True)
class Backend:
    """What enforces pod security in a cluster.

    Attributes:
        name: one of BACKENDS.
        policies: whether ValidatingAdmissionPolicies are part of it.
        pod_security: whether Pod Security Admission is there.
        mutations: whether the API server serves MutatingAdmissionPolicies.
        user_namespaces: whether its SecurityContextConstraints know user namespaces (OpenShift 4.20 and newer).
        images: what holds the allowlist where policies do not: `kyverno`, `gatekeeper` or, for nothing, empty.
    """

    name: str
    policies: bool
    pod_security: bool
    images: str = ""
    mutations: bool = False
    user_namespaces: bool = False


@dataclass(frozen=True)
class Served:
    """What an API server serves: its version, and each kind of interest."""

    version: tuple[int, int]
    policies: bool = False
    mutations: bool = False
    psp: bool = False
    scc: bool = False
    user_namespaces: bool = False
    kyverno: bool = False
    gatekeeper: bool = False

    @property
    def pod_security(self) -> bool:
        """Whether it has Pod Security Admission."""
        return self.version >= _POD_SECURITY_SINCE


_HAS: Mapping[str, Callable[[Served], bool]] = {
    SCC: lambda one: one.scc,
    ADMISSION: lambda one: one.policies,
    PSP: lambda one: one.psp,
    PSA: lambda one: one.pod_security,
}


def choose(found: Served, wanted: str = AUTO) -> Backend:
    """Choose the strongest backend that the cluster offers, or the wanted one.

    Raises:
        BuildkeepError: when the cluster lacks the wanted one, or has none at all.
    """
    offered = [name for name, has in _HAS.items() if has(found)]
    if not offered:
        raise BuildkeepError(
            [
                "cluster: it has neither ValidatingAdmissionPolicy, SecurityContextConstraints, PodSecurityPolicy nor "
                "Pod Security Admission, so nothing can be enforced: use Kubernetes 1.30 or newer"
            ]
        )
    if wanted != AUTO and wanted not in offered:
        remedy = f"leave it out, or write one of those that it has: {', '.join(offered)}"
        raise BuildkeepError([f"buildkeep_backend: {wanted}: the cluster {_MISSING[wanted]}; {remedy}"])
    name = offered[0] if wanted == AUTO else wanted
    policies = found.policies and name in (ADMISSION, SCC)
    images = "" if policies else "kyverno" if found.kyverno else "gatekeeper" if found.gatekeeper else ""
    user_namespaces = found.user_namespaces and name == SCC
    return Backend(name, policies, found.pod_security, images, found.mutations, user_namespaces)


def backend_of(given: str | Mapping[str, Any]) -> Backend:
    """Make a Backend of what a role was told: the mapping of as_mapping(), or the name alone.

    A name says nothing about the cluster; it is taken for the newest of its kind, and `auto` for `admission`.
    """
    if isinstance(given, Mapping):
        return Backend(**given)
    name = ADMISSION if given == AUTO else given
    policies = name in (ADMISSION, SCC)
    return Backend(name, policies, True, mutations=policies)


def as_mapping(backend: Backend) -> dict[str, Any]:
    """Give it as plain data, for variables of a play."""
    return asdict(backend)

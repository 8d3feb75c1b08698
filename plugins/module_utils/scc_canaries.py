"""Canaries of SecurityContextConstraints: pods that OpenShift's admission must refuse, and good ones it must let in.

They are judged by OpenShift's own words. What is refused differs in one field from a pod that is let in, so the refusal
is for that field.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.canaries_walls import (
    FIRST_WALL,
    SECURITY_CONTEXT_CONSTRAINTS,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.canary_pods import (
    OF_AGENT,
    OF_BUILDER,
    Pod,
    agent_pod,
    builder_pod,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.names import CANARY_NAMESPACE
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profile
from ansible_collections.buildkeep.ci.plugins.module_utils.scc import REQUIRE_POD, builder_constraints
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings
from ansible_collections.buildkeep.ci.plugins.module_utils.tenants import Tenant

Case = dict[str, Any]
# Keys of the canaries of rules about pods whose field an SCC holds too.
_PRIVILEGED = "container/container/securityContext.privileged"
OF_AGENT_HELD = (
    _PRIVILEGED,
    "container/container/securityContext.seLinuxOptions",
    "container/container/ports[*].hostPort",
    "restricted/other/securityContext.allowPrivilegeEscalation",
    "restricted/other/securityContext.runAsUser",
    "restricted/other/securityContext.capabilities.add",
    "restricted/other/securityContext.seccompProfile.type",
    "pod/pod/spec.hostNetwork",
    "pod/pod/spec.hostPID",
    "pod/pod/spec.hostIPC",
    "pod/pod/spec.securityContext.seccompProfile.type",
    "pod/pod/spec.securityContext.seLinuxOptions",
    "pod/pod/spec.securityContext.sysctls",
    "volumes/volume/type",
)
OF_BUILDER_HELD = (
    "builder/builder/securityContext.capabilities.add",
    "builder/builder/securityContext.seccompProfile",
)


def scc_canaries(settings: Settings) -> list[Case]:
    """Give the cases in the namespace for canaries: every field that an SCC holds, for agents and for each builder.

    Empty where policies are: there they refuse the same, each by its name, and the SCCs are proven in the tenants.
    """
    if settings.backend.policies:
        return []
    profiles = settings.profiles
    cases = _good(settings, CANARY_NAMESPACE, CANARY_NAMESPACE, tuple(profiles.builders))
    for key in OF_AGENT_HELD:
        pod = agent_pod(profiles, CANARY_NAMESPACE)
        OF_AGENT[key](pod)
        cases.append(_refused(f"scc-{key}", CANARY_NAMESPACE, pod))
    for builder, profile in profiles.builders.items():
        for key in OF_BUILDER_HELD:
            pod = _of_builder(settings, CANARY_NAMESPACE, profile)
            OF_BUILDER[key](pod)
            cases.append(_refused(f"scc-{builder}-{key}", CANARY_NAMESPACE, pod))
    return cases


def scc_cases(settings: Settings, tenant: Tenant) -> list[Case]:
    """Give the cases of one tenant: that its good pods find an SCC, and that bad ones find none.

    The good ones show that each SCC is there and bound. In mode audit nothing has to be refused.
    """
    cases = _good(settings, tenant.namespace, tenant.name, tenant.builders)
    return cases + (list(_bad(settings, tenant)) if tenant.mode == "enforce" else [])


def _good(settings: Settings, namespace: str, tenant: str, builders: tuple[str, ...]) -> list[Case]:
    profiles = settings.profiles
    pods = {"agent": agent_pod(profiles, tenant)}
    pods |= {name: _of_builder(settings, tenant, profiles.builders[name]) for name in builders}
    return [
        {"name": f"{namespace}-good-{name}", "namespace": namespace, "pod": pod, "expect": "admitted"}
        for name, pod in pods.items()
    ]


def _of_builder(settings: Settings, tenant: str, profile: Profile) -> Pod:
    """A pod of a builder that its SCC lets in: in a user namespace of its own, where the SCC asks for one."""
    pod = builder_pod(settings.profiles, tenant, profile)
    backend = settings.backend
    wanted = builder_constraints(profile, user_namespaces=backend.user_namespaces, policies=backend.policies)
    if wanted.user_namespace == REQUIRE_POD:
        pod["spec"]["hostUsers"] = False
    return pod


def _bad(settings: Settings, tenant: Tenant) -> Iterator[Case]:
    space, profiles = tenant.namespace, settings.profiles
    pod = agent_pod(profiles, tenant.name)
    OF_AGENT["pod/pod/spec.hostNetwork"](pod)
    yield _refused(f"{space}-scc-agent", space, pod, _wall(settings))
    if not settings.backend.policies:
        pod = agent_pod(profiles, tenant.name)
        OF_AGENT["restricted/other/securityContext.runAsUser"](pod)
        yield _refused(f"{space}-scc-root", space, pod)
    for builder in tenant.builders:
        pod = _of_builder(settings, tenant.name, profiles.builders[builder])
        OF_AGENT[_PRIVILEGED](pod)
        yield _refused(f"{space}-scc-{builder}", space, pod, _wall(settings))


def _wall(settings: Settings) -> str:
    """Name who may answer: with policies the SCCs are one wall of several, without them they are the only one.

    OpenShift's plugin changes pods, so it answers before those that only judge them, Pod Security Admission and the
    policies among them. Where it is not on, as on an API server that has only the kind, Pod Security Admission answers.
    """
    return FIRST_WALL if settings.backend.policies else SECURITY_CONTEXT_CONSTRAINTS


def _refused(name: str, namespace: str, pod: Pod, policy: str = SECURITY_CONTEXT_CONSTRAINTS) -> Case:
    return {"name": name, "namespace": namespace, "pod": pod, "expect": "refused", "policy": policy, "rule": ""}

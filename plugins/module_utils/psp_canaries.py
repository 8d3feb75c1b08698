"""Canaries of PodSecurityPolicies: pods that no policy may let in, and good ones that one must let in.

A refusal counts when it is the plugin's own and names the field meant: it lists what every policy that may be used says
of the pod, ours and those of others alike, so it also shows that no policy of others lets the pod in. Claims are not
tried: many clusters bind to everybody a policy that is as strict as ours but for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.canary_pods import Pod, agent_pod, builder_pod
from ansible_collections.buildkeep.ci.plugins.module_utils.names import CANARY_NAMESPACE, SA_AGENT
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profile
from ansible_collections.buildkeep.ci.plugins.module_utils.psp import Policy, agent_policy, builder_policy
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings
from ansible_collections.buildkeep.ci.plugins.module_utils.tenants import Tenant

Case = dict[str, Any]
PLUGIN = "PodSecurityPolicy"
POD_SECURITY = "PodSecurity"
# PodSecurityPolicy changes pods and so is asked before those that only judge them. Pod Security Admission is seen to
# refuse only where PodSecurityPolicy lets a pod in: ours say nothing of AppArmor, which not every node has.
_APPARMOR = "container.apparmor.security.beta.kubernetes.io/canary"
_ROOT = "running with the root UID is forbidden"
_CAPABILITY = "capability may not be added"
_ESCALATION = "Allowing privilege escalation for containers is not allowed"
_SECCOMP = "is not an allowed seccomp profile"

# What is set -> the fields, and the plugin's words (kubernetes 1.24, pkg/security/podsecuritypolicy).
_CONTAINER: Mapping[str, tuple[dict[str, Any], str]] = {
    "privileged": ({"privileged": True}, "Privileged containers are not allowed"),
    "root": ({"runAsUser": 0}, _ROOT),
    "capability": ({"capabilities": {"add": ["CHOWN"]}}, _CAPABILITY),
    "escalation": ({"allowPrivilegeEscalation": True}, _ESCALATION),
    "seccomp": ({"seccompProfile": {"type": "Unconfined"}}, _SECCOMP),
}
_SPEC: Mapping[str, tuple[dict[str, Any], str]] = {
    "host-network": ({"hostNetwork": True}, "Host network is not allowed to be used"),
    "host-pid": ({"hostPID": True}, "Host PID is not allowed to be used"),
    "host-ipc": ({"hostIPC": True}, "Host IPC is not allowed to be used"),
    "host-path": (
        {"volumes": [{"name": "canary", "hostPath": {"path": "/var/run/docker.sock"}}]},
        "hostPath volumes are not allowed to be used",
    ),
    "sysctl": (
        {"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}},
        "unsafe sysctl",
    ),
}


def psp_canaries(settings: Settings) -> list[Case]:
    """Give the cases in the namespace for canaries: each thing that a policy must refuse, and what it must let in.

    A builder's pod must be refused under the ServiceAccount `agent` and under each other builder's, as far as their
    policies do not let in the same.
    """
    profiles = settings.profiles
    accounts = {SA_AGENT: agent_policy()} | {
        profile.service_account: builder_policy(profile) for profile in profiles.builders.values()
    }
    cases = [_refused(name, CANARY_NAMESPACE, pod, words) for name, pod, words in _broken(settings, CANARY_NAMESPACE)]
    for profile in profiles.builders.values():
        for account, policy in accounts.items():
            words = exceeds(profile, policy)
            if words:
                pod = builder_pod(profiles, CANARY_NAMESPACE, profile)
                pod["spec"]["serviceAccountName"] = account
                cases.append(_refused(f"{profile.name}-as-{account}", CANARY_NAMESPACE, pod, words))
        own = builder_pod(profiles, CANARY_NAMESPACE, profile)
        own["spec"]["containers"].append({**agent_pod(profiles, "")["spec"]["containers"][0], "name": "agent"})
        cases.append(_case(profile.name, CANARY_NAMESPACE, own, "admitted"))
    cases.append(_case("agent", CANARY_NAMESPACE, agent_pod(profiles, CANARY_NAMESPACE), "admitted"))
    return _sent(settings, cases)


def psp_cases(settings: Settings, tenant: Tenant) -> list[Case]:
    """Give the cases of one tenant: its own namespace must refuse as well, by both plugins where both are there.

    Mode audit denies nothing, and PodSecurityPolicy cannot warn: there Pod Security Admission alone is asked.
    """
    space, cases = tenant.namespace, list[Case]()
    if tenant.mode == "enforce":
        named = {name: (pod, words) for name, pod, words in _broken(settings, tenant.name)}
        cases += [_refused(f"{space}-{name}", space, *named[name]) for name in ("privileged", "root", "host-path")]
    if settings.backend.pod_security:
        pod = agent_pod(settings.profiles, tenant.name)
        pod["metadata"]["annotations"] = {_APPARMOR: "unconfined"}
        expect = "refused" if tenant.mode == "enforce" else "warned"
        cases.append({**_case(f"{space}-pod-security", space, pod, expect), "policy": POD_SECURITY})
    return _sent(settings, cases)


def exceeds(profile: Profile, policy: Policy) -> str:
    """Give the plugin's words about a right of a builder that a policy does not give; empty where it gives them all."""
    reasons = (
        (profile.run_as_user == 0 and policy.user["rule"] == "MustRunAsNonRoot", _ROOT),
        (profile.run_as_user == 0 and policy.user["rule"] == "MustRunAs", "must be in the ranges"),
        (not set(profile.capabilities_add) <= set(policy.capabilities), _CAPABILITY),
        (profile.allow_privilege_escalation and not policy.escalation, _ESCALATION),
        (not set(builder_policy(profile).seccomp) <= set(policy.seccomp), _SECCOMP),
    )
    return next((words for exceeded, words in reasons if exceeded), "")


def _broken(settings: Settings, tenant: str) -> Iterator[tuple[str, Pod, str]]:
    """Make agents that ask for one thing each, and for nothing else: its name, the pod, the plugin's words.

    What a pod leaves out, ours fill in. A policy of others may refuse a pod only because it names a seccomp profile,
    and would let in the same pod without.
    """
    for name, (fields, words) in _CONTAINER.items():
        pod = agent_pod(settings.profiles, tenant)
        pod["spec"]["containers"][0]["securityContext"] = dict(fields)
        yield name, pod, words
    for name, (fields, words) in _SPEC.items():
        pod = agent_pod(settings.profiles, tenant)
        del pod["spec"]["containers"][0]["securityContext"]
        pod["spec"].update(fields)
        yield name, pod, words


def _sent(settings: Settings, cases: list[Case]) -> list[Case]:
    """Say who sends them: that matters as much as the pod's own ServiceAccount."""
    return [{**case, "user": settings.controller.user} for case in cases]


def _refused(name: str, namespace: str, pod: Pod, words: str) -> Case:
    return {**_case(name, namespace, pod, "refused"), "policy": PLUGIN, "rule": words}


def _case(name: str, namespace: str, pod: Pod, expect: str) -> Case:
    return {"name": f"psp/{name}", "namespace": namespace, "pod": pod, "expect": expect, "policy": "", "rule": ""}

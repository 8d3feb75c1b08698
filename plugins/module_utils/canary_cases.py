"""Which canaries are sent when: for each rule, for the cluster-wide allowlist, for each tenant.

A case is a mapping with what `buildkeep.ci.canary` takes: name, namespace, pod, expect, policy, rule, since. Each wall
that the cluster's backend is made of gives its own. Those that are no pods are in canary_guards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.allowlist_other import image_cases
from ansible_collections.buildkeep.ci.plugins.module_utils.backends import PSP, SCC
from ansible_collections.buildkeep.ci.plugins.module_utils.canaries_walls import POD_SECURITY
from ansible_collections.buildkeep.ci.plugins.module_utils.canary_guards import guard_cases
from ansible_collections.buildkeep.ci.plugins.module_utils.canary_narrowed import lost as lost_by
from ansible_collections.buildkeep.ci.plugins.module_utils.canary_narrowed import representative
from ansible_collections.buildkeep.ci.plugins.module_utils.canary_pods import (
    OF_AGENT,
    SINCE,
    Change,
    Pod,
    agent_pod,
    builder_pod,
    of_builder,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.images import is_allowed, repository
from ansible_collections.buildkeep.ci.plugins.module_utils.names import CANARY_NAMESPACE, POLICY_PODS
from ansible_collections.buildkeep.ci.plugins.module_utils.psp_canaries import psp_canaries, psp_cases
from ansible_collections.buildkeep.ci.plugins.module_utils.scc_canaries import scc_canaries, scc_cases
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings
from ansible_collections.buildkeep.ci.plugins.module_utils.tenants import Tenant

Case = dict[str, Any]
_TAG = ":canary"
# RFC 2606: nobody can have a registry under this name.
_FOREIGN = "canary.buildkeep.invalid/foreign:1"


def rule_cases(settings: Settings) -> list[Case]:
    """Give a pod for each rule about pods and a request for each other policy, which must refuse it, and good pods.

    They are sent into the namespace made for it.
    """
    of_backend = _IN_GENERAL.get(settings.backend.name)
    cases = of_backend(settings) if of_backend else []
    if not settings.backend.policies:
        return cases
    profiles = settings.profiles
    cases += [_broken(agent_pod(profiles, CANARY_NAMESPACE), key, change) for key, change in OF_AGENT.items()]
    for profile in profiles.relaxed.values():
        changes = of_builder(profile).items()
        cases += [_broken(builder_pod(profiles, CANARY_NAMESPACE, profile), *one) for one in changes]
    # Of a pod that is not ordinary, the one policy judges what the other does of all else.
    pod = agent_pod(profiles, CANARY_NAMESPACE)
    pod["spec"]["initContainers"] = agent_pod(profiles, CANARY_NAMESPACE, _FOREIGN)["spec"]["containers"]
    pod["spec"]["initContainers"][0]["name"] = "init"
    cases.append(_case("images-of-init", CANARY_NAMESPACE, pod, "refused", POLICY_PODS, "images"))
    return [*cases, *guard_cases(settings), *_good(settings)]


def _good(settings: Settings) -> list[Case]:
    """Give a good agent, and a good one of each builder, which must be admitted."""
    profiles = settings.profiles
    pods = {"agent": agent_pod(profiles, CANARY_NAMESPACE)}
    pods |= {name: builder_pod(profiles, CANARY_NAMESPACE, one) for name, one in profiles.builders.items()}
    # All others are ordinary, so that only one policy looks at them.
    pods["with-a-port"] = agent_pod(profiles, CANARY_NAMESPACE)
    pods["with-a-port"]["spec"]["containers"][0]["ports"] = [{"containerPort": 8080}]
    return [_case(f"good/{name}", CANARY_NAMESPACE, pod, "admitted") for name, pod in pods.items()]


def allowlist_cases(settings: Settings, objects: Sequence[Mapping[str, Any]] = ()) -> list[Case]:
    """Give pods whose image an entry of the cluster-wide list lets in, and pods whose image no entry lets in.

    Args:
        settings: of the inventory.
        objects: what `buildkeep.ci.apply` says of each object; `narrowed` of the policy are entries that left.
    """
    if not settings.backend.policies:
        return []
    builders = {repository(profile.image) for profile in settings.profiles.builders.values()}
    cases = []
    for entry in (entry for entry in settings.images if entry not in builders):
        pod = agent_pod(settings.profiles, CANARY_NAMESPACE, representative(entry))
        cases.append(_case(f"allowed-{entry}", CANARY_NAMESPACE, pod, "admitted"))
    left = [entry for one in objects for entry in one.get("narrowed", {}).get("images", ()) if "/" in entry]
    for image in dict.fromkeys((*_look_alikes(settings.images), *map(representative, left))):
        if not is_allowed(image, settings.images):
            pod = agent_pod(settings.profiles, CANARY_NAMESPACE, image)
            cases.append(_case(f"not-allowed-{image}", CANARY_NAMESPACE, pod, "refused", POLICY_PODS, "images"))
    return cases


def tenant_cases(settings: Settings, objects: Sequence[Mapping[str, Any]] = ()) -> list[Case]:
    """Give the canaries of every tenant: one bad pod for each wall, and what this run took away.

    In mode audit they are only warned about; that proves that the walls see the namespace at all.

    Args:
        settings: of the inventory.
        objects: what `buildkeep.ci.apply` says of each object; `narrowed` of a Namespace is what was taken away.
    """
    taken = {one["name"]: one.get("narrowed") or {} for one in objects if one["kind"] == "Namespace"}
    return [
        case for tenant in settings.present for case in _of_tenant(settings, tenant, taken.get(tenant.namespace, {}))
    ]


def entry_cases(settings: Settings) -> list[Case]:
    """Give what must hold before the controller gets its rights: the walls of every tenant, and the guards of them."""
    return [*tenant_cases(settings), *(guard_cases(settings) if settings.backend.policies else ())]


_EXPECTED: Mapping[str, str] = {"enforce": "refused", "audit": "warned"}
# Backends that choose one of several policies for a pod have canaries of their own, also in place of Pod Security's.
_IN_GENERAL: Mapping[str, Callable[[Settings], list[Case]]] = {PSP: psp_canaries, SCC: scc_canaries}
_IN_TENANTS: Mapping[str, Callable[[Settings, Tenant], list[Case]]] = {PSP: psp_cases, SCC: scc_cases}


def _of_tenant(settings: Settings, tenant: Tenant, taken: Mapping[str, Sequence[str]]) -> Iterator[Case]:
    space, expect = tenant.namespace, _EXPECTED[tenant.mode]
    yield from _IN_TENANTS.get(settings.backend.name, _pod_security)(settings, tenant)
    if not settings.backend.policies:
        yield from image_cases(settings, [tenant])
        return
    if not is_allowed(_FOREIGN, (*settings.images, *tenant.images)):
        pod = agent_pod(settings.profiles, tenant.name, _FOREIGN)
        yield _case(f"{space}-{_FOREIGN}", space, pod, expect, POLICY_PODS, "images")
    # That one is refused for its tenant, by one policy; this one for itself, by the other. Pod Security lets it be.
    pod = agent_pod(settings.profiles, tenant.name)
    pod["spec"]["hostAliases"] = [{"ip": "192.0.2.1", "hostnames": ["canary"]}]
    yield _case(f"{space}-pod", space, pod, expect, POLICY_PODS, "pod")
    if tenant.templates == "static":
        pod = agent_pod(settings.profiles, tenant.name)
        yield _case(f"{space}-no-template", space, pod, expect, POLICY_PODS, "templates")
    for lost in lost_by(settings, tenant, taken):
        yield _case(f"{space}-{lost.name}", space, lost.pod, expect, POLICY_PODS, lost.rule)


def _pod_security(settings: Settings, tenant: Tenant) -> list[Case]:
    """A pod that the tenant's Pod Security level refuses and the next lower one does not."""
    if not settings.backend.pod_security:
        return []
    space = tenant.namespace
    pod = agent_pod(settings.profiles, tenant.name)
    if tenant.pss_level == "restricted":
        pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    else:
        pod["spec"]["hostNetwork"] = True
    return [_case(f"{space}-pod-security", space, pod, _EXPECTED[tenant.mode], POD_SECURITY)]


def _case(name: str, namespace: str, pod: Pod, expect: str, policy: str = "", rule: str = "") -> Case:
    return {"name": name, "namespace": namespace, "pod": pod, "expect": expect, "policy": policy, "rule": rule}


def _broken(pod: Pod, key: str, change: Change) -> Case:
    change(pod)
    case = _case(key, CANARY_NAMESPACE, pod, "refused", POLICY_PODS, key.partition("/")[0])
    return {**case, "since": SINCE.get(key, "")}


def _look_alikes(entries: Sequence[str]) -> Iterator[str]:
    """Name images that only look as if an entry let them in."""
    for entry in entries:
        host, _, path = entry.partition("/")
        name = path.rstrip("/") or "canary"
        for image in (f"{host}.canary.invalid/{name}", f"canary.invalid/{entry.rstrip('/')}", f"{host}:5000/{name}"):
            yield image + _TAG
        if path:
            yield entry.rstrip("/") + "-canary" + _TAG

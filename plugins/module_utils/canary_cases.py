"""Which canaries are sent when: for each rule, for the cluster-wide allowlist, for each tenant.

A case is a mapping with what `buildkeep.ci.canary` takes: name, namespace, pod, expect, policy, rule, since.
Those that are no pods are in canary_guards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.canary_guards import guard_cases
from ansible_collections.buildkeep.ci.plugins.module_utils.canary_pods import (
    OF_AGENT,
    OF_BUILDER,
    SINCE,
    Change,
    Pod,
    agent_pod,
    builder_pod,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.images import is_allowed, repository
from ansible_collections.buildkeep.ci.plugins.module_utils.names import (
    ANNOTATION_IMAGES,
    CANARY_NAMESPACE,
    POLICY_PODS,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings
from ansible_collections.buildkeep.ci.plugins.module_utils.tenants import Tenant

Case = dict[str, Any]
_ANY_TAG = ":canary"
# RFC 2606: nobody can have a registry under this name.
_FOREIGN = "canary.buildkeep.invalid/foreign:1"


def rule_cases(settings: Settings) -> list[Case]:
    """Give a pod for each rule about pods and a request for each other policy, which must refuse it.

    They are sent into the namespace made for it.
    """
    profiles = settings.profiles
    cases = [_broken(agent_pod(profiles, CANARY_NAMESPACE), key, change) for key, change in OF_AGENT.items()]
    for profile in profiles.builders.values():
        cases += [_broken(builder_pod(profiles, CANARY_NAMESPACE, profile), key, OF_BUILDER[key]) for key in OF_BUILDER]
    return [*cases, *guard_cases(settings)]


def allowlist_cases(settings: Settings, before: Sequence[Sequence[str]] = ()) -> list[Case]:
    """Give pods whose image an entry of the cluster-wide list lets in, and pods whose image no entry lets in.

    Args:
        settings: of the inventory.
        before: what the lookup `buildkeep.ci.allowlist` gave before this run: entries that left must be refused.
    """
    builders = {repository(profile.image) for profile in settings.profiles.builders.values()}
    cases = []
    for entry in (entry for entry in settings.images if entry not in builders):
        pod = agent_pod(settings.profiles, CANARY_NAMESPACE, _representative(entry))
        cases.append(_case(f"allowed-{entry}", CANARY_NAMESPACE, pod, "admitted"))
    left = [_representative(entry) for entries in before for entry in entries if "/" in entry]
    for image in dict.fromkeys((*_look_alikes(settings.images), *left)):
        if not is_allowed(image, settings.images):
            pod = agent_pod(settings.profiles, CANARY_NAMESPACE, image)
            cases.append(_case(f"not-allowed-{image}", CANARY_NAMESPACE, pod, "refused", POLICY_PODS, "images"))
    return cases


def tenant_cases(settings: Settings, objects: Sequence[Mapping[str, Any]] = ()) -> list[Case]:
    """Give the canaries of every tenant: one bad pod for each wall, and images that this run took away.

    In mode audit the one pod is only warned about; that proves that the policies see the namespace at all.

    A builder that was taken away needs none: its ServiceAccount is gone, and no pod of it can be created.

    Args:
        settings: of the inventory.
        objects: what `buildkeep.ci.apply` says of each object; `before` of a Namespace holds its old annotations.
    """
    before = {one["name"]: one.get("before") or {} for one in objects if one["kind"] == "Namespace"}
    return [
        case
        for tenant in settings.present
        for case in _CASES[tenant.mode](settings, tenant, before.get(tenant.namespace, {}))
    ]


def entry_cases(settings: Settings) -> list[Case]:
    """Give what must hold before the controller gets its rights: the walls of every tenant, and the guards of them."""
    return [*tenant_cases(settings), *guard_cases(settings)]


def _audit_cases(settings: Settings, tenant: Tenant, _: Mapping[str, str]) -> Iterator[Case]:
    pod = agent_pod(settings.profiles, tenant.name, _FOREIGN)
    yield _case(f"{tenant.namespace}-{_FOREIGN}", tenant.namespace, pod, "warned", POLICY_PODS, "images")


def _enforce_cases(settings: Settings, tenant: Tenant, before: Mapping[str, str]) -> Iterator[Case]:
    space = tenant.namespace
    bare = agent_pod(settings.profiles, tenant.name)
    bare["spec"]["hostNetwork"] = True
    yield _case(f"{space}-pod-security", space, bare, "refused", "PodSecurity")
    old = [entry for entry in before.get(ANNOTATION_IMAGES, "").split(",") if entry not in ("", *tenant.images)]
    foreign = [_FOREIGN, *map(_representative, old)]
    for image in foreign:
        if not is_allowed(image, (*settings.images, *tenant.images)):
            pod = agent_pod(settings.profiles, tenant.name, image)
            yield _case(f"{space}-{image}", space, pod, "refused", POLICY_PODS, "images")


_CASES: Mapping[str, Callable[[Settings, Tenant, Mapping[str, str]], Iterator[Case]]] = {
    "enforce": _enforce_cases,
    "audit": _audit_cases,
}


def _case(name: str, namespace: str, pod: Pod, expect: str, policy: str = "", rule: str = "") -> Case:
    return {"name": name, "namespace": namespace, "pod": pod, "expect": expect, "policy": policy, "rule": rule}


def _broken(pod: Pod, key: str, change: Change) -> Case:
    change(pod)
    case = _case(key, CANARY_NAMESPACE, pod, "refused", POLICY_PODS, key.partition("/")[0])
    return {**case, "since": SINCE.get(key, "")}


def _representative(entry: str) -> str:
    """Name an image that an entry lets in."""
    return (f"{entry}canary" if entry.endswith("/") else entry) + _ANY_TAG


def _look_alikes(entries: Sequence[str]) -> Iterator[str]:
    """Name images that only look as if an entry let them in."""
    for entry in entries:
        host, _, path = entry.partition("/")
        name = path.rstrip("/") or "canary"
        for image in (f"{host}.canary.invalid/{name}", f"canary.invalid/{entry.rstrip('/')}", f"{host}:5000/{name}"):
            yield image + _ANY_TAG
        if path:
            yield entry.rstrip("/") + "-canary" + _ANY_TAG

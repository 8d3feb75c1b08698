"""Which canaries are sent when: for each rule, for the cluster-wide allowlist, for each tenant.

A case is a mapping with what `buildkeep.ci.canary` takes: name, namespace, pod, expect, policy, rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.canary_pods import (
    OF_AGENT,
    OF_BUILDER,
    Change,
    Pod,
    agent_pod,
    builder_pod,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.images import is_allowed, repository
from ansible_collections.buildkeep.ci.plugins.module_utils.names import (
    ANNOTATION_BUILDERS,
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
    """Give a pod for each rule about pods, which that rule must refuse in the namespace made for it."""
    profiles = settings.profiles
    cases = [_broken(agent_pod(profiles, CANARY_NAMESPACE), key, change) for key, change in OF_AGENT.items()]
    for profile in profiles.builders.values():
        cases += [_broken(builder_pod(profiles, CANARY_NAMESPACE, profile), key, OF_BUILDER[key]) for key in OF_BUILDER]
    return cases


def allowlist_cases(settings: Settings) -> list[Case]:
    """Give a pod for each entry of the cluster-wide list, to be admitted, and look-alikes of it, to be refused."""
    builders = {repository(profile.image) for profile in settings.profiles.builders.values()}
    cases = []
    for entry in (entry for entry in settings.images if entry not in builders):
        pod = agent_pod(settings.profiles, CANARY_NAMESPACE, _representative(entry))
        cases.append(_case(f"allowed-{entry}", CANARY_NAMESPACE, pod, "admitted"))
    for image in (one for one in _look_alikes(settings.images) if not is_allowed(one, settings.images)):
        pod = agent_pod(settings.profiles, CANARY_NAMESPACE, image)
        cases.append(_case(f"look-alike-{image}", CANARY_NAMESPACE, pod, "refused", POLICY_PODS, "images"))
    return cases


def tenant_cases(settings: Settings, objects: Sequence[Mapping[str, Any]]) -> list[Case]:
    """Give the canaries of every tenant in mode enforce: one bad pod for each wall, and what this run took away.

    Args:
        settings: of the inventory.
        objects: what `buildkeep.ci.apply` says of each object; `before` of a Namespace holds its old annotations.
    """
    before = {one["name"]: one.get("before") or {} for one in objects if one["kind"] == "Namespace"}
    enforcing = [tenant for tenant in settings.present if tenant.mode == "enforce"]
    return [case for tenant in enforcing for case in _tenant_cases(settings, tenant, before.get(tenant.namespace, {}))]


def _tenant_cases(settings: Settings, tenant: Tenant, before: Mapping[str, str]) -> Iterator[Case]:
    space = tenant.namespace
    bare = agent_pod(settings.profiles, tenant.name)
    bare["spec"]["hostNetwork"] = True
    yield _case(f"{space}-pod-security", space, bare, "refused", "PodSecurity")
    foreign = [_FOREIGN, *(_representative(entry) for entry in _removed(before, ANNOTATION_IMAGES, tenant.images))]
    for image in foreign:
        if not is_allowed(image, (*settings.images, *tenant.images)):
            pod = agent_pod(settings.profiles, tenant.name, image)
            yield _case(f"{space}-{image}", space, pod, "refused", POLICY_PODS, "images")
    for builder in _removed(before, ANNOTATION_BUILDERS, tenant.builders):
        if builder in settings.profiles.builders:
            pod = builder_pod(settings.profiles, tenant.name, settings.profiles.builders[builder])
            yield _case(f"{space}-{builder}", space, pod, "refused", POLICY_PODS, "service-account")


def _case(name: str, namespace: str, pod: Pod, expect: str, policy: str = "", rule: str = "") -> Case:
    return {"name": name, "namespace": namespace, "pod": pod, "expect": expect, "policy": policy, "rule": rule}


def _broken(pod: Pod, key: str, change: Change) -> Case:
    change(pod)
    return _case(key, CANARY_NAMESPACE, pod, "refused", POLICY_PODS, key.partition("/")[0])


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


def _removed(before: Mapping[str, str], annotation: str, now: Sequence[str]) -> list[str]:
    """List what an annotation of the namespace named and names no more."""
    old = [entry.strip() for entry in before.get(annotation, "").split(",")]
    return [entry for entry in old if entry and entry not in now]

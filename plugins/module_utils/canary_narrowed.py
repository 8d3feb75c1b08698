"""The canaries of what a run took away: for each entry a pod that uses it, and the rule that must refuse it now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.buildkeep.ci.plugins.module_utils.canary_pods import Pod, agent_pod
from ansible_collections.buildkeep.ci.plugins.module_utils.images import is_allowed
from ansible_collections.buildkeep.ci.plugins.module_utils.names import SA_BUILDER_PREFIX
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings
from ansible_collections.buildkeep.ci.plugins.module_utils.tenants import Tenant


class Lost(NamedTuple):
    """What was taken away, in words, a pod that uses it, and the rule that refuses it."""

    name: str
    pod: Pod
    rule: str


def representative(entry: str) -> str:
    """Name an image that an entry of an allowlist lets in."""
    return (f"{entry}canary" if entry.endswith("/") else entry) + ":canary"


def _image(settings: Settings, tenant: Tenant, entry: str) -> Lost | None:
    """An image of the entry, where no other entry lets it in."""
    image = representative(entry)
    if "/" not in entry or is_allowed(image, (*settings.images, *tenant.images)):
        return None
    return Lost(image, agent_pod(settings.profiles, tenant.name, image), "images")


def _builder(settings: Settings, tenant: Tenant, entry: str) -> Lost | None:
    """A pod that is good but for the builder's ServiceAccount, so that no wall but ours refuses it."""
    if entry in tenant.builders:
        return None
    pod = agent_pod(settings.profiles, tenant.name)
    pod["spec"]["serviceAccountName"] = SA_BUILDER_PREFIX + entry
    return Lost(f"builder-{entry}", pod, "service-account")


def _volume(rule: str, source: Callable[[str], dict[str, Any]]) -> Callable[[Settings, Tenant, str], Lost | None]:
    """A pod that mounts what was taken away."""

    def pod(settings: Settings, tenant: Tenant, entry: str) -> Lost:
        made = agent_pod(settings.profiles, tenant.name)
        made["spec"]["volumes"] = [{"name": "canary", **source(entry)}]
        return Lost(f"{rule}-{entry}", made, rule)

    return pod


_PODS: Mapping[str, Callable[[Settings, Tenant, str], Lost | None]] = {
    "images": _image,
    "builders": _builder,
    "claims": _volume("claims", lambda name: {"persistentVolumeClaim": {"claimName": name}}),
    "secrets": _volume("secrets", lambda name: {"secret": {"secretName": name}}),
    "csi-drivers": _volume("csi-drivers", lambda name: {"csi": {"driver": name}}),
}


def lost(settings: Settings, tenant: Tenant, narrowed: Mapping[str, Sequence[str]]) -> Iterator[Lost]:
    """Give a pod for each entry that was taken away from a tenant.

    Args:
        settings: of the inventory.
        tenant: as it is now.
        narrowed: of its Namespace, as `buildkeep.ci.apply` gives it: entries by word.
    """
    for word, pod in _PODS.items():
        for entry in narrowed.get(word, ()):
            if found := pod(settings, tenant, entry):
                yield found

"""A Jenkins that somebody else runs: what it lacks to be given tenants' clouds, and which clouds it has already."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings
from ansible_collections.buildkeep.ci.plugins.module_utils.names import LABEL_MANAGED_BY, MANAGED_BY

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def adopted(cluster: Cluster, settings: JenkinsSettings) -> list[str]:
    """Look at a Jenkins of others, and say what is to be known about it, a sentence each."""
    if settings.outside:
        return []  # no side-car reads ConfigMaps there, and its account is the role rbac's
    if cluster.get(cluster.resource("v1", "Namespace"), "", settings.namespace) is None:
        return [f"cluster: there is no namespace {settings.namespace}; correct buildkeep_controller.namespace"]
    account = cluster.get(cluster.resource("v1", "ServiceAccount"), settings.namespace, settings.service_account)
    warnings = []
    if account is None:
        text = f"there is no ServiceAccount {settings.namespace}/{settings.service_account}, as whom agents are made"
        warnings.append(f"cluster: {text}; correct buildkeep_controller.serviceAccount")
    found = cluster.list(cluster.resource("v1", "ConfigMap"), settings.namespace, selector=settings.config_label)
    return warnings + list(told(found, {tenant.name for tenant in settings.tenants}))


def told(configs: Iterable[Mapping[str, Any]], tenants: Collection[str]) -> Iterator[str]:
    """Say what ConfigMaps of others bring along that stands beside our clouds, or in their way.

    Args:
        configs: those that the side-car loads; ours are left out.
        tenants: names of the tenants, which are names of their clouds too.
    """
    ours = {f"cloud-{name}.yaml": name for name in tenants}
    for config in configs:
        metadata = config["metadata"]
        if (metadata.get("labels") or {}).get(LABEL_MANAGED_BY) == MANAGED_BY:
            continue
        where = f"cluster: ConfigMap {metadata['name']}"
        for key, text in sorted((config.get("data") or {}).items()):
            if key in ours:
                same = f'has a file {key}, as the tenant "{ours[key]}" has, and the side-car keeps one of the two'
                yield f"{where} {same}; rename it"
            try:
                clouds = list(_clouds(text))
            except yaml.YAMLError:
                yield f"{where}: {key} is no YAML, and Jenkins loads no file at all while one is wrong; correct it"
                continue
            for cloud in clouds:
                yield f"{where} {_cloud(cloud, tenants)}"


def _cloud(cloud: Mapping[str, Any], tenants: Collection[str]) -> str:
    name = str(cloud.get("name", ""))
    if name in tenants:
        text = f'has a cloud "{name}" of its own, and Jenkins takes the first of that name'
        return f"{text}; take it out, so that the tenant's is the one"
    text = f'has the cloud "{name}", which is no tenant\'s and which ours do not replace: its pods run where it says'
    if not cloud.get("usageRestricted"):
        text += ", and every job may use it (usageRestricted is not true)"
    return f"{text}; make it a tenant, or restrict it to folders"


def _clouds(text: str) -> Iterator[Mapping[str, Any]]:
    content = yaml.load(text, Loader=_LOADER)  # noqa: S506 (a safe loader)
    jenkins = content.get("jenkins") if isinstance(content, Mapping) else None
    listed = jenkins.get("clouds") if isinstance(jenkins, Mapping) else None
    for entry in listed if isinstance(listed, list) else ():
        for cloud in entry.values() if isinstance(entry, Mapping) else ():
            if isinstance(cloud, Mapping):
                yield cloud

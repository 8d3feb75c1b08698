"""A Jenkins that somebody else runs: what it lacks to be given tenants' clouds, and which clouds it has already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings
from ansible_collections.buildkeep.ci.plugins.module_utils.names import LABEL_MANAGED_BY, MANAGED_BY

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def adopted(cluster: Cluster, settings: JenkinsSettings) -> list[str]:
    """Look at a Jenkins of others, and say what is to be known about it, a sentence each."""
    if cluster.get(cluster.resource("v1", "Namespace"), "", settings.namespace) is None:
        return [f"cluster: there is no namespace {settings.namespace}; correct buildkeep_controller.namespace"]
    account = cluster.get(cluster.resource("v1", "ServiceAccount"), settings.namespace, settings.service_account)
    warnings = []
    if account is None:
        text = f"there is no ServiceAccount {settings.namespace}/{settings.service_account}, as whom agents are made"
        warnings.append(f"cluster: {text}; correct buildkeep_controller.serviceAccount")
    found = cluster.list(cluster.resource("v1", "ConfigMap"), settings.namespace, selector=settings.config_label)
    return warnings + list(told(clouds(found), {tenant.name for tenant in settings.tenants}))


def clouds(configs: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield (cloud, ConfigMap) for each cloud in ConfigMaps of others; what is no JCasC says nothing."""
    for config in configs:
        metadata = config["metadata"]
        if (metadata.get("labels") or {}).get(LABEL_MANAGED_BY) == MANAGED_BY:
            continue
        for text in (config.get("data") or {}).values():
            for cloud in _listed(text):
                yield cloud, str(metadata["name"])


def _listed(text: str) -> Iterator[str]:
    try:
        content = yaml.load(text, Loader=_LOADER)  # noqa: S506 (a safe loader)
    except yaml.YAMLError:
        return  # Jenkins says it louder
    jenkins = content.get("jenkins") if isinstance(content, Mapping) else None
    listed = jenkins.get("clouds") if isinstance(jenkins, Mapping) else None
    for entry in listed if isinstance(listed, list) else ():
        for cloud in entry.values() if isinstance(entry, Mapping) else ():
            if isinstance(cloud, Mapping) and cloud.get("name"):
                yield str(cloud["name"])


def told(found: Iterable[tuple[str, str]], tenants: Iterable[str]) -> Iterator[str]:
    """Put into words which clouds are there beside ours.

    Args:
        found: what clouds() gives.
        tenants: names of the tenants, which are names of their clouds.
    """
    ours = set(tenants)
    for cloud, config in sorted(set(found)):
        if cloud in ours:
            text = f'has a cloud "{cloud}" of its own, and Jenkins takes the first of that name'
            yield f"cluster: ConfigMap {config} {text}; take it out, so that the tenant's is the one"
        else:
            text = f'has the cloud "{cloud}", which is no tenant\'s and which ours do not replace'
            yield f"cluster: ConfigMap {config} {text}; its pods run where it says, without a tenant's walls"

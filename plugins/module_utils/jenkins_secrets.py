"""Secrets of the controller: two that are made once with a random value, and those that others must have made.

Only names and keys are ever looked at or spoken of.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_values import PASSWORD_KEY, RELOAD_TOKEN, USER_KEY
from ansible_collections.buildkeep.ci.plugins.module_utils.names import LABEL_MANAGED_BY, LABEL_ROLE, MANAGED_BY

ROLE = "jenkins"
_BYTES = 32
Object = Mapping[str, Any]


def own(settings: JenkinsSettings) -> dict[str, tuple[str, ...]]:
    """Name the Secrets that are made where they are missing, with their keys."""
    return {settings.admin_secret: (USER_KEY, PASSWORD_KEY), settings.reload_secret: (RELOAD_TOKEN,)}


def new(name: str, settings: JenkinsSettings) -> dict[str, Any]:
    """Make one of own() with a new random value (256 bits, safe in a URL)."""
    values = {key: secrets.token_urlsafe(_BYTES) for key in own(settings)[name]}
    if USER_KEY in values:
        values[USER_KEY] = settings.admin_user
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": settings.namespace,
            "labels": {LABEL_MANAGED_BY: MANAGED_BY, LABEL_ROLE: ROLE},
        },
        "type": "Opaque",
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()},
    }


def missing(cluster: Cluster, settings: JenkinsSettings) -> list[str]:
    """Name those of own() that are not there yet. Raises BuildkeepError for one that lacks a key."""
    absent, problems = [], []
    for name, keys in own(settings).items():
        found = _keys(cluster, settings.namespace, name)
        if found is None:
            absent.append(name)
            continue
        lacking = [key for key in keys if key not in found]
        if lacking:
            field = "buildkeep_jenkins.admin.secret" if name == settings.admin_secret else "cluster"
            text = f"Secret {settings.namespace}/{name} has no key {' and no '.join(lacking)}"
            problems.append(f"{field}: {text}. Add it, or delete the Secret and let Buildkeep make it.")
    if problems:
        raise BuildkeepError(problems)
    return absent


def _keys(cluster: Cluster, namespace: str, name: str) -> frozenset[str] | None:
    found = cluster.get(cluster.resource("v1", "Secret"), namespace, name)
    return None if found is None else frozenset(key for key, value in (found.get("data") or {}).items() if value)


def make(cluster: Cluster, settings: JenkinsSettings, names: Sequence[str]) -> None:
    """Make those Secrets; one that somebody made meanwhile is left as it is."""
    resource = cluster.resource("v1", "Secret")
    for name in names:
        if cluster.get(resource, settings.namespace, name) is None:
            what = f"make Secret {settings.namespace}/{name}"
            cluster.client.request("POST", resource.path(settings.namespace), new(name, settings), what=what)


def needed(spec: Object) -> Iterator[tuple[str, str]]:
    """Yield the Secrets that a pod cannot start without: (name, key), the key empty where all are taken."""
    for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
        for variable in container.get("env") or ():
            yield from _reference((variable.get("valueFrom") or {}).get("secretKeyRef"))
        for source in container.get("envFrom") or ():
            yield from _reference(source.get("secretRef"))
    for volume in spec.get("volumes") or ():
        whole = volume.get("secret") or {}
        yield from _items({**whole, "name": whole.get("secretName")})
        for source in (volume.get("projected") or {}).get("sources") or ():
            yield from _items(source.get("secret") or {})


def _reference(reference: Object | None) -> Iterator[tuple[str, str]]:
    if reference and not reference.get("optional"):
        yield reference["name"], reference.get("key", "")


def _items(source: Object) -> Iterator[tuple[str, str]]:
    if source.get("name") and not source.get("optional"):
        yield from ((source["name"], item["key"]) for item in source.get("items") or [{"key": ""}])


def absent(cluster: Cluster, settings: JenkinsSettings, specs: Sequence[Object]) -> list[str]:
    """Say which Secrets or keys of others the pods lack, a sentence each."""
    wanted = sorted({one for spec in specs for one in needed(spec) if one[0] not in own(settings)})
    found = {name: _keys(cluster, settings.namespace, name) for name in {name for name, _ in wanted}}
    problems = []
    for name, key in wanted:
        keys = found[name]
        if keys is None or (key and key not in keys):
            what = f"there is no Secret {settings.namespace}/{name}" if keys is None else f"{name} has no key {key}"
            text = f"{what}, and the controller's pod could not start"
            problems.append(f"cluster: {text}. Make it first; its namespace may be made before this run.")
    return list(dict.fromkeys(problems))

"""A release whose run died in the middle: Helm refuses to touch it until its unfinished record is gone."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_helm import Release
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings

# Seconds in which a run that is alive comes to its end: Helm's work without any wait takes two or three.
GRACE_SECONDS = 10.0
_PAUSE_SECONDS = 0.5


def is_pending(release: Release | None) -> bool:
    """Whether a run of Helm has begun and not ended."""
    return release is not None and release.status.startswith("pending")


def take_over(cluster: Cluster, settings: JenkinsSettings, release: Release) -> str:
    """Delete the unfinished record once it is too old to be at work; what it made stays, and is made again as wanted.

    Args:
        cluster: where.
        settings: of which release.
        release: as it was seen, pending.

    Returns:
        a sentence for the user, empty where the other run has ended by itself.

    Raises:
        BuildkeepError: the record is not kept in a Secret.
    """
    resource = cluster.resource("v1", "Secret")
    name = f"sh.helm.release.v1.{settings.name}.v{release.revision}"
    first = cluster.get(resource, settings.namespace, name)
    if first is None:
        text = f"the release {settings.namespace}/{settings.name} is {release.status}, and its record is in no Secret"
        raise BuildkeepError([f"cluster: {text}. Bring it to an end with helm, by `helm rollback` or `uninstall`."])
    while _age(cluster, settings, first) < GRACE_SECONDS:
        threading.Event().wait(_PAUSE_SECONDS)
        now = cluster.get(resource, settings.namespace, name)
        if now is None or not now["metadata"].get("labels", {}).get("status", "").startswith("pending"):
            return ""
    body = {"preconditions": {"uid": first["metadata"]["uid"]}}
    what = f"delete the record of the unfinished revision {release.revision}"
    cluster.client.request("DELETE", resource.path(settings.namespace, name), body, what=what)
    return f"revision {release.revision} of the release was left {release.status} by a run that died; it is done again"


def _age(cluster: Cluster, settings: JenkinsSettings, item: Mapping[str, Any]) -> float:
    """Seconds since something was made, by the API server's own clock, which a dry run tells."""
    resource = cluster.resource("v1", "ConfigMap")
    probe = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "buildkeep-clock-"}}
    path = resource.path(settings.namespace)
    made = cluster.client.request("POST", path, probe, query={"dryRun": "All"}, what="ask for the time").body
    began, now = (datetime.fromisoformat(one["metadata"]["creationTimestamp"]) for one in (item, made))
    return (now - began).total_seconds()

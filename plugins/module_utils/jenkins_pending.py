"""A release whose run died in the middle: Helm refuses to touch it until its unfinished record is gone."""

from __future__ import annotations

import threading
import time

from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_helm import Release
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings

# Seconds in which a run that is alive gets on: Helm's work without any wait takes two or three.
GRACE_SECONDS = 10.0
_PAUSE_SECONDS = 0.5


def is_pending(release: Release | None) -> bool:
    """Whether a run of Helm has begun and not ended."""
    return release is not None and release.status.startswith("pending")


def take_over(cluster: Cluster, settings: JenkinsSettings, release: Release) -> str:
    """Delete the unfinished record once nothing moves it any more; what it made stays, and is made again as wanted.

    Args:
        cluster: where.
        settings: of which release.
        release: as it was seen, pending.

    Returns:
        a sentence for the user, empty where the other run has ended by itself.

    Raises:
        BuildkeepError: another run is at work, or the record is not kept in a Secret.
    """
    resource = cluster.resource("v1", "Secret")
    name = f"sh.helm.release.v1.{settings.name}.v{release.revision}"
    first = cluster.get(resource, settings.namespace, name)
    if first is None:
        text = f"the release {settings.namespace}/{settings.name} is {release.status}, and its record is in no Secret"
        raise BuildkeepError([f"cluster: {text}. Bring it to an end with helm, by `helm rollback` or `uninstall`."])
    end = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < end:
        threading.Event().wait(_PAUSE_SECONDS)
        now = cluster.get(resource, settings.namespace, name)
        if now is None or not now["metadata"].get("labels", {}).get("status", "").startswith("pending"):
            return ""
        if now["metadata"]["resourceVersion"] != first["metadata"]["resourceVersion"]:
            text = f"somebody is at work on the release {settings.namespace}/{settings.name}"
            raise BuildkeepError([f"cluster: {text}. Run again when they have ended."])
    body = {"preconditions": {"uid": first["metadata"]["uid"]}}
    what = f"delete the record of the unfinished revision {release.revision}"
    cluster.client.request("DELETE", resource.path(settings.namespace, name), body, what=what)
    return f"revision {release.revision} of the release was left {release.status} by a run that died; it is done again"

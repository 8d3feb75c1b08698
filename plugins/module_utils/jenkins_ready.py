"""Waits until the controller is ready, and says what holds it up where it is not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings

_PAUSE_SECONDS = 2.0
_LAST_EVENTS = 3


def is_ready(item: Mapping[str, Any]) -> bool:
    """Whether all pods of a StatefulSet are of its newest revision, and ready."""
    status, wanted = item.get("status") or {}, item["spec"].get("replicas", 1)
    seen = status.get("observedGeneration", 0) >= item["metadata"].get("generation", 0)
    new = status.get("updateRevision") == status.get("currentRevision") or status.get("updatedReplicas", 0) >= wanted
    return bool(seen and new and status.get("readyReplicas", 0) >= wanted)


def wait_ready(cluster: Cluster, settings: JenkinsSettings, timeout: float) -> None:
    """Wait.

    Args:
        cluster: where.
        settings: which controller.
        timeout: seconds.

    Raises:
        BuildkeepError: it was not ready in time; with what its containers and events say.
    """
    resource = cluster.resource("apps/v1", "StatefulSet")
    end = time.monotonic() + timeout
    while True:
        item = cluster.get(resource, settings.namespace, settings.name)
        if item is not None and is_ready(item):
            return
        if time.monotonic() >= end:
            break
        threading.Event().wait(min(_PAUSE_SECONDS, max(0.05, end - time.monotonic())))
    name = f"StatefulSet {settings.namespace}/{settings.name}"
    if item is None:
        raise BuildkeepError([f"cluster: there is no {name}. Run site.yml with the tag jenkins."])
    reasons = list(_reasons(cluster, settings)) or ["no pod of it has been made yet"]
    raise BuildkeepError(
        [
            f"cluster: {name} was not ready within {timeout:g} s: {'; '.join(reasons)}. Correct that, or raise "
            "buildkeep_jenkins.timeout; the next run goes on from here"
        ]
    )


def waiting(pod: Mapping[str, Any]) -> Iterator[str]:
    """Say in words what each container of a pod waits for."""
    status = pod.get("status") or {}
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            yield f"not scheduled: {condition.get('message') or condition.get('reason')}"
    for one in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        state, last = one.get("state") or {}, (one.get("lastState") or {}).get("terminated") or {}
        held = state.get("waiting") or {}
        if held and held.get("reason") not in (None, "PodInitializing", "ContainerCreating"):
            yield f'container "{one["name"]}": {held["reason"]}: {held.get("message", "")}'.rstrip(": ")
        if last.get("exitCode"):
            yield f'container "{one["name"]}" ended with {last["exitCode"]} ({last.get("reason", "")})'
    if not status.get("containerStatuses") and status.get("phase") == "Pending" and not status.get("conditions"):
        yield "no node has taken it"


def _reasons(cluster: Cluster, settings: JenkinsSettings) -> Iterator[str]:
    selector = f"app.kubernetes.io/instance={settings.name}"
    names = [settings.name, f"{settings.name}-0"]
    for pod in cluster.list(cluster.resource("v1", "Pod"), settings.namespace, selector=selector):
        names.append(pod["metadata"]["name"])
        yield from (f"Pod {pod['metadata']['name']}: {text}" for text in waiting(pod))
    events = [
        one
        for one in cluster.list(cluster.resource("v1", "Event"), settings.namespace)
        if one.get("type") == "Warning" and (one.get("involvedObject") or {}).get("name") in names
    ]
    for event in events[-_LAST_EVENTS:]:
        yield f"{event['involvedObject']['kind']} {event['involvedObject']['name']}: {event.get('message', '')}"

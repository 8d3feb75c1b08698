"""What a pod's status means for a build, and how the plugin words it. Pure.

After jenkinsci/kubernetes-plugin: KubernetesLauncher, AllContainersRunningPodWatcher, TaskListenerEventWatcher and the
Reaper's listeners, which end an agent whose image cannot be pulled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Reasons of a waiting container that waiting does not mend.
HOPELESS = frozenset({
    "CreateContainerConfigError", "CreateContainerError", "ErrImageNeverPull", "ImageInspectError",
    "ImagePullBackOff", "InvalidImageName", "RunContainerError",
})  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """`running`: every container runs. `problem`: it never will. Neither: wait. `ended`: containers with a log."""

    running: bool = False
    problem: str = ""
    ended: tuple[str, ...] = ()


def judge(pod: Mapping[str, Any]) -> Verdict:
    """Judges a pod by its status."""
    status = pod.get("status") or {}
    name = pod["metadata"]["name"]
    statuses = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    ended = {each["name"]: _state(each, "terminated") for each in statuses if _state(each, "terminated")}
    init = {each["name"] for each in status.get("initContainerStatuses") or ()}
    codes = {each: state.get("exitCode") for each, state in ended.items() if each not in init or state.get("exitCode")}
    if codes:
        told = ", ".join(f"{container}: {code}" for container, code in codes.items())
        return Verdict(problem=f"Containers are terminated with exit codes: {told}", ended=tuple(codes))
    for each in statuses:
        waiting = _state(each, "waiting")
        if waiting.get("reason") in HOPELESS:
            words = f"{waiting['reason']}: {waiting.get('message', '')}".rstrip(": ")
            return Verdict(problem=f"Container {each['name']} cannot start: {words}")
    if status.get("phase") in ("Failed", "Succeeded"):
        words = " ".join(filter(None, (status.get("reason"), status.get("message"))))
        return Verdict(problem=f"Pod {name} is {status['phase']}{f': {words}' if words else ''}")
    wanted = {each["name"] for each in pod["spec"]["containers"]}
    running = {each["name"] for each in status.get("containerStatuses") or () if _state(each, "running") is not None
               and "running" in (each.get("state") or {})}  # fmt: skip
    return Verdict(running=wanted <= running)


def _state(status: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    return (status.get("state") or {}).get(kind) or {}


def standing(pod: Mapping[str, Any]) -> str:
    """Why a pod is not running yet, in a few words."""
    status = pod.get("status") or {}
    statuses = status.get("containerStatuses") or ()
    words = [f"{each['name']}: {_state(each, 'waiting').get('reason')}" for each in statuses
             if _state(each, "waiting")]  # fmt: skip
    words += [str(each.get("message")) for each in status.get("conditions") or ()
              if each.get("type") == "PodScheduled" and each.get("status") == "False"]  # fmt: skip
    return "; ".join([str(status.get("phase") or "Unknown"), *words])


def event_line(event: Mapping[str, Any]) -> str:
    """A Kubernetes event as a line of the build log."""
    about = event.get("involvedObject") or {}
    place = f"{about.get('namespace')}/{about.get('name')}"
    return f"[{event.get('type')}][{place}][{event.get('reason')}] {event.get('message')}"


def refusal(cloud: str, namespace: str, name: str, words: str) -> str:
    """The API server refused the pod for good."""
    return f"ERROR: Unable to create pod {cloud} {namespace}/{name}.\n{words}"


def over_quota(cloud: str, namespace: str, name: str, words: str) -> str:
    """The API server refused the pod for now."""
    return (f"WARNING: Unable to create pod: {cloud} {namespace}/{name} because kubernetes resource quota exceeded.\n"
            f"{words}\nRetrying...\n")  # fmt: skip


def is_over_quota(status: int, message: str) -> bool:
    """Whether a refusal is one that passes: the quota is used up, or two requests met in it."""
    return (status == 403 and "is forbidden: exceeded quota" in message) or (
        status == 409 and "Operation cannot be fulfilled on resourcequotas" in message
    )

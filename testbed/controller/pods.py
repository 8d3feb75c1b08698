"""What a pod's status means for a build that waits for it, and how the plugin words it. Pure.

After jenkinsci/kubernetes-plugin 4423: KubernetesLauncher, PodStatusEventHandler, PodUtils.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# Reasons of a waiting container that waiting does not mend. The plugin waits all the same, until the time is over; an
# image that cannot be pulled is the reaper's business.
HOPELESS = frozenset({
    "CreateContainerConfigError", "CreateContainerError", "ErrImageNeverPull", "ImageInspectError",
    "InvalidImageName", "RunContainerError",
})  # fmt: skip
CONTROLLER_LABEL = "kubernetes.jenkins.io/controller"


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


def info(pod: Mapping[str, Any]) -> str:
    """What the build log says of a pod that changed; empty when there is nothing to say.

    Every container that does not run, and every condition that has a reason (PodStatusEventHandler.onUpdate).
    """
    status = pod.get("status") or {}
    parts: list[str] = []
    for each in status.get("containerStatuses") or ():
        for kind in ("terminated", "waiting"):
            if state := _state(each, kind):
                words = state.get("message") or "No message"
                parts.append(f"Container [{each['name']}] {kind} [{state.get('reason')}] {words}")
    for each in status.get("conditions") or ():
        if each.get("reason"):
            words = each.get("message") or "No message"
            parts.append(f"Pod [{status.get('phase')}][{each['reason']}] {words}")
    place = f"{pod['metadata'].get('namespace')}/{pod['metadata']['name']}"
    return "\n\t".join([f"[PodInfo] {place}", *dict.fromkeys(parts)]) if parts else ""


def last_words(pod: Mapping[str, Any], read: Callable[[str], str]) -> str:
    """The containers of a pod that ended, each with the last lines of its log (PodUtils.logLastLines).

    Args:
        pod: with its status.
        read: gives a container's last lines.
    """
    lines: list[str] = []
    for each in (pod.get("status") or {}).get("containerStatuses") or ():
        state = next(iter(each.get("state") or {}), "")
        code = f" ({_state(each, 'terminated').get('exitCode')})" if state == "terminated" else ""
        lines += ["", f"- {each['name']} -- {state}{code}" if state else f"- {each['name']}", "-----Logs-------------"]
        lines.append(read(each["name"]).rstrip())
    return "\n".join(lines)


def event_line(event: Mapping[str, Any]) -> str:
    """A Kubernetes event in one line."""
    about = event.get("involvedObject") or {}
    place = f"{about.get('namespace')}/{about.get('name')}"
    return f"[{event.get('type')}][{place}][{event.get('reason')}] {event.get('message')}"


def refusal(cloud: str, namespace: str, name: str, words: str) -> str:
    """The API server refused the pod for good."""
    return f"ERROR: Unable to create pod {cloud} {namespace}/{name}.\n{words}"


def over_quota(cloud: str, namespace: str, name: str, status: int, words: str) -> str:
    """The API server refused the pod for now."""
    why = "update conflict" if status == 409 else "exceeded"
    return (f"WARNING: Unable to create pod: {cloud} {namespace}/{name} because kubernetes resource quota {why}. \n"
            f"{words}\nRetrying...\n")  # fmt: skip


def is_over_quota(status: int, message: str) -> bool:
    """Whether a refusal is one that passes: the quota is used up, or two requests met in it."""
    return (status == 403 and "is forbidden: exceeded quota" in message) or (
        status == 409 and "Operation cannot be fulfilled on resourcequotas" in message
    )

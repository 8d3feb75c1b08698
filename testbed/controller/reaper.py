"""When an agent ends because of its pod, and what the build log says then. Pure.

After jenkinsci/kubernetes-plugin 4423, pod/retention/Reaper.java and its four listeners, and
KubernetesAgentErrorCondition, which tells what `retry` may run again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# What a build log says at its end (jenkinsci/workflow-durable-task-step-plugin, ExecutorStepExecution).
REMOVED = "Agent was removed"
CANCELLED = "Queue task was cancelled"
BACKOFF_EVENTS = 3  # the plugin's system property backoffEventsLimit
BACKOFF_WORDS = "Back-off pulling image"
EVICTED = "EvictionByEvictionAPI"
# A pod that ended for these reasons would end so again.
NOT_RETRIED = frozenset({"OOMKilled", "Completed", "DeadlineExceeded"})


@dataclass(frozen=True)
class End:
    """Why an agent is no more.

    Attributes:
        words: for the build log.
        last_words: whether its containers' last lines follow.
        cancelled: whether a build that still waits for the agent is cancelled; if not, Jenkins makes another agent.
        retryable: what the condition `kubernetesAgent()` says.
    """

    words: str
    last_words: bool = True
    cancelled: bool = True
    retryable: bool = True


@dataclass
class Reaper:
    """Judges what happens to one pod; `limit`: back-off events that end it; `reasons`: why containers ended."""

    limit: int = BACKOFF_EVENTS
    backoffs: int = 0
    reasons: set[str] = field(default_factory=set)

    def judge(self, kind: str, pod: Mapping[str, Any]) -> tuple[str, End | None]:
        """(what the build log says meanwhile, the agent's end if this is it).

        Args:
            kind: ADDED, MODIFIED or DELETED.
            pod: as it is now; for DELETED as it was last.
        """
        place = f"{pod['metadata'].get('namespace')}/{pod['metadata']['name']}"
        if kind == "DELETED":
            return "", End(f"Pod {place} was just deleted", False, False, self.retryable())
        if kind != "MODIFIED":
            return "", None
        status = pod.get("status") or {}
        containers = status.get("containerStatuses") or ()
        if ended := [each for each in containers if (each.get("state") or {}).get("terminated") is not None]:
            self.reasons |= {reason for each in ended if (reason := each["state"]["terminated"].get("reason"))}
            names = ",".join(each["name"] for each in ended)
            many = f"Containers {names} were" if len(ended) > 1 else f"Container {names} was"
            return "", self.ended(f"{place} {many} terminated.", status)
        if status.get("phase") == "Failed":
            return "", self.ended(f"{place} Pod just failed.", status)
        return self.backoff([each.get("image", "") for each in containers if _backs_off(each)])

    def ended(self, words: str, status: Mapping[str, Any]) -> End:
        """A pod, or containers of it, that ended by themselves or were evicted."""
        reason, message = status.get("reason"), status.get("message")
        details = [f"{key}: {value}" for key, value in (("Reason", reason), ("Message", message)) if value]
        if reason:
            self.reasons.add(reason)
        words += f" {', '.join(details)}." if details else ""
        if any(each.get("reason") == EVICTED for each in status.get("conditions") or ()):
            self.reasons.add(EVICTED)
            words += " Pod was evicted by the Kubernetes Eviction API."
        return End(words, retryable=self.retryable())

    def backoff(self, images: list[str]) -> tuple[str, End | None]:
        """Images that cannot be pulled are waited for, a few events long."""
        if not images:
            return "", None
        self.backoffs += 1
        if self.backoffs < self.limit:
            return ("ERROR: Image pull backoff detected, waiting for image to be available. Will wait for"
                    f" {self.limit - self.backoffs} more events before terminating the node."), None  # fmt: skip
        self.reasons.add("ImagePullBackOff")
        return "", End(f'ERROR: Unable to pull container image "{",".join(images)}". Check if image tag name is spelled'
                       " correctly.", last_words=False, retryable=self.retryable())  # fmt: skip

    def retryable(self) -> bool:
        """Whether `retry` with the condition `kubernetesAgent()` runs what was on this agent again."""
        return not self.reasons or not self.reasons <= NOT_RETRIED


def _backs_off(status: Mapping[str, Any]) -> bool:
    return BACKOFF_WORDS in str(((status.get("state") or {}).get("waiting") or {}).get("message", ""))

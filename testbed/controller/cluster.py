"""What a build needs of the API server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

Object = dict[str, Any]
# What an API server answers in the first second after its start: a 403 that passes.
NOT_READY = (
    "is forbidden: not yet ready to handle request",
    'clusterrole.rbac.authorization.k8s.io "system:basic-user" not found',  # a role that every cluster has
)
GONE = 410  # the version that a watch would go on from is no longer known


class ApiError(Exception):
    """The API server's answer was no. `message` is its own; `status` is 0 when there was no answer."""

    def __init__(self, method: str, url: str, status: int, message: str, reason: str = "") -> None:
        """Keeps the parts; str() is as the Java client that Jenkins uses words it."""
        self.status, self.message, self.reason = status, message, reason
        received = (f"Received status: Status(apiVersion=v1, code={status}, kind=Status, message={message},"
                    f" reason={reason}, status=Failure).")  # fmt: skip
        super().__init__(f"Failure executing: {method} at: {url}. Message: {message}. {received}")

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed a little later: no answer, too many requests, a server's failure."""
        return self.status in (0, 429) or self.status >= 500 or any(words in self.message for words in NOT_READY)


class Cluster(Protocol):
    """Every method raises ApiError when the answer is no."""

    def configmaps(self, namespace: str, selector: str) -> list[Object]:
        """The ConfigMaps with these labels."""

    def create_pod(self, namespace: str, pod: Mapping[str, Any]) -> Object:
        """Creates a pod."""

    def create_claim(self, namespace: str, claim: Mapping[str, Any]) -> None:
        """Creates a PersistentVolumeClaim."""

    def pod(self, namespace: str, name: str) -> Object:
        """A pod as it is now."""

    def delete_pod(self, namespace: str, name: str) -> None:
        """Deletes a pod, which may be gone already."""

    def listed(self, namespace: str, labels: str) -> tuple[list[Object], str]:
        """The pods with these labels, and the version that a watch goes on from."""

    def watch(self, namespace: str, labels: str, version: str, seconds: int) -> Iterator[Object]:
        """What happens to pods with these labels after `version`, for some seconds: `{type, object}`."""

    def log(self, namespace: str, name: str, container: str, lines: int) -> str:
        """The last lines of a container's log."""

    def events(self, namespace: str, name: str, uid: str) -> list[Object]:
        """What was reported about a pod."""

    def refresh(self, namespace: str, name: str, annotations: Mapping[str, str]) -> None:
        """Writes annotations of a pod that is there."""

    def left_behind(self, namespace: str, labels: str) -> list[Object]:
        """The pods with these labels."""

    def run(self, namespace: str, name: str, container: str, argv: Sequence[str], sink: Callable[[bytes], None],
            interrupted: Callable[[], bool]) -> int:  # fmt: skip
        """Runs a command in a container, gives its output to `sink`, answers the exit code."""

"""What the API server refused, as one sentence with a remedy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

REMEDIES = {
    400: "correct the object",
    401: "log in again, or name another kubeconfig or context: the API server does not accept these credentials",
    403: "use a kubeconfig whose user may do this",
    404: "make it first, or correct the name",
    405: "the API server does not offer this for that kind",
    409: "run again: something else changed it at the same moment",
    413: "make the object smaller",
    415: "the API server is too old for server-side apply: use Kubernetes 1.22 or newer",
    422: "correct the field that the message names",
    429: "run again later: the API server is overloaded",
}
SERVER_REMEDY = "run again; if it stays, look at the API server's log"


class Unreachable(BuildkeepError):  # noqa: N818 - reads as what happened
    """No answer from the API server at all."""


class Lost(Unreachable):
    """Nobody listens, or connections break: as while an API server starts again."""


class NotServed(BuildkeepError):  # noqa: N818
    """A kind that this API server does not have."""


class ApiError(BuildkeepError):
    """An answer of the API server that is an error.

    Args:
        what: the request in words, such as 'apply ConfigMap shop/a'.
        status: HTTP status.
        body: the Status object of the answer (meta/v1), or whatever came.
    """

    def __init__(self, what: str, status: int, body: Mapping[str, Any]) -> None:
        self.status = status
        self.reason = str(body.get("reason") or status)
        self.server_message = str(body.get("message") or "no message")
        self.details: Mapping[str, Any] = body.get("details") or {}
        remedy = REMEDIES.get(status, SERVER_REMEDY)
        super().__init__([f"{what}: {self.reason} ({status}): {self.server_message}; {remedy}"])

    def field_conflicts(self) -> list[tuple[str, str]]:
        """Fields that another manager owns: (field path, the server's words). Empty for any other error."""
        causes = self.details.get("causes") or []
        return [
            (str(cause.get("field", "")), str(cause.get("message", "")))
            for cause in causes
            if cause.get("reason") == "FieldManagerConflict"
        ]

    def namespace_missing(self) -> bool:
        """Whether the namespace of a namespaced object is what is missing."""
        return self.status == 404 and self.details.get("kind") == "namespaces"

    def namespace_terminating(self) -> bool:
        """Whether the namespace is being deleted (admission plugin NamespaceLifecycle)."""
        causes = self.details.get("causes") or []
        return self.status == 403 and any(cause.get("reason") == "NamespaceTerminating" for cause in causes)


def collect(errors: list[BuildkeepError], most: int = 20) -> BuildkeepError:
    """One error of many, each problem once, the first `most` of them."""
    problems = list(dict.fromkeys(problem for error in errors for problem in error.problems))
    left = len(problems) - most
    return BuildkeepError(problems[:most] + ([f"... and {left} more problems like these"] if left > 0 else []))

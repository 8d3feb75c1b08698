"""Canaries: pods sent as dry runs, to see that the API server refuses what it must and admits what it may.

A refusal counts only when it names our policy and rule: any other error proves nothing about the wall meant.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster, parallel
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

REFUSED, ADMITTED = "refused", "admitted"
POD_SECURITY = "PodSecurity"
# Quota answers last: who meets it has passed every policy (kube-apiserver, plugins.go, AllOrderedPlugins).
_QUOTA = ("exceeded quota:", "status unknown for quota:")
POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Case:
    """One pod and what must become of it. `policy` PodSecurity means Pod Security Admission, which has no rules.

    `since` is the Kubernetes version (`1.35`) from which on the API server keeps the field that the case is about: an
    older one drops it before any policy sees it, so there is nothing to refuse.
    """

    name: str
    namespace: str
    pod: Mapping[str, Any]
    expect: str
    policy: str = ""
    rule: str = ""
    since: str = ""

    def applies(self, version: tuple[int, int]) -> bool:
        """Whether an API server of this version knows what the case is about."""
        return not self.since or version >= tuple(int(part) for part in self.since.split("."))


@dataclass(frozen=True)
class Reply:
    """What became of a case: `ok`, `admitted` at all, the server's words, and whether trying again is pointless."""

    ok: bool
    admitted: bool
    message: str = ""
    namespace_missing: bool = False
    hopeless: bool = False


def read_cases(raw: Sequence[Mapping[str, Any]]) -> list[Case]:
    """Cases from the task's arguments. Raises BuildkeepError naming every case that says too little."""
    problems: list[str] = []
    cases: list[Case] = []
    for index, entry in enumerate(raw):
        fields: dict[str, Any] = {name: entry.get(name) or "" for name in Case.__dataclass_fields__}
        case = Case(**fields)
        if case.expect == REFUSED and not (case.policy and (case.rule or case.policy == POD_SECURITY)):
            problems.append(f"cases[{index}] ({case.name}): expect refused needs policy and rule: name both")
        cases.append(case)
    if problems:
        raise BuildkeepError(problems)
    return cases


def is_refusal(case: Case, message: str) -> bool:
    """Whether the server's words are the refusal meant by the case."""
    if case.policy == POD_SECURITY:
        return "violates PodSecurity" in message
    return f"ValidatingAdmissionPolicy '{case.policy}'" in message and f"[{case.rule}]" in message


def judge(case: Case, error: ApiError | None) -> Reply:
    """What an answer means for a case. No error means admitted."""
    message = error.server_message if error else ""
    by_quota = error is not None and error.status == 403 and any(words in message for words in _QUOTA)
    if error is None or by_quota:
        return Reply(case.expect == ADMITTED, True, message)
    refusal = error.status in {403, 422} and is_refusal(case, message)
    return Reply(
        ok=case.expect == REFUSED and refusal,
        admitted=False,
        message=message,
        namespace_missing=error.namespace_missing(),
        hopeless=error.status == 401 or "cannot impersonate resource" in message,
    )


def identity(user: str, groups: Sequence[str]) -> list[tuple[str, str]]:
    """The headers that make a request somebody else's."""
    return [("Impersonate-User", user), *(("Impersonate-Group", group) for group in groups)] if user else []


class Canary:
    """Sends cases to one cluster under one identity."""

    def __init__(self, cluster: Cluster, headers: Sequence[tuple[str, str]]) -> None:
        self._cluster = cluster
        self._headers = headers

    def send(self, case: Case) -> Reply:
        """Sends one case once. Raises Unreachable."""
        pod = {"apiVersion": "v1", "kind": "Pod", **case.pod}
        pod["metadata"] = {"name": f"canary-{case.name}", **(pod.get("metadata") or {}), "namespace": case.namespace}
        path = self._cluster.resource("v1", "Pod").path(case.namespace)
        try:
            self._cluster.client.request(
                "POST",
                path,
                pod,
                query={"dryRun": "All", "fieldValidation": "Strict"},
                impersonate=self._headers,
                what=f"canary {case.name}",
            )
        except ApiError as error:
            return judge(case, error)
        return judge(case, None)

    def run(self, cases: Sequence[Case], timeout: float, check: bool) -> tuple[list[Case], list[tuple[Case, Reply]]]:
        """Sends the cases until all are as expected: first those to be refused, then, with the walls up, the others.

        Args:
            cases: what to send.
            timeout: seconds in all. Policies are read by the API server once a second, namespaces' labels within
                milliseconds, so the first answers may be old.
            check: leave out cases whose namespace does not exist yet.

        Returns:
            The cases left out, and those not as expected with their last reply.
        """
        end = time.monotonic() + timeout
        skipped: list[Case] = []
        wrong: list[tuple[Case, Reply]] = []
        for expect in (REFUSED, ADMITTED):
            left = [case for case in cases if case.expect == expect]
            while left:
                replies = list(zip(left, parallel(self.send, left), strict=True))
                if check:
                    skipped += [case for case, reply in replies if reply.namespace_missing]
                    replies = [pair for pair in replies if not pair[1].namespace_missing]
                failed = [pair for pair in replies if not pair[1].ok]
                if failed and (time.monotonic() >= end or all(reply.hopeless for _, reply in failed)):
                    wrong += failed
                    break
                left = [case for case, _ in failed]
                if left:
                    threading.Event().wait(POLL_SECONDS)
        return skipped, wrong

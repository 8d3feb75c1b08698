"""Canaries: requests sent as dry runs, to see that the API server refuses what it must and admits what it may.

A refusal counts only when it names our policy and rule: any other error proves nothing about the wall meant.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.canaries_requests import (
    BIND,
    CONNECT,
    VERBS,
    other_request,
    pod_request,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.canaries_walls import RULELESS, says
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster, parallel
from ansible_collections.buildkeep.ci.plugins.module_utils.client_waiting import patiently
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

REFUSED, ADMITTED, WARNED = "refused", "admitted", "warned"
# Where those plugins that choose one of several policies for a pod write which one it was.
_CHOSEN = ("kubernetes.io/psp", "openshift.io/scc")
# Quota answers last: who meets it has passed every policy (kube-apiserver, plugins.go, AllOrderedPlugins).
_QUOTA = ("exceeded quota:", "status unknown for quota:")
POLL_SECONDS = 0.25
# An API server reads policies and bindings once a second: after so long an old answer is due to what is there.
LAG_SECONDS = 3.0


@dataclass(frozen=True)
class Case:
    """One pod, or another request, and what must become of it.

    `policy` is a ValidatingAdmissionPolicy, or a key of canaries_walls.OTHER_WALLS; for one of RULELESS `rule` is
    empty, or words that the refusal must hold. `warned` is what mode audit does: the policy speaks, though it lets the
    pod in; a refusal by it proves the same. `request` takes the place of `pod`: see canaries_requests.other_request.
    `user` is whom to impersonate in place of the task's.

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
    request: Mapping[str, Any] = field(default_factory=dict)
    user: str = ""

    def applies(self, version: tuple[int, int]) -> bool:
        """Whether an API server of this version knows what the case is about."""
        return not self.since or version >= tuple(int(part) for part in self.since.split("."))


@dataclass(frozen=True)
class Reply:
    """What became of a case.

    Attributes:
        ok: it was answered as expected.
        admitted: it got past every policy.
        message: the API server's words.
        namespace_missing: there is no such namespace.
        hopeless: trying again is pointless.
        by: name of the PodSecurityPolicy or SecurityContextConstraints that admitted it, where there is one.
    """

    ok: bool
    admitted: bool
    message: str = ""
    namespace_missing: bool = False
    hopeless: bool = False
    by: str = ""


Wrong = list[tuple[Case, Reply]]


def read_cases(raw: Sequence[Mapping[str, Any]]) -> list[Case]:
    """Cases from the task's arguments. Raises BuildkeepError naming every case that says too little."""
    problems: list[str] = []
    cases: list[Case] = []
    for index, entry in enumerate(raw):
        fields: dict[str, Any] = {name: entry[name] for name in Case.__dataclass_fields__ if entry.get(name)}
        case = Case(**{"pod": {}, **fields})
        if bool(case.pod) == bool(case.request):
            problems.append(f"cases[{index}] ({case.name}): give either pod or request")
        if case.request and not (case.request.get("verb") in VERBS and case.request.get("body")):
            problems.append(f"cases[{index}] ({case.name}): request needs body and a verb of {', '.join(VERBS)}")
        if case.expect != ADMITTED and not (case.policy and (case.rule or case.policy in RULELESS)):
            problems.append(f"cases[{index}] ({case.name}): expect {case.expect} needs policy and rule: name both")
        cases.append(case)
    if problems:
        raise BuildkeepError(problems)
    return cases


def is_refusal(case: Case, message: str) -> bool:
    """Whether the server's words are the refusal meant by the case."""
    return says(case.policy, case.rule, message)


def _passed(case: Case, error: ApiError | None) -> bool:
    """Whether a request got past every policy."""
    if error is None:
        return True
    if case.request.get("verb") in (BIND, CONNECT):  # whoever is told that there is no such pod was let through
        return error.status == 404 and error.details.get("kind") == "pods"
    return error.status == 403 and any(words in error.server_message for words in _QUOTA)


def judge(
    case: Case, error: ApiError | None, warnings: Sequence[str] = (), made: Mapping[str, Any] | None = None
) -> Reply:
    """What an answer means for a case.

    Args:
        case: what was sent.
        error: the API server's; None means admitted.
        warnings: of a success.
        made: the object of a success.
    """
    message = error.server_message if error else ""
    if error is None or _passed(case, error):
        warned = case.expect == WARNED and any(is_refusal(case, text) for text in warnings)
        notes = ((made or {}).get("metadata") or {}).get("annotations") or {}
        chosen = next((notes[name] for name in _CHOSEN if name in notes), "")
        return Reply(case.expect == ADMITTED or warned, True, message, by=chosen)
    refusal = error.status in {403, 422} and is_refusal(case, message)
    return Reply(
        ok=case.expect != ADMITTED and refusal,
        admitted=False,
        message=message,
        namespace_missing=error.namespace_missing(),
        hopeless=error.status == 401 or "cannot impersonate resource" in message,
    )


def _hopeless(failed: Wrong) -> bool:
    return all(reply.hopeless for _, reply in failed)


def identity(user: str, groups: Sequence[str]) -> list[tuple[str, str]]:
    """The headers that make a request somebody else's."""
    return [("Impersonate-User", user), *(("Impersonate-Group", group) for group in groups)] if user else []


class Canary:
    """Sends cases to one cluster under one identity, where a case names no user of its own.

    Args:
        cluster: where.
        user: whom to impersonate; empty for nobody.
        groups: of that user.
        futile: whether the cluster's own objects are such that waiting for these cases cannot help.
    """

    def __init__(
        self, cluster: Cluster, user: str, groups: Sequence[str], futile: Callable[[Wrong], bool] = lambda _: False
    ) -> None:
        self._cluster = cluster
        self._user = user
        self._groups = groups
        self._futile = futile

    def send(self, case: Case) -> Reply:
        """Sends one case once. Raises Unreachable, Lost."""
        if case.request:
            request = other_request(self._cluster, case.namespace, case.request)
        else:
            request = pod_request(self._cluster, case.name, case.namespace, case.pod)
        try:
            answer = self._cluster.client.request(
                request.method,
                request.path,
                request.body,
                query=request.query,
                content_type=request.content_type,
                impersonate=identity(case.user or self._user, self._groups),
                what=f"canary {case.name}",
            )
        except ApiError as error:
            return judge(case, error)
        return judge(case, None, answer.warnings, answer.body)

    def run(self, cases: Sequence[Case], timeout: float, check: bool) -> tuple[list[Case], Wrong]:
        """Sends the cases until all are as expected: first those to be refused, then, with the walls up, the others.

        Args:
            cases: what to send.
            timeout: seconds in all, also of an API server that goes away meanwhile. It reads policies once a second,
                namespaces' labels within milliseconds, so the first answers may be old.
            check: leave out cases whose namespace does not exist yet.

        Returns:
            The cases left out, and those not as expected with their last reply.
        """
        end = time.monotonic() + timeout
        skipped: list[Case] = []
        wrong: Wrong = []
        for expect in (REFUSED, WARNED, ADMITTED):
            left = [case for case in cases if case.expect == expect]
            look = time.monotonic() + LAG_SECONDS
            while left:
                answers = patiently(self._cluster, partial(parallel, self.send, left), end)
                replies = list(zip(left, answers, strict=True))
                if check:
                    skipped += [case for case, reply in replies if reply.namespace_missing]
                    replies = [pair for pair in replies if not pair[1].namespace_missing]
                failed = [pair for pair in replies if not pair[1].ok]
                now = time.monotonic()
                lagging = now < look
                look = look if lagging else now + LAG_SECONDS
                if failed and (now >= end or _hopeless(failed) or (not lagging and self._futile(failed))):
                    wrong += failed
                    break
                left = [case for case, _ in failed]
                if left:
                    threading.Event().wait(POLL_SECONDS)
        return skipped, wrong

"""Refusals that are not by the wall meant: webhooks and policies of others, pods that somebody changed on their way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.canaries import ADMITTED, Case, Reply
from ansible_collections.buildkeep.ci.plugins.module_utils.canaries_evidence import Evidence
from ansible_collections.buildkeep.ci.plugins.module_utils.canaries_matching import (
    Asked,
    covers,
    matching_problem,
    selects,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError, NotServed
from ansible_collections.buildkeep.ci.plugins.module_utils.names import LABEL_TENANT, PSA_PREFIX

# The API server's words (apiserver, plugin/webhook/errors/statuserror.go, plugin/webhook/generic, and
# plugin/policy/validating/dispatcher.go; pod-security-admission, admission/admission.go).
_WEBHOOK = re.compile(r'admission webhook "([^"]+)" (?:denied|does not)|failed calling webhook "([^"]+)"')
_POLICY = re.compile(r"ValidatingAdmissionPolicy '([^']+)' with binding '([^']+)' denied request")
_POD_SECURITY = re.compile(r'violates PodSecurity "([^"]+)"')
_WEBHOOKS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
_OURS = "buildkeep-"
_LEFT_OUT = f"`{{key: {LABEL_TENANT}, operator: DoesNotExist}}`"


def foreign_cause(evidence: Evidence, case: Case, reply: Reply) -> str:
    """Who refused a request, where it is to be changed, and the API server's own words.

    Args:
        evidence: of the cluster.
        case: what was expected; `admitted`, or a refusal by somebody else.
        reply: a refusal.
    """
    for pattern, say in _WHO:
        if found := pattern.search(reply.message):
            return f"{say(evidence, case, found)}; the API server said: {reply.message}"
    return f"the API server said: {reply.message}"


def _webhook(evidence: Evidence, case: Case, found: re.Match[str]) -> str:
    name = found[1] or found[2]
    owners = [
        f"{kind} {item['metadata']['name']}"
        for kind in _WEBHOOKS
        for item in _readable(evidence, kind)
        for hook in item.get("webhooks") or []
        if hook["name"] == name
    ]
    where = " and ".join(owners) or "a webhook configuration that is gone by now"
    did = "refused it" if found[1] else "could not be called, and its failurePolicy is Fail"
    return (
        f"the webhook {name} of {where} {did}; correct it, or leave tenants out by a namespaceSelector with {_LEFT_OUT}"
    )


def _policy(evidence: Evidence, case: Case, found: re.Match[str]) -> str:
    policy, binding = found.groups()
    if not policy.startswith(_OURS):
        return (
            f"the ValidatingAdmissionPolicy {policy} of somebody else, by its binding {binding}, refused it; correct "
            f"it, or leave tenants out by a namespaceSelector in the binding with {_LEFT_OUT}"
        )
    changers = sorted(set(_changers(evidence, evidence.asked(case)))) if case.expect == ADMITTED else []
    if not changers:
        return f"the policy {policy} refused it"
    return (
        f"the policy {policy} refused it as it was after {', '.join(changers)} had seen it; if the message names what "
        f"the template does not have, leave tenants out there by a namespaceSelector with "
        f"{_LEFT_OUT}"
    )


def _pod_security(evidence: Evidence, case: Case, found: re.Match[str]) -> str:
    labels = evidence.labels(case.namespace)
    level = labels.get(f"{PSA_PREFIX}enforce", "")
    own = f"by the namespace's label {PSA_PREFIX}enforce" if level and found[1].startswith(level) else "by its defaults"
    return f"Pod Security Admission refused it, at the level {found[1]} {own}; run the role tenants"


def _changers(evidence: Evidence, asked: Asked) -> Iterator[str]:
    """What changes such requests before validation: mutating webhooks and policies that select them."""
    for item in _readable(evidence, "MutatingWebhookConfiguration"):
        for hook in item.get("webhooks") or []:
            if (
                any(covers(rule, asked) for rule in hook.get("rules") or [])
                and selects(hook.get("namespaceSelector"), asked.namespace)
                and selects(hook.get("objectSelector"), asked.labels)
            ):
                yield f"the webhook {hook['name']} of MutatingWebhookConfiguration {item['metadata']['name']}"
    for item in _readable(evidence, "MutatingAdmissionPolicy"):
        if not matching_problem(item["spec"].get("matchConstraints"), asked):
            yield f"MutatingAdmissionPolicy {item['metadata']['name']}"


def _readable(evidence: Evidence, kind: str) -> list[dict[str, Any]]:
    """Objects of a kind; none where it is not served, or may not be read: a cause is told as far as it is seen."""
    try:
        return evidence.all(kind)
    except (ApiError, NotServed):
        return []


_WHO: tuple[tuple[re.Pattern[str], Callable[[Evidence, Case, re.Match[str]], str]], ...] = (
    (_WEBHOOK, _webhook),
    (_POLICY, _policy),
    (_POD_SECURITY, _pod_security),
)

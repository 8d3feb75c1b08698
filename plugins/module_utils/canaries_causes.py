"""Why a canary was not answered as expected: looked up in the cluster, and said with its remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.canaries import (
    ADMITTED,
    POD_SECURITY,
    WARNED,
    Case,
    Reply,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import Object, labels_of
from ansible_collections.buildkeep.ci.plugins.module_utils.names import CANARY_ROLE, LABEL_TENANT, PSA_PREFIX

ADMISSION = "admissionregistration.k8s.io/v1"
# How RBAC refuses (apiserver, responsewriters/errors.go).
_NO_RIGHT = re.compile(r'cannot (\w+) resource "([\w/]+)"')
MAKE_POLICY = "run the role pod_security"
MAKE_TENANT = "run the role tenants (pod_security for the canary namespace)"


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector (meta/v1 LabelSelector) selects these labels. None and {} select everything."""
    selector = selector or {}
    if any(labels.get(name) != value for name, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_holds(expression, labels) for expression in selector.get("matchExpressions") or [])


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value = labels.get(expression["key"])
    values = expression.get("values") or []
    outcomes = {
        "In": value in values,
        "NotIn": value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }
    return outcomes[expression["operator"]]


def binding_problem(binding: Object, labels: Mapping[str, str]) -> str | None:
    """Why a binding enforces nothing in a namespace with these labels, or None where it does."""
    name, spec = binding["metadata"]["name"], binding["spec"]
    actions = spec.get("validationActions") or []
    if "Deny" not in actions:
        return f"its binding {name} has the actions {', '.join(actions) or 'none'}, not Deny"
    matching = spec.get("matchResources") or {}
    if not selects(matching.get("namespaceSelector"), labels):
        shown = ", ".join(f"{label}={value}" for label, value in sorted(labels.items()) if "/" in label) or "no labels"
        return f"its binding {name} does not select the namespace (which has {shown})"
    return None


def policy_cause(policy: Object | None, bindings: list[Object], case: Case, labels: Mapping[str, str]) -> str:
    """Why a ValidatingAdmissionPolicy let a pod through that it must refuse."""
    if policy is None:
        return f"the ValidatingAdmissionPolicy {case.policy} does not exist; {MAKE_POLICY}"
    own = [binding for binding in bindings if binding["spec"].get("policyName") == case.policy]
    if not own:
        return f"no ValidatingAdmissionPolicyBinding names the policy {case.policy}; {MAKE_POLICY}"
    problems = [binding_problem(binding, labels) for binding in own]
    if None not in problems:
        label = "" if labels.get(LABEL_TENANT) else f"; the namespace has no label {LABEL_TENANT}: {MAKE_TENANT}"
        return f"the policy {case.policy} does not deny here: {'; '.join(filter(None, problems))}{label}"
    return (
        f"policy {case.policy} and its binding are in place, yet the rule {case.rule} did not refuse it; "
        f"{MAKE_POLICY}, so that the policy is the one of this release"
    )


def warning_cause(policy: Object | None, bindings: list[Object], case: Case, labels: Mapping[str, str]) -> str:
    """Why a policy did not even warn, where mode audit wants that."""
    if policy is None:
        return f"the ValidatingAdmissionPolicy {case.policy} does not exist; {MAKE_POLICY}"
    if not labels.get(LABEL_TENANT):
        return f"the namespace has no label {LABEL_TENANT}; {MAKE_TENANT}"
    names = ", ".join(item["metadata"]["name"] for item in bindings if item["spec"].get("policyName") == case.policy)
    return (
        f"neither the policy {case.policy} nor a binding of it ({names or 'there is none'}) speaks here; {MAKE_POLICY}"
    )


def pod_security_cause(labels: Mapping[str, str]) -> str:
    """Why Pod Security Admission let a pod through that it must refuse."""
    level = labels.get(f"{PSA_PREFIX}enforce")
    if level is None:
        return f"the namespace has no label {PSA_PREFIX}enforce; {MAKE_TENANT}"
    return (
        f"the namespace's label {PSA_PREFIX}enforce is {level}, or an exemption in the API server's configuration holds"
    )


def cause(cluster: Cluster, case: Case, reply: Reply) -> str:
    """One sentence about why a case was not answered as expected. Raises BuildkeepError when even looking fails."""
    if reply.hopeless:
        return "you may not act as the controller; use a kubeconfig whose user may impersonate it"
    if reply.namespace_missing:
        return f"the namespace {case.namespace} does not exist; {MAKE_TENANT}"
    denied = _NO_RIGHT.search(reply.message)
    if denied:
        return (
            f"canaries may not {denied[1]} {denied[2]} there, since the Role {CANARY_ROLE} or its binding is missing; "
            f"{MAKE_TENANT}"
        )
    if case.expect == ADMITTED or not reply.admitted:
        return f"the API server said: {reply.message}"
    namespace = cluster.get(cluster.resource("v1", "Namespace"), "", case.namespace)
    labels = labels_of(namespace) if namespace else {}
    if case.policy == POD_SECURITY:
        return pod_security_cause(labels)
    try:
        policy = cluster.get(cluster.resource(ADMISSION, "ValidatingAdmissionPolicy"), "", case.policy)
        bindings = list(cluster.list(cluster.resource(ADMISSION, "ValidatingAdmissionPolicyBinding")))
    except ApiError as error:
        return f"policies cannot be read to say why: {error}"
    if case.expect == WARNED:
        return warning_cause(policy, bindings, case, labels)
    return policy_cause(policy, bindings, case, labels)


_MUST = {WARNED: "warned about"}


def sentence(cluster: Cluster, case: Case, reply: Reply) -> str:
    """The problem of one case: what was expected, what came, and why."""
    by = f" by {case.policy}" + (f" [{case.rule}]" if case.rule else "") if case.expect != ADMITTED else ""
    became = "admitted" if reply.admitted else "refused otherwise" if case.expect != ADMITTED else "refused"
    return (
        f"canary {case.name} in namespace {case.namespace} must be {_MUST.get(case.expect, case.expect)}{by}, "
        f"but was {became}: "
        f"{cause(cluster, case, reply)}"
    )

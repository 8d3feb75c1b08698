"""Why a canary was not answered as expected: looked up in the cluster, and said with its remedy."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.buildkeep.ci.plugins.module_utils.applying_replacing import strangers
from ansible_collections.buildkeep.ci.plugins.module_utils.canaries import ADMITTED, REFUSED, WARNED, Case, Reply
from ansible_collections.buildkeep.ci.plugins.module_utils.canaries_evidence import Evidence
from ansible_collections.buildkeep.ci.plugins.module_utils.canaries_foreign import foreign_cause
from ansible_collections.buildkeep.ci.plugins.module_utils.canaries_matching import (
    Asked,
    condition_problem,
    matching_problem,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.canaries_walls import (
    FIRST_WALL,
    GATEKEEPER,
    KYVERNO,
    OTHER_WALLS,
    POD_SECURITY,
    POD_SECURITY_POLICY,
    SECURITY_CONTEXT_CONSTRAINTS,
    says,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import Object
from ansible_collections.buildkeep.ci.plugins.module_utils.names import (
    CANARY_ROLE,
    LABEL_MODE,
    LABEL_TENANT,
    POLICIES_PODS,
    POLICY_PODS,
    PSA_PREFIX,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.psp_causes import psp_cause

# How RBAC refuses (apiserver, responsewriters/errors.go).
_NO_RIGHT = re.compile(r'cannot (\w+) resource "([\w/]+)"')
MAKE_POLICY = "run the role pod_security"
MAKE_TENANT = "run the role tenants (pod_security for the canary namespace)"


@dataclass(frozen=True)
class Cause:
    """One sentence. `certain` where an object of the cluster is wrong, so that waiting cannot help."""

    text: str
    certain: bool = False


def binding_problem(binding: Object, asked: Asked, action: str = "Deny") -> str | None:
    """Why a binding does nothing about a request, or None where it does."""
    name, spec = binding["metadata"]["name"], binding["spec"]
    actions = spec.get("validationActions") or []
    if action not in actions:
        return f"its binding {name} has the actions {', '.join(actions) or 'none'}, not {action}"
    if spec.get("paramRef"):
        return f"its binding {name} has a paramRef, which no policy of ours reads"
    problem = matching_problem(spec.get("matchResources"), asked)
    return f"its binding {name} {problem}" if problem else None


def own_problem(policy: Object, asked: Asked) -> str | None:
    """Why a policy does nothing about a request, whatever its bindings say; None where it does."""
    spec = policy["spec"]
    if not spec.get("validations"):
        return "has no validations"
    return matching_problem(spec.get("matchConstraints"), asked) or condition_problem(spec.get("matchConditions"))


def policy_cause(policy: Object | None, bindings: Sequence[Object], case: Case, asked: Asked) -> Cause:
    """Why a ValidatingAdmissionPolicy let a request through that it must refuse, or warn about."""
    if policy is None:
        return Cause(f"the ValidatingAdmissionPolicy {case.policy} does not exist; {MAKE_POLICY}", certain=True)
    own = [binding for binding in bindings if binding["spec"].get("policyName") == case.policy]
    if not own:
        return Cause(f"no ValidatingAdmissionPolicyBinding names the policy {case.policy}; {MAKE_POLICY}", certain=True)
    by = _by_whom([policy, *own])
    if problem := own_problem(policy, asked):
        return Cause(f"the policy {case.policy} {problem}{by}; {MAKE_POLICY}", certain=True)
    wanted, verb = ("Warn", "warn") if case.expect == WARNED else ("Deny", "deny")
    # Of the bindings for the other mode nothing is said, unless none is for this namespace.
    meant = [one for one in own if not matching_problem(one["spec"].get("matchResources"), asked)] or own
    problems = [binding_problem(binding, asked, wanted) for binding in meant]
    if None not in problems:
        text = f"the policy {case.policy} does not {verb} here: {'; '.join(filter(None, problems))}{by}"
        return Cause(f"{text}; {_label_problem(asked.namespace, case) or MAKE_POLICY}", certain=True)
    ignored = ", though its failurePolicy is not Fail" if policy["spec"].get("failurePolicy", "Fail") != "Fail" else ""
    return Cause(
        f"policy {case.policy} and its binding are in place{ignored}, yet the rule {case.rule} did not refuse it{by}; "
        f"{MAKE_POLICY}, so that the policy is the one of this release"
    )


def _policy_cause(evidence: Evidence, case: Case) -> Cause:
    """The same, where the rules about pods are of two policies: what is wrong with one of them, if anything is."""
    wall = POLICIES_PODS if case.policy == POLICY_PODS else (case.policy,)
    found = [
        policy_cause(evidence.policy(name), evidence.bindings(), replace(case, policy=name), evidence.asked(case))
        for name in wall
    ]
    return next((one for one in found if one.certain), found[0])


def _label_problem(labels: Mapping[str, str], case: Case) -> str:
    """What is wrong with the labels of a namespace, by which bindings select it; empty where nothing is."""
    if not labels.get(LABEL_TENANT):
        return f"the namespace has no label {LABEL_TENANT}: {MAKE_TENANT}"
    mode = labels.get(LABEL_MODE, "")
    if (mode == "audit") != (case.expect == WARNED):
        return f'the namespace\'s label {LABEL_MODE} is "{mode}": {MAKE_TENANT}'
    return ""


def _by_whom(items: Sequence[Object]) -> str:
    """Who besides us set something in these objects, to stand at the end of a sentence."""
    names = sorted({name for item in items for name in strangers(item)})
    return f" (changed by {', '.join(names)})" if names else ""


def pod_security_cause(labels: Mapping[str, str], expect: str = REFUSED) -> Cause:
    """Why Pod Security Admission let a pod through that it must refuse, or did not warn about it."""
    key = f"{PSA_PREFIX}{'warn' if expect == WARNED else 'enforce'}"
    level = labels.get(key)
    if level is None:
        return Cause(f"the namespace has no label {key}; {MAKE_TENANT}", certain=True)
    return Cause(
        f"the namespace's label {key} is {level}, or an exemption in the API server's configuration holds; "
        f"{MAKE_TENANT}, and look at that configuration"
    )


def admitted_by_cause(case: Case, reply: Reply) -> Cause:
    """Why an admission plugin that asks which of its policies a pod may use let one through."""
    if not reply.by:
        return Cause(
            f"the answer names no {case.policy}, so none was asked: the API server knows the kind, but its admission "
            "plugin is off; switch it on, or choose another buildkeep_backend"
        )
    return Cause(
        f"the {case.policy} {reply.by} lets it in there; take away the right to `use` it from the pod's ServiceAccount "
        f"and from whoever creates pods, their groups included, and {MAKE_POLICY}"
    )


def webhook_cause(case: Case) -> Cause:
    """Why a policy engine of others, which holds the allowlist, let an image through."""
    return Cause(
        f"{case.policy} did not answer with the policy buildkeep-images; see that it runs, that its webhook reaches "
        f"the namespace, and that its policy is in place (run the role registry_allowlist)"
    )


_ADMITTED_BY: Mapping[str, Callable[[Evidence, Case, Reply], Cause]] = {
    POD_SECURITY: lambda evidence, case, _: pod_security_cause(evidence.labels(case.namespace), case.expect),
    POD_SECURITY_POLICY: lambda evidence, case, reply: Cause(psp_cause(evidence.cluster, case, reply), certain=True),
    SECURITY_CONTEXT_CONSTRAINTS: lambda _, case, reply: admitted_by_cause(case, reply),
    FIRST_WALL: lambda _, case, reply: admitted_by_cause(case, reply),
    KYVERNO: lambda *given: webhook_cause(given[1]),
    GATEKEEPER: lambda *given: webhook_cause(given[1]),
}
assert set(_ADMITTED_BY) == set(OTHER_WALLS)  # noqa: S101 - two tables of one thing


def cause(evidence: Evidence, case: Case, reply: Reply) -> Cause:
    """Why a case was not answered as expected. Raises BuildkeepError when even looking fails."""
    if reply.hopeless:
        return Cause("you may not act as the controller; use a kubeconfig whose user may impersonate it", certain=True)
    if reply.namespace_missing:
        return Cause(f"the namespace {case.namespace} does not exist; {MAKE_TENANT}", certain=True)
    if denied := _NO_RIGHT.search(reply.message):
        return Cause(
            f"canaries may not {denied[1]} {denied[2]} there, since the Role {CANARY_ROLE} or its binding is missing; "
            f"{MAKE_TENANT}"
        )
    # Pod Security Admission is asked after PodSecurityPolicy: whom it refuses got past that.
    passed = reply.admitted or (case.policy == POD_SECURITY_POLICY and says(POD_SECURITY, "", reply.message))
    try:
        if case.expect == ADMITTED or not passed:
            return Cause(foreign_cause(evidence, case, reply))
        if case.policy in _ADMITTED_BY:
            return _ADMITTED_BY[case.policy](evidence, case, reply)
        return _policy_cause(evidence, case)
    except ApiError as error:
        return Cause(f"policies cannot be read to say why: {error}; the API server said: {reply.message}")


_MUST = {WARNED: "warned about"}


def sentence(evidence: Evidence, case: Case, reply: Reply) -> str:
    """The problem of one case: what was expected, what came, and why."""
    by = f" by {case.policy}" + (f" [{case.rule}]" if case.rule else "") if case.expect != ADMITTED else ""
    became = "admitted" if reply.admitted else "refused otherwise" if case.expect != ADMITTED else "refused"
    return (
        f"canary {case.name} in namespace {case.namespace} must be {_MUST.get(case.expect, case.expect)}{by}, "
        f"but was {became}: {cause(evidence, case, reply).text}"
    )


def futile(evidence: Evidence, wrong: Sequence[tuple[Case, Reply]]) -> bool:
    """Whether objects of the cluster are such that waiting helps none of these cases. Reads the cluster anew."""
    evidence.forget()
    return all(cause(evidence, case, reply).certain for case, reply in wrong)

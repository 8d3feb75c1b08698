"""The walls that a canary can meet, and the words of their refusals."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_collections.buildkeep.ci.plugins.module_utils.names import POLICIES_PODS, POLICY_PODS

POD_SECURITY = "PodSecurity"
POD_SECURITY_POLICY = "PodSecurityPolicy"
SECURITY_CONTEXT_CONSTRAINTS = "SecurityContextConstraints"
FIRST_WALL = f"{POD_SECURITY} or {SECURITY_CONTEXT_CONSTRAINTS}"
KYVERNO, GATEKEEPER = "kyverno", "gatekeeper"
# How every refusal of a plugin begins (apimachinery, api/errors/errors.go, NewForbidden). What stands behind belongs to
# the plugin; a webhook's refusal begins otherwise and then holds whatever its owner likes, our words included.
_FORBIDDEN = r'[a-z0-9.-]+ "[^"]*" is forbidden: '
_PSA_WORDS = f'(?:{_FORBIDDEN}violates|would violate) PodSecurity "'
_SCC_WORDS = f"{_FORBIDDEN}unable to validate against any security context constraint"
_ENGINE_WORDS = r'admission webhook "[^"]*{}[^"]*" denied the request: .*buildkeep-images'
# Walls that are no ValidatingAdmissionPolicies, and patterns of their words from the first on (pod-security-admission,
# admission/admission.go; Kubernetes 1.24, plugin/pkg/admission/security/podsecuritypolicy/admission.go; OpenShift's
# apiserver-library-go, pkg/securitycontextconstraints/sccadmission/admission.go; apiserver,
# plugin/webhook/errors/statuserror.go).
OTHER_WALLS: Mapping[str, str] = {
    POD_SECURITY: _PSA_WORDS,
    POD_SECURITY_POLICY: f"{_FORBIDDEN}PodSecurityPolicy: unable to admit pod",
    SECURITY_CONTEXT_CONSTRAINTS: _SCC_WORDS,
    FIRST_WALL: f"{_PSA_WORDS}|{_SCC_WORDS}",
    KYVERNO: _ENGINE_WORDS.format(r"\.kyverno\."),
    GATEKEEPER: _ENGINE_WORDS.format(r"\.gatekeeper\."),
}
# Walls whose refusals name no rule of ours.
RULELESS = (POD_SECURITY, POD_SECURITY_POLICY, SECURITY_CONTEXT_CONSTRAINTS, FIRST_WALL)


def says(policy: str, rule: str, message: str) -> bool:
    """Whether the API server's words are a refusal, or a warning, by this wall.

    Args:
        policy: a ValidatingAdmissionPolicy, or a key of OTHER_WALLS.
        rule: its rule; for one of RULELESS empty, or words that must be there.
        message: the words.
    """
    # The rules about pods are one wall of two policies, of which one refuses. A copy of a policy among the API server's
    # own files, which answers first, has a name of this form (KEP-5793).
    named = "|".join(map(re.escape, POLICIES_PODS if policy == POLICY_PODS else (policy,)))
    ours = rf"ValidatingAdmissionPolicy '(?:{named})(?:\.static\.k8s\.io)?' with binding '[^']+'"
    # apiserver, plugin/policy/validating/dispatcher.go: the refusal, and the warning.
    words = rf"{_FORBIDDEN}{ours} denied request: |Validation failed for {ours}: "
    begin = re.match(OTHER_WALLS.get(policy, words), message, re.DOTALL)
    if not begin:
        return False
    return (
        rule in message if policy in RULELESS else f"[{rule}]" in message[0 if policy in OTHER_WALLS else begin.end() :]
    )

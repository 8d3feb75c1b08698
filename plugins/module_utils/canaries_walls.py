"""The walls that a canary can meet, and the words of their refusals."""

from __future__ import annotations

import re
from collections.abc import Mapping

POD_SECURITY = "PodSecurity"
POD_SECURITY_POLICY = "PodSecurityPolicy"
SECURITY_CONTEXT_CONSTRAINTS = "SecurityContextConstraints"
FIRST_WALL = f"{POD_SECURITY} or {SECURITY_CONTEXT_CONSTRAINTS}"
KYVERNO, GATEKEEPER = "kyverno", "gatekeeper"
_SCC_WORDS = "unable to validate against any security context constraint"
_ENGINE_WORDS = 'admission webhook ".*buildkeep-images'
# Walls that are no ValidatingAdmissionPolicies, and patterns of their words (pod-security-admission,
# admission/admission.go; Kubernetes 1.24, plugin/pkg/admission/security/podsecuritypolicy/admission.go; OpenShift's
# apiserver-library-go, pkg/securitycontextconstraints/sccadmission/admission.go; apiserver,
# plugin/webhook/errors/statuserror.go).
OTHER_WALLS: Mapping[str, str] = {
    POD_SECURITY: "violates? PodSecurity",
    POD_SECURITY_POLICY: "PodSecurityPolicy: unable to admit pod",
    SECURITY_CONTEXT_CONSTRAINTS: _SCC_WORDS,
    FIRST_WALL: f"violates? PodSecurity|{_SCC_WORDS}",
    KYVERNO: _ENGINE_WORDS,
    GATEKEEPER: _ENGINE_WORDS,
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
    # A copy of a policy among the API server's own files, which answers first, has a name of this form (KEP-5793).
    ours = rf"ValidatingAdmissionPolicy '{re.escape(policy)}(\.static\.k8s\.io)?'"
    wanted = rule if policy in RULELESS else f"[{rule}]"
    return bool(re.search(OTHER_WALLS.get(policy, ours), message, re.DOTALL)) and wanted in message

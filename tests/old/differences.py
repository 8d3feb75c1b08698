"""What Kubernetes 1.30 does otherwise than the newest, as far as the table of cases meets it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.api.api import Answer
from tests.api.case import Case, spec

# Fields that 1.30 does not know, and since when there are any: it warns of them and drops them before any policy looks.
UNKNOWN: Mapping[str, str] = {
    "spec.volumes[*].image": "1.31, KEP-4639",
    "spec.resources": "1.32, KEP-2837",
    "spec.hostnameOverride": "1.34, KEP-4762",
    "spec.containers[*].restartPolicyRules": "1.34, KEP-5307",
    "spec.resourceClaims[*].resourceClaimName": "1.31, in `source` before, KEP-4381",
}
# The same rules broken in the words of 1.30.
INSTEAD: tuple[Case, ...] = (
    spec("resourceClaims", [{"name": "gpu", "source": {"resourceClaimName": "g"}}], "gpu", [], rule="pod"),
)
# 1.30 writes an AppArmor field into an annotation as well, so that two rules speak (KEP-24, version skew).
ALSO: Mapping[str, frozenset[str]] = {
    "pod/pod/spec.securityContext.appArmorProfile.type": frozenset({"annotations"}),
    "container/container/securityContext.appArmorProfile.type": frozenset({"annotations"}),
}


def unknown_fields(answer: Answer) -> set[str]:
    """The fields that the server says it does not know, with `[*]` for every index."""
    return {
        re.sub(r"\[\d+\]", "[*]", field)
        for warning in answer.warnings
        for field in re.findall(r'unknown field \\"([^"\\]+)\\"', warning)
    }

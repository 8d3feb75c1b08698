"""What Kubernetes 1.30 does otherwise than the newest, as far as the table of cases meets it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from testbed.apiserver import ApiServer
from tests.api.api import Answer, Api
from tests.api.case import Case, spec

# Fields that 1.30 does not know, and since when there are any: it warns of them and drops them before any policy looks.
UNKNOWN: Mapping[str, str] = {
    "spec.volumes[*].image": "1.31, KEP-4639",
    "spec.resources": "1.32, KEP-2837",
    "spec.hostnameOverride": "1.34, KEP-4762",
    "spec.containers[*].restartPolicyRules": "1.34, KEP-5307",
    "spec.resourceClaims[*].resourceClaimName": "1.31, in `source` before, KEP-4381",
    "spec.volumes[*].projected.sources[*].podCertificate": "1.34, KEP-4317",
}
# What the server says of a path that it does not serve: pods/resize, there since 1.32 (KEP-1287).
NOT_SERVED = "the server could not find the requested resource"
# The same rules broken in the words of 1.30.
INSTEAD: tuple[Case, ...] = (
    spec("resourceClaims", [{"name": "gpu", "source": {"resourceClaimName": "g"}}], "gpu", [], rule="pod"),
)
# 1.30 writes an AppArmor field into an annotation as well, so that two rules speak (KEP-24, version skew).
ALSO: Mapping[str, frozenset[str]] = {
    "pod/pod/spec.securityContext.appArmorProfile.type": frozenset({"annotations"}),
    "container/other/securityContext.appArmorProfile.type": frozenset({"annotations"}),
    "builder/builder/securityContext.appArmorProfile": frozenset({"annotations"}),
}


def unknown_fields(answer: Answer) -> set[str]:
    """The fields that the server says it does not know, with `[*]` for every index and one word for all containers."""
    return {
        re.sub(r"\bspec\.(init|ephemeral)Containers\b", "spec.containers", re.sub(r"\[\d+\]", "[*]", field))
        for warning in answer.warnings
        for field in re.findall(r'unknown field \\"([^"\\]+)\\"', warning)
    }


def is_unknown(answer: Answer) -> bool:
    """Whether what was sent needs something that 1.30 does not have."""
    unknown = unknown_fields(answer)
    return (bool(unknown) and unknown <= set(UNKNOWN)) or answer.message == NOT_SERVED


class Witness(Api):
    """A client that remembers the last answer, whoever of its users got it."""

    def __init__(
        self, server: ApiServer, user: str = "", groups: Sequence[str] = (), seen: list[Answer] | None = None
    ) -> None:
        super().__init__(server, user, groups)
        self.seen: list[Answer] = [] if seen is None else seen

    def user(self, name: str, *groups: str) -> Api:
        """The same server and memory, as somebody else."""
        return Witness(self._server, name, [*groups, "system:authenticated"], self.seen)

    def request(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Answer:
        """Send one request and remember its answer."""
        self.seen[:] = [super().request(method, path, body, kind)]
        return self.seen[0]

"""Which nodes tenants' pods may ask for: what becomes of `buildkeep_nodes`, and of a tenant's own `nodes`.

Platforms put their choice into every pod before policies see it: OpenShift a default node selector, GKE Autopilot a
toleration, EKS on Fargate a scheduler. What is named here is let in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.names import (
    ANNOTATION_NODE_SELECTOR,
    ANNOTATION_OPENSHIFT_NODES,
    ANNOTATION_TOLERATIONS,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.schema import Problem

_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_REMEDY = "Write keys as Kubernetes has them for labels, such as `node-role.kubernetes.io/worker`."


@dataclass(frozen=True)
class Nodes:
    """What pods may say of nodes beyond what every pod may.

    Attributes:
        selector: labels that they may select nodes by.
        tolerations: taints that they may tolerate, as pods have them: `key`, `operator`, `value`, `effect`.
        schedulers: names of schedulers beside the default one; for the whole cluster only.
    """

    selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, str], ...] = ()
    schedulers: tuple[str, ...] = ()

    def annotations(self, *, openshift: bool = False) -> dict[str, str]:
        """Give the annotations of a namespace: those that the API server's plugins and the pod rules read.

        Only what is given is written, so that what somebody else wrote there stays.

        Args:
            openshift: whether the cluster is OpenShift, which adds its default selector to all pods of a namespace
                without `openshift.io/node-selector` (openshift/apiserver-library-go, admission of nodeenv).
        """
        found: dict[str, str] = {}
        if self.selector:
            found[ANNOTATION_NODE_SELECTOR] = ",".join(f"{key}={value}" for key, value in sorted(self.selector.items()))
        elif openshift:
            found[ANNOTATION_OPENSHIFT_NODES] = ""
        if self.tolerations:
            tolerations = [dict(one) for one in self.tolerations]
            found[ANNOTATION_TOLERATIONS] = json.dumps(tolerations, separators=(",", ":"), sort_keys=True)
        return found

    def overridden(self, given: Mapping[str, Any]) -> Nodes:
        """Give the same with what a tenant names itself (`selector`, `tolerations`) in its place."""
        own = read_nodes(given)
        return replace(self, **{part: getattr(own, part) for part in ("selector", "tolerations") if part in given})


def read_nodes(given: Mapping[str, Any]) -> Nodes:
    """Make Nodes of a valid `buildkeep_nodes`, or `nodes` of a tenant."""
    return Nodes(
        dict(given.get("selector", {})), tuple(given.get("tolerations", ())), tuple(given.get("schedulers", ()))
    )


def node_problems(path: str, given: Any, sound: Callable[[str], bool]) -> Iterator[Problem]:
    """Find what the schema cannot see in a `nodes`.

    Args:
        path: of the value, such as `nodes` or `tenants[0].nodes`.
        given: with `selector`, `tolerations`, `schedulers`, each of which may be missing.
        sound: whether the value of a path has the form that the schema wants; only such values are looked at.
    """
    parts = given if isinstance(given, Mapping) else {}
    selector, tolerations = parts.get("selector"), parts.get("tolerations")
    for key in selector if isinstance(selector, Mapping) else ():
        if not _KEY.fullmatch(key):
            yield Problem(f"{path}.selector", f'"{key}" is no key of a label', _REMEDY)
    seen: dict[tuple[str, ...], int] = {}
    for place, toleration in enumerate(tolerations if isinstance(tolerations, list) else ()):
        where = f"{path}.tolerations[{place}]"
        if not sound(where):
            continue
        operator, value = toleration.get("operator", "Equal"), toleration.get("value", "")
        if operator == "Exists" and value:
            yield Problem(f"{where}.value", "stands beside the operator Exists", "Leave one of the two out.")
        same = (toleration["key"], operator, value, toleration.get("effect", ""))
        if same in seen:
            yield Problem(where, f"says the same as tolerations[{seen[same]}]", "List it once.")
        seen.setdefault(same, place)

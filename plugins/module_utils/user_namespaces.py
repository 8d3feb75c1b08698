"""Whether nodes give pods user namespaces (`hostUsers: false`, KEP-127), as far as can be told without a cluster.

No API tells: it takes the kubelet, the runtime and the kernel of a node. So a probe pod asks one node of each kind, and
what it found is kept in a ConfigMap beside it; a node of a kind that was asked needs no pod again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles_nodes import Place, is_ready, places, reached
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings

Object = Mapping[str, Any]
NEVER = "never"
# The field is beta from here on, and on by default since 1.33 (KEP-127); before, alpha and without most volumes.
SINCE = (1, 30)
# The kubelet gives pods ranges of so many ids, and none below it (kubernetes, pkg/kubelet/userns).
_RANGE = 65536
YES = ""


@dataclass(frozen=True)
class Kind:
    """What nodes have in common that answer alike: those of one image, in most clusters."""

    kernel: str
    runtime: str
    kubelet: str
    system: str

    @property
    def key(self) -> str:
        """Its name in the record, and of its probe."""
        return hashlib.sha256(json.dumps(list(vars(self).values())).encode()).hexdigest()[:12]

    def __str__(self) -> str:
        return f"Linux {self.kernel}, {self.runtime}, kubelet {self.kubelet}, {self.system}"


@dataclass(frozen=True)
class Group:
    """Nodes of one kind: their names, the first of which is asked, and what sends pods there."""

    kind: Kind
    nodes: tuple[str, ...]
    place: Place

    def __str__(self) -> str:
        more = f" and {len(self.nodes) - 1} like it" if len(self.nodes) > 1 else ""
        return f"{self.nodes[0]}{more} ({self.kind})"


@dataclass(frozen=True)
class Answer:
    """Whether builders get user namespaces, in a sentence why, and the nodes that nobody has asked yet."""

    supported: bool
    reason: str
    builders: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    unproven: tuple[Group, ...] = ()

    @property
    def possible(self) -> bool:
        """Whether it is for the nodes to say."""
        return bool(self.groups)

    def as_mapping(self) -> dict[str, Any]:
        """As plain data, for plays."""
        unproven = [str(group) for group in self.unproven]
        plain = {"supported": self.supported, "reason": self.reason, "builders": list(self.builders)}
        return {**plain, "possible": self.possible, "unproven": unproven}


def builders_wanting(settings: Settings) -> list[str]:
    """Name the builders of present tenants that can live in a user namespace, in the order of the table."""
    used = {name for tenant in settings.present for name in tenant.builders}
    return [name for name, one in settings.profiles.builders.items() if one.user_namespace and name in used]


def groups_of(settings: Settings, nodes: Iterable[Object]) -> list[Group]:
    """Sort the nodes that such builders can land on by kind.

    Args:
        settings: of the inventory.
        nodes: of the cluster, whole.
    """
    wanting = set(builders_wanting(settings))
    every = places(settings, [tenant for tenant in settings.present if wanting & set(tenant.builders)])
    found: dict[Kind, list[tuple[str, Place]]] = {}
    for node, place in reached(nodes, every):
        if is_ready(node):
            found.setdefault(_kind(node), []).append((node["metadata"]["name"], place))
    return [
        Group(
            kind, tuple(name for name, _ in sorted(pairs, key=lambda pair: pair[0])), min(pairs, key=lambda p: p[0])[1]
        )
        for kind, pairs in sorted(found.items(), key=lambda item: item[0].key)
    ]


def answer(settings: Settings, version: tuple[int, int], nodes: Iterable[Object], record: Mapping[str, str]) -> Answer:
    """Say whether builders get user namespaces.

    Args:
        settings: of the inventory, with the cluster's backend.
        version: of the API server.
        nodes: of the cluster, whole.
        record: what was found out: by key of a kind, YES or the reason why not.
    """
    wanting = builders_wanting(settings)
    if not wanting:
        return Answer(False, "no builder of a tenant can use a user namespace")
    why = _out_of_question(settings, version)
    groups = tuple(groups_of(settings, nodes)) if not why else ()
    if not why and not groups:
        why = "there is no node yet that they can land on"
    unproven = tuple(group for group in groups if group.kind.key not in record)
    refusing = [group for group in groups if record.get(group.kind.key)]
    if not why and refusing:
        why = "; ".join(f"on {group}: {record[group.kind.key]}" for group in refusing)
    if not why and unproven:
        why = f"nobody has asked {', '.join(map(str, unproven))} yet; the role node_profiles does"
    if why:
        return Answer(
            False, f"{_subject(wanting)} without a user namespace because {why}", tuple(wanting), groups, unproven
        )
    proven = "; ".join(map(str, groups))
    return Answer(True, f"{_subject(wanting)} in user namespaces, proven on {proven}", tuple(wanting), groups)


def verdict(log: str) -> str:
    """Read what a probe printed, its /proc/self/uid_map: YES, or why it was in no user namespace of its own.

    A node that itself is in a user namespace has a map too; a pod's is one range as the kubelet gives it.
    """
    lines = [line.split() for line in log.splitlines() if line.strip()]
    if not lines or any(len(line) != 3 or not all(part.isdigit() for part in line) for line in lines):
        return f"the probe printed no map of users: {log.strip()[-200:] or 'nothing'}"
    inside, host, size = (int(part) for part in lines[0])
    if len(lines) == 1 and inside == 0 and host >= _RANGE and size >= _RANGE and size % _RANGE == 0:
        return YES
    shown = ", ".join(" ".join(line) for line in lines)
    return f"the pod ran as if hostUsers were true (its map of users: {shown}); its runtime is too old"


def _out_of_question(settings: Settings, version: tuple[int, int]) -> str:
    if settings.user_namespaces == NEVER:
        return "buildkeep_user_namespaces is never"
    if version < SINCE:
        return f"Kubernetes {version[0]}.{version[1]} has none, or as an alpha only; {SINCE[0]}.{SINCE[1]} is the first"
    if not settings.backend.policies:
        return "nothing would fence the pods that ask nodes: the cluster uses no ValidatingAdmissionPolicies"
    return ""


def _subject(builders: Sequence[str]) -> str:
    return f"{builders[0]} runs" if len(builders) == 1 else f"{', '.join(builders)} run"


def _kind(node: Object) -> Kind:
    info = node["status"].get("nodeInfo") or {}
    names = ("kernelVersion", "containerRuntimeVersion", "kubeletVersion", "osImage")
    return Kind(*(str(info.get(name, "unknown")) for name in names))

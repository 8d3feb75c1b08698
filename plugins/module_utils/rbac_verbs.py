"""What is called on the API server, from the table `charts/agent-templates/verbs.yaml`, and the rights that follow.

The table lies in the chart, which can read no file outside of itself.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

TABLE = Path(__file__).resolve().parents[2] / "charts" / "agent-templates" / "verbs.yaml"
ALWAYS = "always"
GARBAGE_COLLECTION = "garbage_collection"
DYNAMIC_CLAIMS = "dynamic_claims"
WHEN = (ALWAYS, GARBAGE_COLLECTION, DYNAMIC_CLAIMS)
TENANT = "tenant"
CONTROLLER = "controller"
WHERE = (TENANT, CONTROLLER)


@dataclass(frozen=True)
class Call:
    """One call.

    Attributes:
        name: what the table names it; unique.
        resource: of the group `group`, a subresource after a slash.
        verbs: every verb that the API server asks for.
        at: where upstream calls, as class and method.
        reason: what it is for.
        group: API group; empty for the core.
        when: `always`, or the feature that must be on.
        where: `tenant` (the namespace of the agents) or `controller` (its own).
    """

    name: str
    resource: str
    verbs: tuple[str, ...]
    at: str
    reason: str
    group: str = ""
    when: str = ALWAYS
    where: str = TENANT

    def covers(self, verb: str, resource: str, group: str = "") -> bool:
        """Whether this call may ask for that verb."""
        return (group, resource) == (self.group, self.resource) and verb in self.verbs


@functools.cache
def load(path: Path = TABLE) -> tuple[Call, ...]:
    """Read the table.

    Raises:
        ValueError: two calls have one name, or a row says `when` or `where` otherwise than the table may.
        TypeError: a row has a key too many, or lacks one.
    """
    raw: Sequence[Mapping[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))["calls"]
    calls = tuple(_call(**row) for row in raw)
    names = [call.name for call in calls]
    wrong = [name for name in names if names.count(name) > 1]
    wrong += [call.name for call in calls if call.when not in WHEN or call.where not in WHERE or not call.verbs]
    if wrong:
        raise ValueError(f"{path}: {', '.join(wrong)}")
    return calls


def _call(call: str, verbs: Sequence[str], **more: Any) -> Call:
    return Call(name=call, verbs=tuple(verbs), **more)


def row(name: str) -> Call:
    """The call of this name.

    Raises:
        BuildkeepError: the table has none.
    """
    for call in load():
        if call.name == name:
            return call
    raise BuildkeepError([f"{name}: no call in {TABLE.name}; the table has {', '.join(c.name for c in load())}"])


def features(*, garbage_collection: int = 0, dynamic_claims: bool = False) -> frozenset[str]:
    """The values of `when` that hold.

    Args:
        garbage_collection: seconds after which a pod that nobody marked is deleted; 0 for never.
        dynamic_claims: whether the controller makes claims.
    """
    switched = {GARBAGE_COLLECTION: garbage_collection > 0, DYNAMIC_CLAIMS: dynamic_claims}
    return frozenset({ALWAYS, *(name for name, on in switched.items() if on)})


def granted(on: Collection[str] = (ALWAYS,), where: str = TENANT) -> dict[str, list[str]]:
    """The verbs that are needed on each resource of the core group, sorted.

    Args:
        on: what `features` gives.
        where: whose namespace.
    """
    found: dict[str, set[str]] = {}
    for call in load():
        if call.when in on and call.where == where:
            found.setdefault(call.resource, set()).update(call.verbs)
    return {resource: sorted(verbs) for resource, verbs in found.items()}


def rules(on: Collection[str] = (ALWAYS,), where: str = TENANT) -> list[dict[str, Any]]:
    """The same as rules of a Role, in the order of the table."""
    return [
        {"apiGroups": [""], "resources": [resource], "verbs": verbs} for resource, verbs in granted(on, where).items()
    ]

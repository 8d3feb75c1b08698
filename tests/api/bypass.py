"""The table of bypasses: what each row sends to the API server, and what must stop it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.api import pods
from tests.api.pods import Object

TABLE = Path(__file__).with_name("bypasses.yaml")
TEST = "tests/api/test_bypasses.py::test_bypass"
SECTIONS = ("images", "host", "identity")
# Where a container may stand when a pod is created, and what makes it one of that kind.
PLACES: Mapping[str, tuple[str, Object]] = {
    "containers": ("spec/containers", {}),
    "init": ("spec/initContainers", {}),
    "sidecar": ("spec/initContainers", {"restartPolicy": "Always"}),
}
# The containers of the running pod whose image an update may change (core/validation, ValidatePodUpdate).
UPDATED = {
    "update": "spec/containers/0",
    "update-init": "spec/initContainers/0",
    "update-sidecar": "spec/initContainers/1",
}
IMMUTABLE = "pod updates may not change fields other than"
KEPT = "kept"
# By the rule, although the update is one of a field that the API server mostly keeps as it is.
_BY_RULE = ("metadata/", "spec/tolerations")


@dataclass(frozen=True)
class Row:
    """One bypass, as bypasses.yaml has it.

    Attributes:
        rule: key of a rule, `RBAC`, `ResourceQuota`, `API` or `outside`.
        container, pod, requests: what is sent.
        also: changes of the pod that belong to all of `container`.
        base: which honest agent to start from.
        only: the ways, where they are not all.
        api: by way, words with which the API server itself refuses.
        shown: the subject of the refusal where it is not the one that was changed.
        says: for `outside`, the sentence of the documentation.
        tests: further tests that show it.
    """

    id: str
    section: str
    what: str
    rule: str
    container: Sequence[Object] = ()
    pod: Sequence[Object] = ()
    requests: Sequence[Object] = ()
    also: Object = field(default_factory=dict)
    base: str = "dynamic"
    only: Sequence[str] = ()
    api: Mapping[str, str] = field(default_factory=dict)
    shown: str = ""
    says: str = ""
    tests: Sequence[str] = ()

    def ways(self) -> list[str]:
        """How it is tried, in the order of the tests."""
        if self.only:
            return list(self.only)
        if self.container:
            images = ["update-init", "update-sidecar"] if "image" in self.container[0] else []
            return [*PLACES, "ephemeral", "update", *images]
        return ["create", "update"] if self.pod else ["request"] if self.requests else []

    def node_ids(self) -> list[str]:
        """The ids of all tests that show it."""
        return [*(f"{TEST}[{self.id}-{way}]" for way in self.ways()), *self.tests]

    def words(self, way: str) -> str:
        """With which the API server itself refuses, before any policy; '' where the rule does."""
        if way in self.api or not way.startswith("update"):
            return self.api.get(way, "")
        paths = [path for change in (*self.container, *self.pod) for path in change]
        free = all(path == "image" or path.startswith(_BY_RULE) for path in paths)
        return "" if free else IMMUTABLE


def load(path: Path = TABLE) -> tuple[Row, ...]:
    """Read the table.

    Raises:
        TypeError: for a key that no row has.
        ValueError: for two rows with one id.
    """
    table = yaml.safe_load(path.read_text(encoding="utf-8"))
    rows = tuple(Row(section=section, **row) for section in SECTIONS for row in table[section])
    if len({row.id for row in rows}) != len(rows):
        raise ValueError(f"{path}: two rows with one id")
    return rows


def changed(target: Object, changes: Mapping[str, Any], below: str = "") -> Object:
    """An object with several changes, each as pods.put takes it."""
    for path, value in changes.items():
        target = pods.put(target, f"{below}/{path}" if below else path, value)
    return target


def created(row: Row, way: str) -> Iterator[Object]:
    """The pods to create: for a container's row with the tool container, changed, as one of another kind."""
    for change in row.pod:
        yield changed(pods.BASES[row.base](), change)
    for change in row.container:
        field_of, kind = PLACES[way]
        agent = changed(pods.dynamic_agent(), row.also)
        moved = {**agent["spec"]["containers"].pop(0), "name": "moved"}
        yield pods.put(agent, f"{field_of}/+", {**changed(moved, change), **kind})


def updated(row: Row, way: str, running: Object) -> Iterator[Object]:
    """The running pod with each change, to be sent by PUT."""
    for change in row.pod:
        yield changed(running, change)
    for change in row.container:
        yield changed(running, change, UPDATED[way])


def ephemeral(row: Row) -> Iterator[Object]:
    """The containers to add to a running pod."""
    for change in row.container:
        yield changed({**pods.tool("moved"), "volumeMounts": []}, change)

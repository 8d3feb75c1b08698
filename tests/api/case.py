"""What a case of the table is, and short ways to write one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.api import pods

REMOVE = None


@dataclass(frozen=True)
class Case:
    """Breaks one rule.

    Attributes:
        rule: `id/scope/field` as in rules.Rule.key.
        path: what to change in the base pod, as pods.put takes it.
        bad: the value that breaks the rule.
        shown: the offending value as the message has it.
        good: a value in the same place that is admitted; REMOVE leaves the field out.
        base: which honest agent to start from.
        also: further changes, the same for both, that the API server asks for.
    """

    rule: str
    path: str
    bad: Any
    shown: str
    good: Any = REMOVE
    base: str = "dynamic"
    also: Mapping[str, Any] = field(default_factory=dict)

    def pods(self) -> tuple[pods.Object, pods.Object]:
        """The pod that is refused, and the one that is admitted."""
        common = pods.BASES[self.base]()
        for path, value in self.also.items():
            common = pods.put(common, path, value)
        neighbour = (
            common if self.path.endswith("+") and self.good is REMOVE else pods.put(common, self.path, self.good)
        )
        return pods.put(common, self.path, self.bad), neighbour


TOOL, JNLP = "spec/containers/0", "spec/containers/1"


def volume(name: str = "extra", **source: Any) -> dict[str, Any]:
    """A volume."""
    return {"name": name, **source}


def projected(*sources: dict[str, Any]) -> dict[str, Any]:
    """A projected volume."""
    return volume(projected={"sources": list(sources)})


def mount(folder: str) -> dict[str, Any]:
    """A mount of the workspace."""
    return {"name": "workspace-volume", "mountPath": folder}


def tool(path: str, bad: Any, shown: str, good: Any = REMOVE, *, rule: str = "", **more: Any) -> Case:
    """A case about the first container: the rule is `id/scope`, or whole."""
    name = rule if rule.count("/") > 1 else f"{rule}/{path.replace('/', '.')}"
    return Case(name, f"{TOOL}/{path}", bad, shown, good, **more)


def spec(path: str, bad: Any, shown: str, good: Any = REMOVE, *, rule: str, **more: Any) -> Case:
    """A case about the spec: the rule is `id`, or whole."""
    name = rule if rule.count("/") > 1 else f"{rule}/pod/spec.{path.replace('/', '.')}"
    return Case(name, f"spec/{path}", bad, shown, good, **more)

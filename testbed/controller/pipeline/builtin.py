"""What a Jenkinsfile has without saying so: `env`, `currentBuild`, `scm`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from testbed.controller.failures import GroovyError
from testbed.controller.pipeline import methods
from testbed.controller.pipeline.context import Context
from testbed.controller.results import ORDER, SUCCESS, worst
from testbed.controller.values import spell


@dataclass(frozen=True)
class Env:
    """`env`: a variable that is not set is null."""

    context: Context


@dataclass(frozen=True)
class CurrentBuild:
    """`currentBuild`, of which `result`, `currentResult` and `number` are here."""

    context: Context


@dataclass(frozen=True)
class Scm:
    """`scm`, good for `checkout scm` only: the workspace that came with the build."""


NAMES = ("env", "currentBuild", "scm")
# Properties of currentBuild, and whether a Jenkinsfile may set them.
CURRENT_BUILD = {"result": True, "currentResult": False, "number": False}


def get(name: str, context: Context) -> Any:
    """One of NAMES."""
    return {"env": Env(context), "currentBuild": CurrentBuild(context), "scm": Scm()}[name]


def property_of(value: Any, name: str) -> Any:
    """A property of any value.

    Raises:
        GroovyError: it has none of this name.
    """
    if isinstance(value, Env):
        return value.context.environment().get(name)
    if isinstance(value, CurrentBuild):
        state = value.context.state
        result = worst(state.result, value.context.said)
        found: dict[str, Any] = {
            "result": None if result == SUCCESS else result,
            "currentResult": result,
            "number": int(state.base.get("BUILD_NUMBER", "0")),
        }
        if name in found:
            return found[name]
    return methods.get(value, name)


def set_property(target: Any, name: str, value: Any) -> None:
    """Assigns a property.

    Raises:
        GroovyError: it cannot be assigned.
    """
    if isinstance(target, Env):
        target.context.state.overrides[name] = spell(value)
    elif isinstance(target, dict):
        target[name] = value
    elif isinstance(target, CurrentBuild) and name == "result" and value in ORDER:
        target.context.state.worsen(value)
    else:
        raise GroovyError("groovy.lang.ReadOnlyPropertyException", f"Cannot set property: {name} to {spell(value)}")

"""What the action plugins share: arguments in, one result or one failure out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

CONNECTION: dict[str, Any] = {"kubeconfig": {"type": "str", "default": ""}, "context": {"type": "str", "default": ""}}


@dataclass(frozen=True)
class Mode:
    """How the task runs: `check` changes nothing, `diff` shows what changes."""

    check: bool
    diff: bool


def run_plugin(
    action: Any, arguments: Mapping[str, Any], work: Callable[[dict[str, Any], Mode], dict[str, Any]]
) -> dict[str, Any]:
    """Validates the task's arguments, does the work, and turns BuildkeepError into the task's failure.

    Args:
        action: the ActionBase object.
        arguments: an argument spec.
        work: takes plain arguments and the mode, gives the task's result.
    """
    _, given = action.validate_argument_spec(argument_spec=dict(arguments))
    try:
        return work(plain(given), Mode(bool(action._task.check_mode), bool(action._task.diff)))
    except BuildkeepError as error:
        raise AnsibleActionFail(as_text(error.problems)) from None  # else Ansible says all twice


def as_text(problems: Sequence[str]) -> str:
    """One problem as it is; several as a list."""
    if len(problems) == 1:
        return problems[0]
    return "\n".join([f"{len(problems)} problems:", *(f"- {problem}" for problem in problems)])


def plain(value: Any) -> Any:
    """The value without Ansible's tags and lazy containers (core 2.19 data tagging), as JSON knows it."""
    return json.loads(json.dumps(value))

"""The task `buildkeep.ci.render`: from plain arguments to a plain result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.agent_templates import chart_values, helm_template
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import Mode
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles_checks import conditions, legacy
from ansible_collections.buildkeep.ci.plugins.module_utils.pod_security import impossible
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight import Question, backend_problems
from ansible_collections.buildkeep.ci.plugins.module_utils.render_files import FileChange, plan, write
from ansible_collections.buildkeep.ci.plugins.module_utils.render_jcasc import check_clouds, jcasc_files
from ansible_collections.buildkeep.ci.plugins.module_utils.render_layout import files
from ansible_collections.buildkeep.ci.plugins.module_utils.render_objects import waves
from ansible_collections.buildkeep.ci.plugins.module_utils.render_options import (
    RenderOptions,
    option_problems,
    read_options,
    split,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.render_static import static_files, static_problem
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings, read_settings

ARGUMENTS: dict[str, Any] = {
    "settings": {"type": "dict", "required": True},
    "problems": {"type": "list", "elements": "str", "default": []},
    "helm": {"type": "str", "default": "helm"},
    "deadline": {"type": "int", "default": 14400},
}


def render(arguments: dict[str, Any], mode: Mode) -> dict[str, Any]:
    """Do the task. Raises BuildkeepError with all problems, those given first; see plugins/modules/render.py."""
    settings, options, warnings = _checked(arguments)
    chart = helm_template(arguments["helm"], chart_values(settings, arguments["deadline"]))
    check_clouds(settings, chart)
    wanted = files(waves(settings, chart, options.priority_class))
    if options.static:
        wanted |= static_files(settings, options.priority_class)
    if options.jcasc:
        wanted |= jcasc_files(settings, chart)
    changes = plan(options.directory, wanted)
    if not mode.check:
        write(options.directory, changes)
    return _result(options, wanted, changes, mode) | ({"warnings": warnings} if warnings else {})


def _checked(arguments: dict[str, Any]) -> tuple[Settings, RenderOptions, list[str]]:
    """The inventory with the backend that the options stand for. Raises BuildkeepError with all problems."""
    mine, others = split(arguments["settings"])
    problems = [*arguments["problems"], *option_problems(mine)]
    if problems:
        raise BuildkeepError(problems)
    settings, options = read_settings({"tenants": [], **others}), read_options(mine)
    wanted = others.get("backend") or "auto"
    question = Question(
        backend=wanted,
        unenforced=settings.unenforced,
        pod_defaults=settings.pod_defaults,
        impossible=impossible(settings),
        conditions=conditions(settings),
    )
    backend, problems, warnings = backend_problems(options.served(wanted), question)
    if options.static and (problem := static_problem(options.version, backend)):
        problems = [*problems, problem]
    if problems or backend is None:
        raise BuildkeepError(problems)
    told = [*(f"not enforced: {text}" for text in warnings), *legacy(settings)]
    return replace(settings, backend=backend), options, told


def _result(
    options: RenderOptions, wanted: dict[PurePosixPath, str], changes: Sequence[FileChange], mode: Mode
) -> dict[str, Any]:
    counts = Counter(_word(change) for change in changes)
    counts["unchanged"] = len(wanted) - counts["created"] - counts["changed"]
    found = {
        "changed": bool(changes),
        "directory": str(options.directory),
        "files": sorted(str(path) for path in wanted),
        "msg": ", ".join(f"{count} {word}" for word, count in sorted(counts.items()) if count),
    }
    if mode.diff and changes:
        found["diff"] = [
            {
                "before_header": str(change.path),
                "after_header": str(change.path),
                "before": change.before or "",
                "after": change.after or "",
            }
            for change in changes
        ]
    return found


def _word(change: FileChange) -> str:
    if change.after is None:
        return "removed"
    return "created" if change.before is None else "changed"

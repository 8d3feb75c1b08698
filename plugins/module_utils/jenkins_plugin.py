"""The task `buildkeep.ci.jenkins`: plan, install or upgrade, wait, take away, or look at somebody's own Jenkins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster, connect
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_adoption import adopted
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_casc import (
    additional_secrets,
    config_scripts,
    required_plugins,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_dry_run import admitted
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_helm import Helm
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_judging import VALUES, judge, pods
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_known import unknown
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_pending import is_pending, take_over
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_ready import wait_ready
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_release import Plan, plan
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_removing import removed
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_secrets import absent, make, missing
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_values import chart_values, unpinned
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import difference, key_of
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import CONNECTION, Mode
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings

STATES = ("planned", "present", "ready", "absent", "adopted")
ARGUMENTS: dict[str, Any] = {
    "settings": {"type": "dict", "required": True},
    "state": {"type": "str", "choices": list(STATES), "default": "present"},
    "helm": {"type": "str", "default": "helm"},
    **CONNECTION,
}
Result = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """What each state works with."""

    cluster: Cluster
    helm: Helm
    settings: JenkinsSettings
    mode: Mode


def jenkins(arguments: dict[str, Any], mode: Mode) -> Result:
    """Does the task. Raises BuildkeepError; see plugins/modules/jenkins.py for arguments and result."""
    settings = read_settings(arguments["settings"]).jenkins
    kubeconfig, context = arguments["kubeconfig"] or "", arguments["context"] or ""
    helm = Helm(arguments["helm"], settings, kubeconfig, context)
    return _STATES[arguments["state"]](Task(connect(kubeconfig, context), helm, settings, mode))


def values(settings: JenkinsSettings) -> dict[str, Any]:
    """Give the chart's values for a Jenkins."""
    scripts = config_scripts(settings, settings.tenants)
    return chart_values(settings, scripts, additional_secrets(settings.folders), required_plugins(settings))


def _rendered(task: Task, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the chart gives for the values, judged."""
    problems = unpinned(task.settings, required_plugins(task.settings))
    problems += [
        f"{VALUES}.{path}: the chart has no such value{hint}. Correct it, or leave it out."
        for path, hint in unknown(task.settings.values, task.helm.listed())
    ]
    version = str(task.cluster.client.request("GET", "/version", what="read the version").body["gitVersion"])
    rendered = task.helm.render(given, version)
    problems += judge(rendered, task.settings)
    if not problems:
        problems += absent(task.cluster, task.settings, [one["spec"] for _, one in pods(rendered)])
    if problems:
        raise BuildkeepError(problems)
    return rendered


def _planned(task: Task) -> Result:
    """Everything that can be said before anything is changed; changes nothing."""
    with task.helm.chart():
        given = values(task.settings)
        rendered = _rendered(task, given)
        missing(task.cluster, task.settings)
        found = plan(task.cluster, task.settings, rendered, given, task.helm.release())
    return {"changed": False, "msg": f"{len(found.diffs)} objects would change" if found.changed else "nothing to do"}


def _present(task: Task) -> Result:
    cluster, settings = task.cluster, task.settings
    with task.helm.chart():
        given = values(settings)
        rendered = _rendered(task, given)
        current = task.helm.release()
        new = missing(cluster, settings)
        found = plan(cluster, settings, rendered, given, current)
        result: Result = {"changed": found.changed or bool(new), "msg": _words(found, new, settings)}
        if task.mode.diff and result["changed"]:
            result["diff"] = [*_made(new, settings), *found.diffs]
        if task.mode.check:
            return result
        admitted(cluster, settings, rendered)
        make(cluster, settings, new)
        if found.changed:
            note = take_over(cluster, settings, current) if current and is_pending(current) else ""
            task.helm.upgrade(given)
            result |= {"warnings": [note]} if note else {}
    return result


def _words(found: Plan, new: Sequence[str], settings: JenkinsSettings) -> str:
    said = [f"Secret {name} made" for name in new]
    said += [f"{len(found.diffs)} objects changed"] if found.diffs else ["release recorded"] if found.changed else []
    return ", ".join(said) or f"Jenkins {settings.namespace}/{settings.name} is as wanted"


def _made(names: Sequence[str], settings: JenkinsSettings) -> list[dict[str, str]]:
    items = [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": settings.namespace}}
        for name in names
    ]
    return [difference(key_of(item), None, item) for item in items]


def _ready(task: Task) -> Result:
    if task.settings.timeout and not task.mode.check:
        wait_ready(task.cluster, task.settings, task.settings.timeout)
    return {"changed": False}


def _absent(task: Task) -> Result:
    return removed(task.cluster, task.helm, task.settings, task.mode)


def _adopted(task: Task) -> Result:
    try:
        warnings = adopted(task.cluster, task.settings)
    except ApiError as error:
        if error.status != 403:
            raise
        warnings = [f"what there is of Jenkins could not be looked at: {error.problems[0]}"]
    return {"changed": False, **({"warnings": warnings} if warnings else {})}


_STATES: Mapping[str, Callable[[Task], Result]] = {
    "planned": _planned,
    "present": _present,
    "ready": _ready,
    "absent": _absent,
    "adopted": _adopted,
}

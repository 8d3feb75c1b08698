"""The task `buildkeep.ci.preflight`: from plain arguments to a plain result."""

from __future__ import annotations

from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import connect
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import CONNECTION, Mode
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight import look, needed_rights
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight_access import ARGUMENTS as ACCESS
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight_access import look as look_at_access

ARGUMENTS: dict[str, Any] = {
    "problems": {"type": "list", "elements": "str", "default": []},
    "user": {"type": "str", "default": ""},
    "groups": {"type": "list", "elements": "str", "default": []},
    "namespaces": {"type": "list", "elements": "str", "default": []},
    "access": {"type": "dict", "options": ACCESS},
    **CONNECTION,
}


def preflight(arguments: dict[str, Any], mode: Mode) -> dict[str, Any]:
    """Does the task. Raises BuildkeepError with all problems, those given first; see plugins/modules/preflight.py."""
    problems: list[str] = list(arguments["problems"])
    version, url = "", ""
    warnings: list[str] = []
    try:
        cluster = connect(arguments["kubeconfig"] or "", arguments["context"] or "")
        url = cluster.client.url
        version, found = look(cluster, needed_rights(arguments["user"], arguments["groups"]), arguments["namespaces"])
        problems += found
        if arguments.get("access") and not found:  # who lacks rights, or has an old cluster, cannot be told more
            more, warnings = look_at_access(cluster, arguments["access"])
            problems += more
    except BuildkeepError as error:
        problems += error.problems
    if problems:
        raise BuildkeepError(problems)
    done = {"changed": False, "version": version, "url": url, "msg": f"Kubernetes {version} at {url}"}
    return {**done, "warnings": warnings} if warnings else done

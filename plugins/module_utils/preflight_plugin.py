"""The task `buildkeep.ci.preflight`: from plain arguments to a plain result."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.backends import AUTO, as_mapping
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import connect
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import CONNECTION, Mode
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight import Finding, Question, look
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight_access import ARGUMENTS as ACCESS
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight_access import look as look_at_access

ARGUMENTS: dict[str, Any] = {
    "problems": {"type": "list", "elements": "str", "default": []},
    "user": {"type": "str", "default": ""},
    "groups": {"type": "list", "elements": "str", "default": []},
    "namespaces": {"type": "list", "elements": "str", "default": []},
    "access": {"type": "dict", "options": ACCESS},
    "backend": {"type": "str", "default": AUTO},
    "unenforced": {"type": "str", "default": "", "choices": ["", "refuse", "accept"]},
    "pod_defaults": {"type": "bool", "default": False},
    "impossible": {"type": "dict", "default": {}},
    "conditions": {"type": "list", "elements": "dict", "default": []},
    "warned": {"type": "list", "elements": "str", "default": []},
    "jenkins": {"type": "str", "default": ""},
    "outside": {"type": "str", "default": ""},
    **CONNECTION,
}


def preflight(arguments: dict[str, Any], mode: Mode) -> dict[str, Any]:
    """Does the task. Raises BuildkeepError with all problems, those given first; see plugins/modules/preflight.py."""
    problems: list[str] = list(arguments["problems"])
    url, finding = "", Finding("", None, [], [])
    more: list[str] = []
    try:
        cluster = connect(arguments["kubeconfig"] or "", arguments["context"] or "")
        url = cluster.client.url
        names = [field.name for field in fields(Question) if arguments.get(field.name) is not None]
        finding = look(cluster, Question(**{name: arguments[name] for name in names}))
        problems += finding.problems
        if arguments.get("access") and not finding.problems:  # who lacks rights cannot be told more
            found, more = look_at_access(cluster, arguments["access"])
            problems += found
    except BuildkeepError as error:
        problems += error.problems
    if problems or finding.backend is None:
        raise BuildkeepError(problems)
    backend = as_mapping(finding.backend)
    done = {"changed": False, "version": finding.version, "url": url, "backend": backend}
    warnings = [*(f"not enforced: {text}" for text in finding.warnings), *more, *arguments.get("warned", [])]
    words = {"msg": f"Kubernetes {finding.version} at {url}, policy backend {finding.backend.name}"}
    return {**done, **words, "warnings": warnings} if warnings else {**done, **words}

"""The task `buildkeep.ci.user_namespaces`: from plain arguments to a plain result."""

from __future__ import annotations

from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import connect
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import CONNECTION, Mode
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings
from ansible_collections.buildkeep.ci.plugins.module_utils.user_namespaces_probe import ask, look

ARGUMENTS: dict[str, Any] = {
    "settings": {"type": "dict", "required": True},
    "timeout": {"type": "float", "default": 60.0},
    **CONNECTION,
}


def user_namespaces(arguments: dict[str, Any], mode: Mode) -> dict[str, Any]:
    """Does the task. Raises BuildkeepError; see plugins/modules/user_namespaces.py for arguments and result."""
    settings = read_settings(arguments["settings"])
    cluster = connect(arguments["kubeconfig"] or "", arguments["context"] or "")
    answer = look(cluster, settings)
    changed = False
    if answer.possible and not mode.check:
        answer, changed = ask(cluster, settings, arguments["timeout"])
    words = answer.reason
    if mode.check and answer.unproven:
        words += "; check mode asks no node, so templates are announced without user namespaces"
        changed = True
    found = {"changed": changed, **answer.as_mapping(), "msg": words}
    fallback = answer.possible and not answer.supported
    return {**found, "warnings": [words]} if fallback else found

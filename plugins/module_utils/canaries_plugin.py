"""The task `buildkeep.ci.canary`: from plain arguments to a plain result."""

from __future__ import annotations

from functools import partial
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.canaries import (
    ADMITTED,
    REFUSED,
    WARNED,
    Canary,
    read_cases,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.canaries_causes import futile, sentence
from ansible_collections.buildkeep.ci.plugins.module_utils.canaries_evidence import Evidence
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import connect
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import CONNECTION, Mode
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight import parse_version

ARGUMENTS: dict[str, Any] = {
    "cases": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "namespace": {"type": "str", "required": True},
            "pod": {"type": "dict", "default": {}},
            "request": {"type": "dict", "default": {}},
            "user": {"type": "str", "default": ""},
            "expect": {"type": "str", "required": True, "choices": [REFUSED, ADMITTED, WARNED]},
            "policy": {"type": "str", "default": ""},
            "rule": {"type": "str", "default": ""},
            "since": {"type": "str", "default": ""},
        },
    },
    "user": {"type": "str", "default": ""},
    "groups": {"type": "list", "elements": "str", "default": []},
    "timeout": {"type": "float", "default": 30.0},
    **CONNECTION,
}


def canary(arguments: dict[str, Any], mode: Mode) -> dict[str, Any]:
    """Does the task. Raises BuildkeepError naming every case not as expected; see plugins/modules/canary.py."""
    cases = read_cases(arguments["cases"])
    cluster = connect(arguments["kubeconfig"] or "", arguments["context"] or "")
    if any(case.since for case in cases):
        version = parse_version(cluster.client.request("GET", "/version", what="read the version").body)
        cases = [case for case in cases if case.applies(version)]
    evidence = Evidence(cluster)
    sender = Canary(cluster, arguments["user"], arguments["groups"], partial(futile, evidence))
    skipped, wrong = sender.run(cases, arguments["timeout"], mode.check)
    if wrong:
        evidence.forget()
        raise BuildkeepError([sentence(evidence, case, reply) for case, reply in wrong])
    left_out = {case.name for case in skipped}
    return {
        "changed": False,
        "passed_cases": [case.name for case in cases if case.name not in left_out],
        "skipped_cases": [case.name for case in skipped],
        "msg": f"{len(cases) - len(skipped)} as expected"
        + (f", {len(skipped)} left out: their namespaces are not made yet" if skipped else ""),
    }

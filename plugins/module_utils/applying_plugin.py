"""The task `buildkeep.ci.apply`: from plain arguments to a plain result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.applying import (
    Applier,
    Change,
    Options,
    validate,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.applying_live import (
    checked_resources,
    read_live,
    served_resources,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster, connect
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import (
    Object,
    key_of,
    own,
    parse,
    render,
    shape_problem,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import CONNECTION, Mode
from ansible_collections.buildkeep.ci.plugins.module_utils.removing import Remover

ARGUMENTS: dict[str, Any] = {
    "owner": {"type": "str", "required": True},
    "templates": {"type": "list", "elements": "path", "default": []},
    "each": {"type": "list", "elements": "dict"},
    "vars": {"type": "dict", "default": {}},
    "manifests": {"type": "raw", "default": []},
    "prune": {"type": "list", "elements": "str", "default": []},
    "tenants": {"type": "list", "elements": "str"},
    "namespaces": {"type": "list", "elements": "str", "default": []},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "settled": {"type": "bool", "default": False},
    "timeout": {"type": "float", "default": 300.0},
    **CONNECTION,
}


def given_objects(manifests: Any) -> list[Object]:
    """The objects of the argument `manifests`: a list of objects and YAML texts, or one of them."""
    found: list[Object] = []
    problems: list[str] = []
    for index, entry in enumerate(manifests if isinstance(manifests, list) else [manifests]):
        origin = f"manifests[{index}]"
        if isinstance(entry, str):
            try:
                found += parse(entry, origin)
            except BuildkeepError as error:
                problems += error.problems
        elif problem := shape_problem(entry, origin):
            problems.append(problem)
        else:
            found.append(entry)
    if problems:
        raise BuildkeepError(problems)
    return found


def pruned_kinds(prune: Sequence[str]) -> list[tuple[str, str]]:
    """(apiVersion, kind) of entries such as 'v1/ConfigMap' and 'rbac.authorization.k8s.io/v1/Role'."""
    wrong = [entry for entry in prune if "/" not in entry.strip("/")]
    if wrong:
        raise BuildkeepError([f"prune: {entry!r}: write apiVersion/Kind, such as v1/ConfigMap" for entry in wrong])
    return [(entry.rpartition("/")[0], entry.rpartition("/")[2]) for entry in prune]


def apply(arguments: dict[str, Any], mode: Mode) -> dict[str, Any]:
    """Does the task. Raises BuildkeepError; see plugins/modules/apply.py for arguments and result."""
    wanted = given_objects(arguments["manifests"])
    wanted += render(arguments["templates"], arguments["vars"], arguments["each"])
    wanted = own(wanted, arguments["owner"])
    prune = pruned_kinds(arguments["prune"])
    tenants = arguments["tenants"]
    options = Options(
        owner=arguments["owner"],
        check=mode.check,
        diff=mode.diff,
        timeout=arguments["timeout"],
        tenants=None if tenants is None else frozenset(tenants),
        settled=arguments["settled"],
    )
    cluster = connect(arguments["kubeconfig"] or "", arguments["context"] or "")
    return result(_changes(cluster, options, wanted, prune, arguments))


def _changes(
    cluster: Cluster,
    options: Options,
    wanted: Sequence[Object],
    prune: Sequence[tuple[str, str]],
    arguments: Mapping[str, Any],
) -> list[Change]:
    kinds = {(item["apiVersion"], item["kind"]) for item in wanted} | set(prune)
    absent = arguments["state"] == "absent"
    resources = (served_resources if absent else checked_resources)(cluster, kinds)
    live = read_live(cluster, resources, options.owner, arguments["namespaces"])
    remover = Remover(cluster, options, resources)
    reachable = [item for item in live.objects.values() if options.covers(live.tenant(item))]
    if absent:
        return remover.run(reachable)
    validate(wanted, resources)
    keep, kinds = {key_of(item) for item in wanted}, set(prune)
    left = [item for item in reachable if key_of(item) not in keep and (item["apiVersion"], item["kind"]) in kinds]
    changes = Applier(cluster, options, live, resources).run(wanted)
    # A canary is refused for what its ServiceAccount may no longer be only while there is such a ServiceAccount.
    waiting = {change.key.name for change in changes if change.narrowed and not options.check}
    return changes + remover.run([item for item in left if not (item["kind"] == _ACCOUNT and _space(item) in waiting)])


_ACCOUNT = "ServiceAccount"


def _space(item: Object) -> str:
    return str(item["metadata"].get("namespace", ""))


def result(changes: Sequence[Change]) -> dict[str, Any]:
    """Ansible's result: what became of each object, the count of each action, warnings and diffs."""
    counts = Counter(change.action for change in changes)
    found: dict[str, Any] = {
        "changed": any(change.changed for change in changes),
        "objects": [_entry(change) for change in changes],
        "msg": ", ".join(f"{count} {action}" for action, count in sorted(counts.items())) or "nothing to do",
    }
    notes = list(dict.fromkeys(note for change in changes for note in change.notes))
    diffs = [change.diff for change in changes if change.diff]
    return found | ({"warnings": notes} if notes else {}) | ({"diff": diffs} if diffs else {})


def _entry(change: Change) -> dict[str, Any]:
    key = change.key
    found = {"kind": key.kind, "namespace": key.namespace, "name": key.name, "action": change.action}
    return {**found, "narrowed": change.narrowed} if change.narrowed else found

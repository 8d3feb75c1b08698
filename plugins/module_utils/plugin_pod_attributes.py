"""The attributes of the Kubernetes plugin's pod and container templates, and how a child's meets its parent's.

A port of the rules of `PodTemplate`, `ContainerTemplate`, `PodTemplateUtils.combine(PodTemplate, PodTemplate)` and
`combine(ContainerTemplate, ContainerTemplate)` (jenkinsci/kubernetes-plugin 4423.vb_59f230b_ce53). What the tables do
not name is refused: `nodeProperties`, and the deprecated attributes that stand for the first container's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_java import HashMap, in_hash_order
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_values import (
    REQUIRED,
    Reader,
    fields,
    flag,
    identity,
    image,
    list_of,
    made_by,
    named,
    number,
    one_of,
    text,
    trimmed,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_volumes import (
    DEFAULT_WORKSPACE,
    VARIABLES,
    VOLUMES,
    WORKSPACES,
)

Template = dict[str, Any]
Rule = Callable[[Any, Any, Any], Any]
# attribute: (value where it is not given, how a child's meets its parent's, how it is read)
Table = Mapping[str, tuple[Any, Rule, Reader]]


def _own(parent: Any, child: Any, default: Any) -> Any:
    return child


def _parents(parent: Any, child: Any, default: Any) -> Any:
    return parent


def _lost(parent: Any, child: Any, default: Any) -> Any:
    """`combine` makes a new template and does not copy this attribute at all."""
    return default


def _resolve(parent: Any, child: Any, default: Any) -> Any:
    """A child's value counts unless it is the default (`HierarchyResolver`): it cannot take a parent's `true` back."""
    return parent if child == default else child


def _appended(parent: Any, child: Any, default: Any) -> Any:
    return [*parent, *child]


def _annotations(parent: Any, child: Any, default: Any) -> Any:
    """One of each key, the child's first; of two of one template the first counts here, though else the last does."""
    return list({item["key"]: item for item in [*reversed(parent), *reversed(child)]}.values())


def _united(parent: Any, child: Any, default: Any) -> Any:
    return list({item["name"]: item for item in [*parent, *child]}.values())


def _variables(parent: Any, child: Any, default: Any) -> Any:
    """By key (`combineEnvVars`); two of one key in one template are an error in the plugin, but only here."""
    met = {**unique(parent, "key", "envVars"), **unique(child, "key", "envVars")}
    return [variable for key, variable in met.items() if key]


def _volumes(parent: Any, child: Any, default: Any) -> Any:
    return _met(unique(parent, "mountPath", "volumes"), unique(child, "mountPath", "volumes"))


def _ports(parent: Any, child: Any, default: Any) -> Any:
    met = [*unique(parent, "name", "ports").items(), *((port["name"], port) for port in child)]
    return list(in_hash_order(met).values())


def _containers(parent: Any, child: Any, default: Any) -> Any:
    known, own = unique(parent, "name", "containers"), unique(child, "name", "containers")
    return _met(known, {name: combined(CONTAINER, known.get(name), one) for name, one in own.items()})


def _met(parent: Mapping[str, Any], child: Mapping[str, Any]) -> list[Any]:
    table: HashMap[Any] = HashMap()
    table.put_all(in_hash_order(parent.items()))
    table.put_all(in_hash_order(child.items()))
    return list(table.ordered().values())


def unique(values: Iterable[Mapping[str, Any]], key: str, what: str) -> dict[str, Any]:
    """Index a list as `Collectors.toMap` does.

    Raises:
        BuildkeepError: for a second item of one key, where the plugin fails with "Duplicate key".
    """
    found: dict[str, Any] = {}
    for value in values:
        if value.get(key) in found:
            problem = f"{what}: two have the {key} {value.get(key)}, which the plugin cannot merge; remove one"
            raise BuildkeepError([problem])
        found[value.get(key)] = value  # type: ignore[index]
    return found


_PAIR = {"key": (REQUIRED, text), "value": ("", text)}
_PORT = {"name": ("", text), "containerPort": (None, number), "hostPort": (None, number)}
_PROBE = {
    "execArgs": ("", text),
    **dict.fromkeys(("timeoutSeconds", "initialDelaySeconds", "failureThreshold"), (0, number)),
    **dict.fromkeys(("periodSeconds", "successThreshold"), (0, number)),
}
_ENVIRONMENT: tuple[Any, Rule, Reader] = ([], _variables, list_of(one_of(VARIABLES)))
CONTAINER: Table = {
    "name": (REQUIRED, _own, text),
    "image": (REQUIRED, _resolve, image),
    **dict.fromkeys(("command", "args", "workingDir", "shell"), ("", _resolve, text)),
    **dict.fromkeys(("alwaysPullImage", "ttyEnabled", "privileged"), (False, _resolve, flag)),
    **dict.fromkeys(("runAsUser", "runAsGroup"), (None, _resolve, identity)),
    **{f"resource{kind}{what}": ("", _resolve, text) for kind in ("Request", "Limit") for what in ("Cpu", "Memory")},
    **{f"resource{kind}EphemeralStorage": ("", _resolve, text) for kind in ("Request", "Limit")},
    "envVars": _ENVIRONMENT,
    "ports": ([], _ports, list_of(made_by("portMapping", _PORT))),
    "livenessProbe": (None, _resolve, made_by("containerLivenessProbe", _PROBE)),
}


def _container(value: Any, where: str) -> Template:
    given = made_by("containerTemplate", {key: (default, reader) for key, (default, _, reader) in CONTAINER.items()})
    return dict(given(value, where))


def _pull_secret(value: Any, where: str) -> dict[str, str]:
    """A name alone in the podTemplate step, a mapping in JCasC."""
    if isinstance(value, str):
        return {"name": value}
    return fields(value if isinstance(value, Mapping) else {}, where, {"name": (REQUIRED, text)})


RETENTIONS = ("default", "never", "always", "onFailure", "evicted")
MODES = ("NORMAL", "EXCLUSIVE")
TEMPLATE: Table = {
    **dict.fromkeys(("id", "name", "label"), ("", _own, trimmed)),
    "podRetention": ("default", _own, named(*RETENTIONS)),
    **dict.fromkeys(("namespace", "inheritFrom", "nodeSelector"), ("", _resolve, trimmed)),
    **dict.fromkeys(("serviceAccount", "schedulerName", "agentContainer"), ("", _resolve, text)),
    **dict.fromkeys(("activeDeadlineSeconds", "idleMinutes"), (0, _resolve, number)),
    **dict.fromkeys(("runAsUser", "runAsGroup"), (None, _resolve, identity)),
    "supplementalGroups": (None, _resolve, text),
    "hostNetwork": (None, _resolve, flag),
    "agentInjection": (False, _resolve, flag),
    # Its getter never gives null, so a parent's is never asked for.
    "nodeUsageMode": ("EXCLUSIVE", _own, named(*MODES)),
    "instanceCap": (None, _resolve, number),
    "slaveConnectTimeout": (1000, _resolve, number),
    "terminationGracePeriodSeconds": (None, _lost, number),
    "showRawYaml": (True, _resolve, flag),
    # The combined template hands on what its parent says; the child's own word is lost.
    "inheritYamlMergeStrategy": (False, _parents, flag),
    "yamlMergeStrategy": (None, _own, named("override", "merge")),
    "workspaceVolume": (DEFAULT_WORKSPACE, _resolve, one_of(WORKSPACES)),
    "annotations": ([], _annotations, list_of(made_by("podAnnotation", _PAIR))),
    "imagePullSecrets": ([], _united, list_of(_pull_secret)),
    "envVars": _ENVIRONMENT,
    "volumes": ([], _volumes, list_of(one_of(VOLUMES))),
    "containers": ([], _containers, list_of(_container)),
    "yamls": ([], _appended, list_of(text)),
}


def combined(table: Table, parent: Mapping[str, Any] | None, child: Mapping[str, Any]) -> dict[str, Any]:
    """Merge what a table describes with its parent, attribute by attribute.

    Raises:
        BuildkeepError: for what the plugin cannot merge.
    """
    if parent is None:
        return deepcopy(dict(child))
    return {key: deepcopy(rule(parent[key], child[key], default)) for key, (default, rule, _) in table.items()}

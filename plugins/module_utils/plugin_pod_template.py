"""The Kubernetes plugin's pod template: its attributes, and what it inherits.

A port of the rules of `PodTemplate`, `ContainerTemplate` and `PodTemplateUtils.combine/unwrap`
(jenkinsci/kubernetes-plugin 4423.vb_59f230b_ce53). A template is a mapping that holds every attribute of a table below;
what the tables do not name is refused, so that nobody takes a pod for the plugin's that ours could not work out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

Template = dict[str, Any]
Rule = Callable[[Any, Any, Any], Any]

DEFAULT_WORKSPACE = {"emptyDirWorkspaceVolume": {"memory": False}}


def _own(parent: Any, child: Any, default: Any) -> Any:
    return child


def _parents(parent: Any, child: Any, default: Any) -> Any:
    return parent


def _resolve(parent: Any, child: Any, default: Any) -> Any:
    """A child's value counts unless it is the default: so no child can take a parent's `true` back."""
    return parent if child == default else child


def _appended(parent: Any, child: Any, default: Any) -> Any:
    return [*parent, *child]


def _annotations(parent: Any, child: Any, default: Any) -> Any:
    return list({item["key"]: item for item in [*reversed(parent), *reversed(child)]}.values())


def _containers(parent: Any, child: Any, default: Any) -> Any:
    known = {container["name"]: container for container in parent}
    return list({**known, **{c["name"]: _combined(CONTAINER, known.get(c["name"]), c) for c in child}}.values())


# attribute: (value where it is not given, how a child's meets its parent's)
CONTAINER: Mapping[str, tuple[Any, Rule]] = {
    "name": ("", _own),
    **dict.fromkeys(("image", "command", "args", "workingDir"), ("", _resolve)),
    **dict.fromkeys(("alwaysPullImage", "ttyEnabled", "privileged"), (False, _resolve)),
    **dict.fromkeys(("runAsUser", "runAsGroup"), (None, _resolve)),
    **{f"resource{kind}{what}": ("", _resolve) for kind in ("Request", "Limit") for what in ("Cpu", "Memory")},
    **{f"resource{kind}EphemeralStorage": ("", _resolve) for kind in ("Request", "Limit")},
}
TEMPLATE: Mapping[str, tuple[Any, Rule]] = {
    **dict.fromkeys(("id", "name", "label", "podRetention"), ("", _own)),
    **dict.fromkeys(("namespace", "inheritFrom", "nodeSelector", "serviceAccount"), ("", _resolve)),
    **dict.fromkeys(("schedulerName", "agentContainer"), ("", _resolve)),
    **dict.fromkeys(("activeDeadlineSeconds", "idleMinutes"), (0, _resolve)),
    **dict.fromkeys(("runAsUser", "runAsGroup", "supplementalGroups", "hostNetwork"), (None, _resolve)),
    **dict.fromkeys(("nodeUsageMode", "instanceCap"), (None, _resolve)),
    "slaveConnectTimeout": (1000, _resolve),
    "showRawYaml": (True, _resolve),
    # The combined template hands on what its parent says; the child's own word is lost.
    "inheritYamlMergeStrategy": (False, _parents),
    "yamlMergeStrategy": (None, _own),
    "workspaceVolume": (DEFAULT_WORKSPACE, _resolve),
    "annotations": ([], _annotations),
    "containers": ([], _containers),
    "yamls": ([], _appended),
}
_NUMBERS = ("runAsUser", "runAsGroup")
_INTEGERS = ("activeDeadlineSeconds", "idleMinutes", "instanceCap", "slaveConnectTimeout")
# Other spellings of the same attribute, as JCasC takes them.
_ALIASES = {f"{key}Str": key for key in _INTEGERS}


def read_template(raw: Mapping[str, Any], where: str) -> Template:
    """Take a template as JCasC or a pipeline step writes it.

    Args:
        raw: attributes, in the plugin's spelling.
        where: what to call the template in an error.

    Returns:
        every attribute of `TEMPLATE`; `yaml` has become the one item of `yamls`.

    Raises:
        BuildkeepError: naming each attribute that is unknown or not supported here.
    """
    given = {_ALIASES.get(key, key): value for key, value in raw.items()}
    yaml = given.pop("yaml", None)
    template = _filled(TEMPLATE, given, where)
    template["yamls"] = [str(yaml)] if yaml else []
    template["containers"] = [
        _filled(CONTAINER, container, f"{where}.containers[{index}]")
        for index, container in enumerate(given.get("containers") or [])
    ]
    strategy = template["yamlMergeStrategy"]
    if strategy not in (None, "override", "merge"):
        raise BuildkeepError([f"{where}.yamlMergeStrategy: {strategy!r} is none; write override or merge"])
    template.update({key: _number(template[key]) for key in _INTEGERS})
    for mapping in (template, *template["containers"]):
        mapping.update({key: _number(mapping[key]) for key in _NUMBERS})
    return template


def find(templates: Iterable[Template], name: str) -> Template | None:
    """Take the first template of this name, as the plugin does."""
    return next((template for template in templates if template["name"] == name), None)


def unwrap(template: Template, defaults: str, templates: Sequence[Template]) -> Template:
    """Merge a template with everything that it inherits.

    The cloud's defaults come first and only here, at the end of the chain; then the names of `inheritFrom` from left to
    right, each with its own parents. Names that no template has are passed over, as the plugin does.

    Args:
        template: as `read_template` makes it.
        defaults: the cloud's `defaultsProviderTemplate`, or "".
        templates: all templates of the cloud.
    """
    parent: Template | None = None
    for name in filter(None, [defaults, *template["inheritFrom"].split()]):
        ancestor = find(templates, name)
        if ancestor is not None:
            parent = combine_templates(parent, unwrap(ancestor, "", templates))
    return combine_templates(parent, template)


def combine_templates(parent: Template | None, child: Template) -> Template:
    """Merge a template with its parent (`PodTemplateUtils.combine(PodTemplate, PodTemplate)`)."""
    combined = _combined(TEMPLATE, parent, child)
    if parent is not None and child["yamlMergeStrategy"] is None and parent["inheritYamlMergeStrategy"]:
        combined["yamlMergeStrategy"] = parent["yamlMergeStrategy"]
    return combined


def _combined(
    table: Mapping[str, tuple[Any, Rule]], parent: Mapping[str, Any] | None, child: Mapping[str, Any]
) -> dict[str, Any]:
    if parent is None:
        return deepcopy(dict(child))
    return {key: deepcopy(rule(parent[key], child[key], default)) for key, (default, rule) in table.items()}


def _filled(table: Mapping[str, tuple[Any, Rule]], raw: Mapping[str, Any], where: str) -> dict[str, Any]:
    unknown = sorted(set(raw) - set(table) | ({"yamls"} & set(raw)))
    if unknown:
        known = ", ".join(sorted("yaml" if key == "yamls" else key for key in table))
        raise BuildkeepError([f"{where}.{key}: not supported; supported: {known}" for key in unknown])
    return {
        key: deepcopy(default if raw.get(key) is None or raw[key] == "" else raw[key])
        for key, (default, _) in table.items()
    }


def _number(value: Any) -> int | None:
    """Java's parse of a text field: what is no number is no value."""
    try:
        return None if value is None else int(str(value).strip())
    except ValueError:
        return None

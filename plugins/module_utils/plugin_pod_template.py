"""The Kubernetes plugin's pod template: how it is read, and what it inherits.

A port of the rules of `PodTemplate` and `PodTemplateUtils.combine/unwrap` (jenkinsci/kubernetes-plugin
4423.vb_59f230b_ce53). A template is a mapping that holds every attribute of `plugin_pod_attributes.TEMPLATE`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_attributes import (
    CONTAINER,
    TEMPLATE,
    Template,
    combined,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_values import fields, text

__all__ = ["CONTAINER", "TEMPLATE", "Template", "combine_templates", "find", "read_template", "unwrap"]

_INTEGERS = ("activeDeadlineSeconds", "idleMinutes", "instanceCap", "slaveConnectTimeout")
# Other spellings of the same attribute, as JCasC takes them.
_ALIASES = {f"{key}Str": key for key in _INTEGERS}


def read_template(raw: Mapping[str, Any], where: str) -> Template:
    """Take a template as JCasC or a pipeline step writes it.

    Args:
        raw: attributes, in the plugin's spelling.
        where: what to call the template in an error.

    Returns:
        every attribute of `TEMPLATE`; `yaml` is the one item of `yamls`, unless that is given (`PodTemplate.getYamls`).

    Raises:
        BuildkeepError: naming each attribute that is unknown or not supported here, and each value that is wrong.
    """
    given = {_ALIASES.get(key, key): value for key, value in raw.items()}
    yaml = given.pop("yaml", None)
    readers = {key: (default, reader) for key, (default, _, reader) in TEMPLATE.items()}
    template = deepcopy(fields(given, where, readers))
    template["yamls"] = [each for each in template["yamls"] if each] or ([text(yaml, f"{where}.yaml")] if yaml else [])
    # `setInstanceCap`, `setSlaveConnectTimeout`
    if template["instanceCap"] is not None and template["instanceCap"] < 0:
        template["instanceCap"] = None
    if template["slaveConnectTimeout"] <= 0:
        template["slaveConnectTimeout"] = 1000
    return template


def find(templates: Iterable[Template], name: str) -> Template | None:
    """Take the first template of this name (`PodTemplateUtils.getTemplateByName`)."""
    return next((template for template in templates if template["name"] == name), None)


def unwrap(template: Template, defaults: str, templates: Sequence[Template], within: tuple[str, ...] = ()) -> Template:
    """Merge a template with everything that it inherits (`PodTemplateUtils.unwrap`).

    The cloud's defaults come first and only here, at the end of the chain; then the names of `inheritFrom` from left to
    right, each with its own parents. Names that no template has are passed over, as the plugin does.

    Args:
        template: as `read_template` makes it.
        defaults: the cloud's `defaultsProviderTemplate`, or "".
        templates: all templates of the cloud.
        within: names of the templates that are being unwrapped.

    Raises:
        BuildkeepError: for a template that inherits from itself, where the plugin never ends, and for what it cannot
            merge.
    """
    parent: Template | None = None
    for name in filter(None, [defaults, *re.split(" +", template["inheritFrom"])]):
        ancestor = find(templates, name)
        if ancestor is None:
            continue
        if name in within:
            chain = " -> ".join((*within, name))
            raise BuildkeepError([f"inheritFrom: {chain} goes round in a circle; let one of them inherit nothing"])
        parent = combine_templates(parent, unwrap(ancestor, "", templates, (*within, name)))
    return combine_templates(parent, template)


def combine_templates(parent: Template | None, child: Template) -> Template:
    """Merge a template with its parent (`PodTemplateUtils.combine(PodTemplate, PodTemplate)`)."""
    template = combined(TEMPLATE, parent, child)
    if parent is not None and child["yamlMergeStrategy"] is None and parent["inheritYamlMergeStrategy"]:
        template["yamlMergeStrategy"] = parent["yamlMergeStrategy"]
    return template

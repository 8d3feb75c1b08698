"""Jenkins clouds from the files of the plugin Configuration as Code (JCasC).

A port of the few of its rules that clouds depend on (jenkinsci/configuration-as-code-plugin
2117.vc05a_0b_e6b_f4e): files in the order of their names, lists appended, `${…}` resolved unless a caret precedes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.jcasc_attributes import OBJECTS
from ansible_collections.buildkeep.ci.plugins.module_utils.jcasc_schema import cloud_problems

# Attributes of a cloud, and their values where a file gives none.
CLOUD: Mapping[str, Any] = {name: attribute.default for name, attribute in OBJECTS["cloud"].items()}
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SECRET = re.compile(r"(?<!\^)\$\{[^}]*\}")


def load_clouds(files: Mapping[str, str]) -> list[tuple[str, dict[str, Any]]]:
    """Read all clouds.

    Args:
        files: texts by file name.

    Returns:
        for each cloud where it stands and every attribute of `CLOUD`: `podLabels` as a mapping, `jenkinsUrl` with a
        slash at its end.

    Raises:
        BuildkeepError: with every problem of every file: what Jenkins would refuse, or `jcasc_schema` does.
    """
    problems: list[str] = []
    found: list[tuple[str, dict[str, Any]]] = []
    first: dict[str, str] = {}
    for where, raw in [one for name in sorted(files) for one in _entries(name, files[name], problems)]:
        faults = cloud_problems(raw, where)
        problems += [str(fault) for fault in faults]
        problems += [f"{where}.{key}: missing" for key in ("namespace", "jenkinsUrl") if not raw.get(key)]
        name = str(raw.get("name"))
        if name in first:
            # Jenkins takes both and finds only the first.
            problems.append(f"{where}.name: {name} is the name of {first[name]} too; rename one")
        first.setdefault(name, where)
        if not faults:
            found.append((where, _cloud(raw)))
    if problems:
        raise BuildkeepError(problems)
    return found


def _entries(name: str, text: str, problems: list[str]) -> list[tuple[str, dict[str, Any]]]:
    secrets = _SECRET.findall(text)
    if secrets:
        problems.append(f"{name}: {secrets[0]} would become a secret of the controller; write ^ before it to keep it")
        return []
    try:
        document = yaml.load(text.replace("^${", "${"), Loader=_LOADER)  # noqa: S506
        given = document["jenkins"]["clouds"]
        rest = {*(f"jenkins.{key}" for key in document["jenkins"]), *document} - {"jenkins", "jenkins.clouds"}
        clouds = [
            (f"{name}: jenkins.clouds[{index}].kubernetes", dict(entry["kubernetes"]))
            for index, entry in enumerate(given)
        ]
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        problems.append(f"{name}: no list of Kubernetes clouds under jenkins.clouds ({error!r})")
        return []
    problems += [f"{name}: {key}: not supported; supported: jenkins.clouds" for key in sorted(rest)]
    return clouds


def _cloud(raw: Mapping[str, Any]) -> dict[str, Any]:
    cloud = {key: default if raw.get(key) is None else raw[key] for key, default in CLOUD.items()}
    # An empty list is no list for the plugin (`KubernetesCloud.getPodLabels`).
    labels = cloud["podLabels"] or CLOUD["podLabels"]
    cloud["podLabels"] = {label["key"]: str(label.get("value", "")) for label in labels}
    cloud["jenkinsUrl"] = cloud["jenkinsUrl"].rstrip("/") + "/"
    cloud["containerCapStr"] = str(cloud["containerCapStr"] if cloud["containerCap"] is None else cloud["containerCap"])
    cloud["templates"] = list(cloud["templates"])
    return cloud

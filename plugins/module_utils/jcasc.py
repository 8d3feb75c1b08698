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

# Attributes of a cloud that the port knows what to do with, and their values where a file gives none.
CLOUD: Mapping[str, Any] = {
    "name": "",
    "namespace": "",
    "jenkinsUrl": "",
    "jenkinsTunnel": "",
    "webSocket": False,
    "serverUrl": "",
    "serverCertificate": "",
    "credentialsId": "",
    "garbageCollection": None,
    "podRetention": "never",
    "retentionTimeout": 5,
    "waitForPodSec": 600,
    "jnlpregistry": "",
    "restrictedPssSecurityContext": False,
    "usageRestricted": False,
    "containerCapStr": "",
    "podLabels": ({"key": "jenkins", "value": "slave"},),
    "defaultsProviderTemplate": "",
    "templates": (),
}
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
        BuildkeepError: with every problem of every file.
    """
    problems: list[str] = []
    found: list[tuple[str, dict[str, Any]]] = []
    for name in sorted(files):
        for where, raw in _entries(name, files[name], problems):
            unknown = sorted(set(raw) - set(CLOUD))
            problems += [f"{where}.{key}: not supported; supported: {', '.join(CLOUD)}" for key in unknown]
            problems += [f"{where}.{key}: missing" for key in ("name", "namespace", "jenkinsUrl") if not raw.get(key)]
            found.append((where, _cloud(raw)))
    first: dict[str, str] = {}
    for where, cloud in found:
        if cloud["name"] in first:
            # Jenkins takes both and finds only the first.
            problems.append(f"{where}.name: {cloud['name']} is the name of {first[cloud['name']]} too; rename one")
        first.setdefault(cloud["name"], where)
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
    cloud["podLabels"] = {label["key"]: str(label["value"]) for label in cloud["podLabels"]}
    cloud["jenkinsUrl"] = cloud["jenkinsUrl"].rstrip("/") + "/"
    cloud["templates"] = list(cloud["templates"])
    return cloud

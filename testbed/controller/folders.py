"""Which clouds the jobs of a folder may use: from the Job DSL in the configuration, as far as that says it.

Files of the side-car's ConfigMaps with a root `jobs` hold Job DSL: `folder('shop') { … permittedClouds(['shop']) … }`.
A folder may use what it permits and what the folders around it permit (jenkinsci/kubernetes-plugin,
KubernetesFolderProperty). Without any such file each folder permits the cloud of its own name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils import plugin_pod
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

Clouds = Mapping[str, plugin_pod.Cloud]
# A string of any quotes, a name, a comment, or one other sign.
TOKEN = re.compile(
    r"(?P<string>'''.*?'''|\"\"\".*?\"\"\"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\")"
    r"|(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<name>\w+)|(?P<sign>\S)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Offers:
    """The clouds, and what folders permit; None: each the cloud of its own name."""

    clouds: Clouds
    folders: Mapping[str, frozenset[str]] | None = None

    def permitted(self, cloud: plugin_pod.Cloud, folder: str) -> bool:
        """Whether jobs of a folder, a path with slashes, may use a cloud."""
        if not cloud.attributes["usageRestricted"]:
            return True
        if self.folders is None:
            return cloud.name == folder
        parts = folder.split("/")
        paths = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
        return any(cloud.name in self.folders.get(path, ()) for path in paths)


def read_folders(configmaps: Iterable[Mapping[str, Any]]) -> Offers:
    """Reads the side-car's ConfigMaps.

    Raises:
        BuildkeepError: with every problem: see `plugin_pod.clouds`; Job DSL of which the folders cannot be told.
    """
    clouds: list[Mapping[str, Any]] = []
    folders: dict[str, frozenset[str]] = {}
    found = False
    for configmap in configmaps:
        data = dict(configmap.get("data") or {})
        for name in list(data):
            document = _document(data[name])
            if isinstance(document, dict) and "jobs" in document:
                found = True
                folders |= _of_document(name, document)
                del data[name]
        clouds.append({**configmap, "data": data})
    return Offers(plugin_pod.clouds(clouds), folders if found else None)


def permitted_clouds(script: str) -> dict[str, frozenset[str]]:
    """The folders of a Job DSL script with the clouds that each permits.

    Raises:
        BuildkeepError: a folder's name, or a list of clouds, is no literal.
    """
    tokens = [(match.lastgroup or "", match.group()) for match in TOKEN.finditer(script)
              if match.lastgroup != "comment"]  # fmt: skip
    words = [text for _, text in tokens]
    result: dict[str, frozenset[str]] = {}
    for index in _calls(tokens, "folder"):
        if words[index + 1] != "(" and not _is_string(words[index + 1]):
            continue  # a variable of that name
        name = words[index + 2] if words[index + 1] == "(" else words[index + 1]
        if not _is_string(name):
            raise BuildkeepError([f"Job DSL: folder {name} … : its name is no plain string"])
        start = index + words[index : index + 3].index(name) + 1
        while words[start : start + 1] in ([")"], [","]):
            start += 1
        body = tokens[start : _end(words, start)] if words[start : start + 1] == ["{"] else []
        result[name.strip("'\"")] = frozenset(_clouds(body))
    return result


def _document(text: str) -> Any:
    if not re.search(r"^jobs\s*:", text, re.MULTILINE):
        return None
    return yaml.safe_load(text.replace("^${", "${"))


def _of_document(name: str, document: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    if set(document) != {"jobs"}:
        raise BuildkeepError([f"{name}: jobs stands beside {', '.join(sorted(set(document) - {'jobs'}))}; write a file"
                              " of its own"])  # fmt: skip
    result: dict[str, frozenset[str]] = {}
    for job in document["jobs"]:
        result |= permitted_clouds(str(job["script"]))
    return result


def _calls(tokens: Sequence[tuple[str, str]], name: str) -> Iterator[int]:
    return (index for index, (kind, text) in enumerate(tokens[:-2]) if kind == "name" and text == name)


def _is_string(text: str) -> bool:
    return text[:1] in ("'", '"') and "$" not in text


def _end(words: Sequence[str], start: int) -> int:
    """The index behind the brace that closes the one at `start`."""
    depth = 0
    for index in range(start, len(words)):
        depth += {"{": 1, "}": -1}.get(words[index], 0)
        if depth == 0:
            return index + 1
    return len(words)


def _clouds(body: Sequence[tuple[str, str]]) -> Iterator[str]:
    for index in _calls(body, "permittedClouds"):
        for _, text in body[index + 1 :]:
            if _is_string(text):
                yield text.strip("'\"")
            elif text not in ("(", "[", ","):
                if text not in ("]", ")", "}"):
                    raise BuildkeepError([f"Job DSL: permittedClouds … {text}: write a list of plain strings"])
                break

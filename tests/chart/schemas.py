"""The strict JSON Schemas of each Kubernetes version, as the package kubernetes-validate ships them.

Its own validate() reads megabytes of definitions anew for every object; here each version's are read once.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import referencing

_FOLDER = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"


def faults(item: Mapping[str, Any], version: str) -> list[str]:
    """List what a version's API would not take, unknown fields included.

    Args:
        item: a whole object.
        version: major and minor, such as `1.30`.
    """
    # The file of rbac.authorization.k8s.io/v1 is named rbac-v1, as validate() has it.
    api = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", item["apiVersion"])
    schema = _folder(version) / f"{item['kind'].lower()}-{api}.json"
    if not schema.is_file():
        return [f"Kubernetes {version} has no {item['kind']} in {item['apiVersion']}"]
    found = _validator(schema).iter_errors(item)
    name = f"{item['kind']} {item['metadata']['name']}"
    return [f"{name}: {'.'.join(map(str, error.absolute_path))}: {error.message}" for error in found]


def _folder(version: str) -> Path:
    (folder,) = _FOLDER.glob(f"v{version}.*-local-strict")
    return folder


@functools.cache
def _validator(path: Path) -> Any:
    schema = json.loads(path.read_text(encoding="utf-8"))
    registry: Any = referencing.Resource.from_contents(schema) @ _definitions(path.parent)
    return jsonschema.Draft202012Validator(schema, registry=registry)


@functools.cache
def _definitions(folder: Path) -> Any:
    contents = json.loads((folder / "_definitions.json").read_text(encoding="utf-8"))
    registry: Any = referencing.Registry()
    return (referencing.Resource.from_contents(contents) @ registry).crawl()

"""Kubernetes objects as plain dictionaries: rendered from templates, labelled, compared, shown."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.names import (
    LABEL_MANAGED_BY,
    LABEL_ROLE,
    LABEL_TENANT,
    MANAGED_BY,
)

Object = dict[str, Any]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes texts of several lines as such, so that a diff shows which of them changed."""


def _text(dumper: Any, value: str) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)
# What JSON leaves as it is and YAML refuses or folds (YAML 1.1, 5.1 and 5.4).
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
# What the API server writes: not part of what an object is meant to be.
_SERVER_FIELDS = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")
HIDDEN = "(hidden)"


@dataclass(frozen=True, order=True)
class Key:
    """What names an object in a cluster."""

    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


def key_of(item: Mapping[str, Any]) -> Key:
    """The key of a whole object."""
    metadata = item["metadata"]
    return Key(item["apiVersion"], item["kind"], metadata.get("namespace", ""), metadata["name"])


def labels_of(item: Mapping[str, Any]) -> dict[str, str]:
    """The labels, also where there are none."""
    return item["metadata"].get("labels") or {}


def annotations_of(item: Mapping[str, Any]) -> dict[str, str]:
    """The annotations, also where there are none."""
    return item["metadata"].get("annotations") or {}


def tenant_of(item: Mapping[str, Any]) -> str:
    """The tenant that an object belongs to, or ''."""
    return labels_of(item).get(LABEL_TENANT, "")


def owner_selector(owner: str) -> str:
    """The label selector of everything that a role made."""
    return f"{LABEL_MANAGED_BY}={MANAGED_BY},{LABEL_ROLE}={owner}"


def script(path: Path) -> str:
    """A shell script without its comments, which the container that runs it does not need."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("#")) + "\n"


def to_json(value: Any) -> str:
    """JSON on one line that is also YAML, whatever characters are in it."""
    text = json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def to_cel(value: Any) -> str:
    """A CEL literal: JSON's notation is CEL's for strings, numbers, lists and maps (cel-spec, langdef.md)."""
    return to_json(value)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(  # noqa: S701 - YAML, where values are quoted by to_json
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(to_json=to_json, cel=to_cel)
    return environment


def parse(text: str, origin: str) -> list[Object]:
    """The objects of a YAML text of one or more documents; empty documents are dropped.

    Raises BuildkeepError, naming the origin.
    """
    try:
        documents = [document for document in yaml.load_all(text, Loader=_LOADER) if document is not None]
    except yaml.YAMLError as error:
        raise BuildkeepError([f"{origin}: not YAML: {' '.join(str(error).split())}; correct the text"]) from error
    problems = [problem for document in documents if (problem := shape_problem(document, origin))]
    if problems:
        raise BuildkeepError(problems)
    return documents


def shape_problem(document: Any, origin: str) -> str | None:
    """Why this is no Kubernetes object, or None."""
    if not isinstance(document, dict):
        return f"{origin}: a Kubernetes object is a mapping, this is a {type(document).__name__}; correct the text"
    metadata = document.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    texts = {name: document.get(name) for name in ("apiVersion", "kind")} | {"metadata.name": metadata.get("name")}
    wrong = [name for name, value in texts.items() if not (isinstance(value, str) and value)]
    if not isinstance(metadata.get("namespace", ""), str):
        wrong.append("metadata.namespace")
    return f"{origin}: {', '.join(wrong)} must be a non-empty text (quote words such as y, on, 1)" if wrong else None


def render(
    templates: Sequence[str], variables: Mapping[str, Any], each: Sequence[Mapping[str, Any]] | None
) -> list[Object]:
    """Renders every template once for every mapping of `each` (once in all where it is None).

    Args:
        templates: paths of Jinja templates that give YAML.
        variables: known to all.
        each: more variables, which win.

    Raises:
        BuildkeepError: all templates that are missing, wrong, or name an unknown variable.
    """
    environment = _environment()
    found: list[Object] = []
    problems: list[str] = []
    for path in templates:
        try:
            template = environment.from_string(Path(path).read_text(encoding="utf-8"))
        except (OSError, jinja2.TemplateError) as error:
            problems.append(f"template {path}: {error}; correct the path or the template")
            continue
        for index, values in enumerate(each if each is not None else [{}]):
            origin = f"template {path}" + (f", each[{index}]" if each is not None else "")
            try:
                found += parse(template.render({**variables, **values}), origin)
            except BuildkeepError as error:
                problems += error.problems
            except jinja2.UndefinedError as error:
                problems.append(f"{origin}: {error}; give the variable in vars or each")
            except Exception as error:  # an expression of the template may raise anything
                problems.append(f"{origin}: {type(error).__name__}: {error}; correct the template or its variables")
    if problems:
        raise BuildkeepError(problems)
    return found


def own(items: Iterable[Object], owner: str) -> list[Object]:
    """Copies with the labels that say who made them. Raises BuildkeepError for an object given twice."""
    owned: dict[Key, Object] = {}
    twice: list[str] = []
    for item in items:
        metadata = {**item["metadata"]}
        metadata["labels"] = {**(metadata.get("labels") or {}), LABEL_MANAGED_BY: MANAGED_BY, LABEL_ROLE: owner}
        made = {**item, "metadata": metadata}
        key = key_of(made)
        if key in owned:
            twice.append(f"{key} is given twice: keep one of the two")
        owned[key] = made
    if twice:
        raise BuildkeepError(twice)
    return list(owned.values())


def comparable(item: Mapping[str, Any]) -> Object:
    """The object without status and what the API server writes into metadata."""
    metadata = {name: value for name, value in item["metadata"].items() if name not in _SERVER_FIELDS}
    return {name: value for name, value in item.items() if name != "status"} | {"metadata": metadata}


def _shown(item: Mapping[str, Any] | None) -> Any:
    if item is None:
        return None
    shown = copy.deepcopy(comparable(item))
    if item["kind"] == "Secret":
        for field in ("data", "stringData"):
            if field in shown:
                shown[field] = dict.fromkeys(shown[field], HIDDEN)
        # kubectl apply keeps a copy of the whole object there, and so do we of what was before.
        for name in annotations_of(shown):
            shown["metadata"]["annotations"][name] = HIDDEN
    return shown


def difference(key: Key, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, str]:
    """One entry of Ansible's diff: YAML before and after, without a Secret's values."""
    texts = [
        "" if shown is None else yaml.dump(shown, Dumper=_Dumper, default_flow_style=False, allow_unicode=True)
        for shown in (_shown(before), _shown(after))
    ]
    if texts[0] == texts[1] and key.kind == "Secret":
        texts[1] += f"# values differ, {HIDDEN}\n"
    return {"before_header": str(key), "after_header": str(key), "before": texts[0], "after": texts[1]}

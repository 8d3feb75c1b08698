"""The table of attacks, read from attacks.yaml and checked: what is sent, by which path, and who has to refuse it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import yaml

from testbed.attacks.answers import Expected

TABLE = Path(__file__).with_name("attacks.yaml")
WAYS: Mapping[str, str] = {
    "jenkinsfile": "a Jenkinsfile that shop's author hands to the controller",
    "controller-token": "the controller's own token, used against the API server",
    "debugger": "a user who may add ephemeral containers in shop's namespace",
}
POD_SECURITY = "PodSecurity"
KEYS = frozenset({"id", "title", "way", "send", "refused", "behind", "permitted"})


@dataclass(frozen=True)
class Attack:
    """One attack.

    Args:
        id: short and unique, as it stands in the report.
        title: what the attacker wants, for people.
        way: a key of `WAYS`.
        send: what is sent; its shape depends on the way (see attacks.yaml).
        refused: the refusal that has to come.
        behind: where Pod Security answers first, the refusal of our own policy in a namespace without Pod Security.
        permitted: the same thing done as it may be done, by the same way; it has to succeed.
    """

    id: str
    title: str
    way: str
    send: Mapping[str, Any]
    refused: Expected
    permitted: Mapping[str, Any]
    behind: Expected | None = None


def fill(node: Any, names: Mapping[str, str]) -> Any:
    """A copy of plain data in which `$name` in strings is replaced; an unknown name raises KeyError."""
    if isinstance(node, str):
        return Template(node).substitute(names)
    if isinstance(node, Mapping):
        return {fill(key, names): fill(value, names) for key, value in node.items()}
    if isinstance(node, list):
        return [fill(item, names) for item in node]
    return node


def problems_of(row: Mapping[str, Any]) -> list[str]:
    """What is wrong with one row, as sentences."""
    name = row.get("id", "a row without id")
    refused, behind = row.get("refused", {}), row.get("behind")
    rules = [
        (set(row) - KEYS, f"unknown keys {sorted(set(row) - KEYS)}"),
        (KEYS - {"behind"} - set(row), f"missing keys {sorted(KEYS - {'behind'} - set(row))}"),
        (row.get("way") not in WAYS, f"way has to be one of {sorted(WAYS)}"),
        (row.get("send") == row.get("permitted"), "permitted has to differ from what is sent"),
        ((refused.get("by") == POD_SECURITY) != bool(behind), "behind belongs to refusals by Pod Security, and to all"),
    ]
    found = [text for wrong, text in rules if wrong]
    found += [text for part in (refused, behind) if part for text in _vague(part)]
    return [f"{name}: {text}" for text in found]


def _vague(part: Mapping[str, str]) -> list[str]:
    """Why an expected refusal would also be met by some other refusal."""
    if part.get("rule"):
        return [
            f"{key} of rule {part['rule']} is empty" for key in ("by", "field", "value", "allowed") if not part.get(key)
        ]
    return [] if part.get("words") else ["a refusal needs a rule, or the words of Pod Security or RBAC"]


def parse(text: str, names: Mapping[str, str]) -> tuple[Attack, ...]:
    """The attacks of a table.

    Args:
        text: YAML with the list `attacks`; everything else in it only serves as anchors.
        names: what `$agent` and the like stand for.

    Raises:
        ValueError: the table is not well formed; every problem is named.
    """
    rows: Sequence[Mapping[str, Any]] = fill(yaml.safe_load(text)["attacks"], names)
    ids = [row.get("id") for row in rows]
    problems = [text for row in rows for text in problems_of(row)]
    problems += [f"{name}: the id stands twice" for name in sorted({str(x) for x in ids if ids.count(x) > 1})]
    if problems:
        raise ValueError("\n".join(problems))
    return tuple(_attack(row) for row in rows)


def _attack(row: Mapping[str, Any]) -> Attack:
    behind = Expected(**row["behind"]) if row.get("behind") else None
    return Attack(**{**row, "refused": Expected(**row["refused"]), "behind": behind})


def load(names: Mapping[str, str], path: Path = TABLE) -> tuple[Attack, ...]:
    """The attacks of attacks.yaml; see `parse`."""
    return parse(path.read_text(encoding="utf-8"), names)

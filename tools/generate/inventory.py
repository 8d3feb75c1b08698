"""The page of inventory variables, from the roles' specs, and of a tenant's keys, from the chart's JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.settings_schema_jenkins import JENKINS

from tools.generate.markdown import code, sentence, table
from tools.generate.roles import PASSED_ON, defaults, specs

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "charts" / "agent-templates" / "values.schema.json"


def variables(root: Path = ROOT) -> dict[str, tuple[str, str]]:
    """Default and meaning of every inventory variable that a role takes, by name."""
    found: dict[str, tuple[str, str]] = {}
    # The role `tenants` comes first: its words are about the tenants themselves.
    for spec in sorted(root.glob("roles/*/meta/argument_specs.yml"), key=lambda path: path.parts[-3] != "tenants"):
        role = spec.parent.parent
        options = specs(role)["main"].get("options") or {}
        for name, value in defaults(role).items():
            match = PASSED_ON.match(str(value))
            if match and name in options:
                meaning = sentence(options[name].get("description", ""))
                found.setdefault(match["name"], (match["value"].replace("'", '"'), meaning))
    return found


def keys(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str, str]]:
    """Rows (key, meaning, what to write) of an object's properties and of what is inside them."""
    for name, part in schema.get("properties", {}).items():
        yield code(f"{path}{name}"), part.get("description", ""), part.get("x-remedy", "")
        yield from keys(part, f"{path}{name}.")


def page() -> str:
    """Variables of the inventory, then keys of a tenant."""
    tenant = json.loads(SCHEMA.read_text(encoding="utf-8"))["definitions"]["tenant"]
    rows = [(code(name), code(value), meaning) for name, (value, meaning) in sorted(variables().items())]
    return "\n\n".join(
        (
            "Set these for the group `buildkeep`; each host of it stands for a cluster. Only `buildkeep_tenants` is "
            "required.",
            table(("variable", "default", "meaning"), rows),
            "## A tenant",
            "Only `name` is required. The Helm chart takes the same keys under `tenants`.",
            table(("key", "meaning", "what to write"), list(keys(tenant))),
            "## Jenkins",
            "Keys of `buildkeep_jenkins`, all optional; `buildkeep_jenkins_install: true` makes use of them.",
            table(("key", "what to write"), [(key, written) for key, _, written in keys(JENKINS)]),
        )
    )

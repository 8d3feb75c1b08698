"""The page of known ways around the rules, from the table that tests/api/test_bypasses.py sends to API servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.rules import Rule
from ansible_collections.buildkeep.ci.plugins.module_utils.rules import load as load_rules

from tests.api.bypass import KEPT, SECTIONS, TEST, Row
from tests.api.bypass import load as load_bypasses
from tools.generate.mapping import named
from tools.generate.markdown import code, table

TITLES = {"images": "Images", "host": "The node", "identity": "Identity and the API"}
STOPPED = {
    "API": "the API server itself",
    "RBAC": "RBAC: nobody of the tenant, the controller included, has that right",
    "ResourceQuota": "the tenant's ResourceQuota",
}
_SHOWN = 2


def example(row: Row) -> str:
    """The first things that are sent, in short."""
    sent: list[str] = []
    for change in (*row.container, *row.pod):
        sent.append(", ".join(f"{path.removesuffix('/+')}: {flow(value)}" for path, value in change.items()))
    sent += [
        f"{request['do']} {flow(request['body']) if request.get('body') else ''}".strip() for request in row.requests
    ]
    more = f" and {len(sent) - _SHOWN} more" if len(sent) > _SHOWN else ""
    return ", ".join(code(text) for text in sent[:_SHOWN]) + more


def flow(value: object) -> str:
    """A value as YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=False, sort_keys=False)
    return text.removesuffix("...\n").strip()


def stopped(row: Row, rules: Mapping[str, Rule]) -> str:
    """What stops it, by every way."""
    if row.rule == "outside":
        return f'outside of admission: "{row.says}"'
    first = STOPPED.get(row.rule) or named(rules[row.rule])
    other = {way: row.words(way) for way in row.ways() if row.words(way)}
    words = [f"{way}: " + ("left as it is" if text == KEPT else f'"{text}"') for way, text in other.items()]
    return first + (f"; before it, the API server ({'; '.join(words)})" if words and row.rule != "API" else "")


def tests(row: Row) -> str:
    """Ids of the tests: those of the table's own file in one, with what stands for the star."""
    own = f"{code(f'test_bypass[{row.id}-*]')}: {', '.join(row.ways())}" if row.ways() else ""
    return "; ".join((*([own] if own else []), *(code(name) for name in row.tests)))


def section(rows: Sequence[Row], rules: Mapping[str, Rule]) -> str:
    """The table of one section."""
    cells = [(code(row.id), row.what, example(row), stopped(row, rules), tests(row)) for row in rows]
    return table(("bypass", "what it is", "what is sent", "stopped by", "shown by"), cells)


def page() -> str:
    """Every bypass, by section."""
    rules = {rule.key: rule for rule in load_rules()}
    rows = load_bypasses()
    parts = [
        "Every way around the rules that is known to us, what is sent to the API server to try it, and what must stop "
        f"it. A test without a file's name stands in `{TEST.partition('::')[0]}`. A change of a container is tried in "
        "`containers`, as an init container, as a native sidecar, as an ephemeral container of a running pod, and by "
        "an update of a running pod; a change of a pod by create and by update."
    ]
    for name in SECTIONS:
        parts += [f"## {TITLES[name]}", section([row for row in rows if row.section == name], rules)]
    return "\n\n".join(parts)

"""The strict schema of a cloud: every attribute of the plugin is taken, at every depth no other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils import plugin_pod_attributes as port
from ansible_collections.buildkeep.ci.plugins.module_utils.agent_templates import CHART
from ansible_collections.buildkeep.ci.plugins.module_utils.jcasc_attributes import OBJECTS, VARIANTS
from ansible_collections.buildkeep.ci.plugins.module_utils.jcasc_schema import cloud_problems, cloud_schema

CLOUDS: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("every-attribute.yaml").read_text())
SHIPPED = jsonschema.Draft7Validator(json.loads((CHART / "clouds.schema.json").read_text()))
EVERYTHING = CLOUDS[0]
Way = tuple[str | int, ...]


def tables(value: Any, name: str, way: Way = ()) -> Iterator[tuple[str, Mapping[str, Any], Way]]:
    """Every mapping within an object of the table, with the name of its own table, and where it is."""
    yield name, value, way
    for key, attribute in OBJECTS[name].items():
        items = value.get(key, [])
        if attribute.kind == "object" and items:
            yield from tables(items, attribute.of, (*way, key))
        if attribute.kind == "list":
            for place, item in enumerate(items):
                yield from tables(item, attribute.of, (*way, key, place))
        if attribute.kind in ("variant", "variants") and items:
            chosen = enumerate(items) if attribute.kind == "variants" else [(-1, items)]
            for place, item in chosen:
                ((symbol, inner),) = item.items()
                steps = (key, symbol) if place < 0 else (key, place, symbol)
                yield from tables(inner, VARIANTS[attribute.of][symbol], (*way, *steps))


def at(value: Any, way: Way) -> Any:
    for step in way:
        value = value[step]
    return value


PLACES = {way: name for name, _, way in tables(EVERYTHING, "cloud")}


def test_the_examples_hold_every_attribute_of_every_object() -> None:
    used: dict[str, set[str]] = {}
    for cloud in CLOUDS:
        for name, value, _ in tables(cloud, "cloud"):
            used.setdefault(name, set()).update(value)
    assert {name: set(table) - used.get(name, set()) for name, table in OBJECTS.items()} == {
        name: set() for name in OBJECTS
    }


@pytest.mark.parametrize("cloud", CLOUDS, ids=lambda cloud: cloud["name"])
def test_every_attribute_is_taken(cloud: dict[str, Any]) -> None:
    assert cloud_problems(cloud) == []
    SHIPPED.validate(cloud)


def test_an_unknown_attribute_is_refused_at_every_depth() -> None:
    assert len(PLACES) > 25
    for way in PLACES:
        changed = deepcopy(EVERYTHING)
        at(changed, way)["privilegeEscalation"] = True
        assert not SHIPPED.is_valid(changed), way
        assert [problem.text.partition(" (")[0] for problem in cloud_problems(changed)] == ["unknown key"], way


def test_what_a_constructor_asks_for_is_missed_at_every_depth() -> None:
    tried = set()
    for way, name in PLACES.items():
        for key in (key for key, attribute in OBJECTS[name].items() if attribute.required):
            changed = deepcopy(EVERYTHING)
            del at(changed, way)[key]
            assert not SHIPPED.is_valid(changed), (way, key)
            assert [problem.text for problem in cloud_problems(changed)] == ["is missing"], (way, key)
            tried.add(name)
    assert {"cloud", "container", "port", "secretKey", "hostPathVolume", "garbageCollection"} <= tried


@pytest.mark.parametrize(
    ("way", "value"),
    [
        (("skipTlsVerify",), True),
        (("webSocket",), "true"),
        (("containerCapStr",), "ten"),
        (("readTimeout",), -1),
        (("podRetention",), "sometimes"),
        (("podRetention",), {"never": {"now": True}}),
        (("garbageCollection",), {"timeout": 119}),
        (("garbageCollection",), 300),
        (("podLabels",), {"a": "b"}),
        (("traits",), []),
        (("capOnlyOnAlivePods",), True),
        (("templates", 0, "nodeUsageMode"), "ANY"),
        (("templates", 0, "yamlMergeStrategy"), "overrides"),
        (("templates", 0, "runAsUser"), "root"),
        (("templates", 0, "workspaceVolume"), {}),
        (("templates", 0, "workspaceVolume"), {"hostPathWorkspaceVolume": {"hostPath": "/"}, "dynamicPVC": {}}),
        (("templates", 0, "workspaceVolume"), {"emptyDir": {}}),
        (("templates", 0, "volumes", 0), {"secretVolum": {}}),
        (("templates", 0, "volumes", 7, "secretVolume", "defaultMode"), "rw"),
        (("templates", 0, "privileged"), True),
        (("templates", 0, "containers", 0, "securityContext"), {}),
        (("templates", 0, "containers", 0, "ports", 0, "containerPort"), "web"),
        (("templates", 0, "nodeProperties"), []),
    ],
)
def test_what_the_plugin_has_not_or_nobody_should_want_is_refused(way: Way, value: Any) -> None:
    changed = deepcopy(EVERYTHING)
    at(changed, way[:-1])[way[-1]] = value
    assert not SHIPPED.is_valid(changed)
    assert cloud_problems(changed)


def test_it_is_a_schema_and_the_shipped_one_is_the_same() -> None:
    jsonschema.Draft7Validator.check_schema(cloud_schema())
    assert SHIPPED.schema == cloud_schema()


def test_the_port_of_the_plugin_reads_nothing_else() -> None:
    renamed = {"yamls": "yaml"}
    assert {renamed.get(key, key) for key in port.TEMPLATE} - set(OBJECTS["template"]) == set()
    assert set(port.CONTAINER) - set(OBJECTS["container"]) == set()

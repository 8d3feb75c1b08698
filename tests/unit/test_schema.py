"""The schema interpreter: held against the real library, and its sentences."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.schema import check, nearest
from hypothesis import given, settings
from hypothesis import strategies as st

VALUES = json.loads((Path(__file__).parents[2] / "charts/agent-templates/values.schema.json").read_text())
TENANT = VALUES["definitions"]["tenant"]
WORDS = st.sampled_from(
    [
        "",
        "shop",
        "Shop",
        "a-",
        "-a",
        "kaniko",
        "ghcr.io/acme/",
        "ghcr.io/acme/x:1",
        "acme",
        "4",
        "500m",
        "8Gi",
        "0",
    ]
)
ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 3)
    | st.floats(-2, 3)
    | WORDS
    | st.text(st.characters(exclude_characters="\n"), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
NEARLY_TENANTS = st.fixed_dictionaries(
    {},
    optional={
        "name": ANY | WORDS,
        "builders": ANY | st.lists(WORDS, max_size=3),
        "images": ANY | st.lists(WORDS, max_size=3),
        "push": ANY | WORDS,
        "mode": ANY | st.sampled_from(["audit", "enforce", "off"]),
        "limits": ANY
        | st.fixed_dictionaries({}, optional={"pods": ANY, "cpu": ANY | WORDS, "memory": WORDS, "x": ANY}),
        "identity": ANY,
        "state": ANY | st.sampled_from(["present", "absent"]),
        "bulders": ANY,
    },
)


def agrees(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> None:
    """Our verdict and the places we name are those of the real library."""
    theirs = jsonschema.Draft7Validator({**schema, "definitions": root.get("definitions", {})})
    assert (check(value, schema, root) == []) == theirs.is_valid(value)


@settings(max_examples=600, deadline=None)
@given(NEARLY_TENANTS)
def test_a_tenant_is_judged_as_jsonschema_judges_it(tenant: dict[str, Any]) -> None:
    """The inventory's verdict on a tenant is the chart's."""
    agrees(tenant, TENANT, VALUES)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(list(VALUES["properties"])), ANY, max_size=4))
def test_values_are_judged_as_jsonschema_judges_them(values: dict[str, Any]) -> None:
    """So is any other part of the chart's values."""
    agrees(values, VALUES, VALUES)


@settings(max_examples=400, deadline=None)
@given(
    ANY,
    st.sampled_from(
        [
            {"uniqueItems": True},
            {"uniqueItems": False},
            {"enum": [1, "a", None, [1]]},
            {"type": ["integer", "null"], "minimum": 1, "maximum": 2},
            {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "number"}},
            {"not": {"type": "string"}},
            {"additionalProperties": {"type": "integer"}},
            {"additionalProperties": True},
            {"minLength": 2, "maxLength": 3},
            {"properties": {"shop": {"$ref": "#/definitions/d", "type": "null"}}},
        ]
    ),
)
def test_each_keyword_is_judged_as_jsonschema_judges_it(value: Any, schema: dict[str, Any]) -> None:
    """Keywords that the chart's schema may use tomorrow."""
    agrees(value, schema, {"definitions": {"d": {"type": "string"}}})


def test_all_problems_are_named_with_their_remedy() -> None:
    """One look tells everything that is wrong."""
    found = [str(p) for p in check({"name": "Shop", "limits": {"cpu": 4}, "bulders": []}, TENANT, VALUES)]
    assert len(found) == 3
    assert found[0].startswith('name: "Shop" is not of the right form. Write 1 to 40 lower-case letters')
    assert found[1].startswith("limits.cpu: 4 is not text. Write a quoted quantity")
    assert found[2].startswith('bulders: unknown key (did you mean "builders"?). Known keys: name, builders')


def test_a_missing_key_states_its_own_remedy() -> None:
    """The remedy is that of the key, not that of the mapping."""
    assert str(check({}, TENANT, VALUES)[0]).startswith("name: is missing. Write 1 to 40")


def test_the_end_of_a_pattern_is_the_end() -> None:
    """Python's `$` would let a line break slip into a name; Helm's does not."""
    assert check("shop\n", TENANT["properties"]["name"])
    assert not check("shop", TENANT["properties"]["name"])


def test_long_values_are_cut() -> None:
    """A pasted certificate does not fill the screen."""
    assert len(check("x" * 5000, {"type": "integer"})[0].text) < 120


@pytest.mark.parametrize("schema", [{"allOf": []}, {"properties": {"a": {"oneOf": []}}}, {"$ref": "other.json"}])
def test_an_unknown_keyword_is_an_error(schema: dict[str, Any]) -> None:
    """What is not interpreted must not pass in silence."""
    with pytest.raises(ValueError, match="interpreted"):
        check({"a": 1}, schema)


def test_nearest_knows_when_to_be_silent() -> None:
    """A suggestion that is far off would mislead."""
    assert nearest("kanico", ["kaniko", "buildah"]) == ' (did you mean "kaniko"?)'
    assert nearest("zzz", ["kaniko"]) == ""

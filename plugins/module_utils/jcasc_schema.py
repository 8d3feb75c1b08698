"""The strict JSON Schema of a Kubernetes cloud in Configuration as Code, made of the one table of its attributes.

What the schema of a running Jenkins leaves open is closed here: at every depth an attribute that the plugin does not
have is refused. One unknown attribute in one file keeps Jenkins from loading all of them.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.jcasc_attributes import OBJECTS, VARIANTS, WORDS, Attribute
from ansible_collections.buildkeep.ci.plugins.module_utils.schema import Problem, check

TITLE = "jenkins.clouds[].kubernetes of Jenkins Configuration as Code, kubernetes-plugin 4423.vb_59f230b_ce53"
# In YAML a number may stand for a text; Configuration as Code makes one of it.
_TEXT = ["string", "integer"]


@functools.cache
def cloud_schema() -> Mapping[str, Any]:
    """Make the schema of one cloud, draft-07; its parts are definitions by name."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": TITLE,
        **_object(OBJECTS["cloud"]),
        "definitions": {
            **{name: _object(table) for name, table in OBJECTS.items() if name != "cloud"},
            **{name: _variant(classes) for name, classes in VARIANTS.items()},
            **{name: _word(words) for name, words in WORDS.items()},
        },
    }


def cloud_problems(cloud: Any, path: str = "") -> list[Problem]:
    """Hold a cloud against the schema.

    Args:
        cloud: what stands under `kubernetes`, as plain YAML has it.
        path: put before each problem's field.
    """
    return check(cloud, cloud_schema(), path=path)


def _object(table: Mapping[str, Attribute]) -> dict[str, Any]:
    required = [name for name, attribute in table.items() if attribute.required]
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _attribute(attribute) for name, attribute in table.items()},
        **({"required": required} if required else {}),
    }


def _attribute(attribute: Attribute) -> dict[str, Any]:
    reference = {"$ref": f"#/definitions/{attribute.of}"}
    kinds: dict[str, dict[str, Any]] = {
        "text": {"type": _TEXT},
        "flag": {"type": "boolean"},
        "number": {"type": "integer"},
        "object": reference,
        "word": reference,
        "variant": reference,
        "list": {"type": "array", "items": reference},
        "variants": {"type": "array", "items": reference},
    }
    return {**kinds[attribute.kind], **attribute.schema}


def _variant(classes: Mapping[str, str]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
        "properties": {symbol: {"$ref": f"#/definitions/{name}"} for symbol, name in classes.items()},
    }


def _word(words: tuple[str, ...]) -> dict[str, Any]:
    """By its name alone, or as a mapping with no attributes."""
    return {"enum": [*words, *({word: {}} for word in words)]}

"""The JSON Schema of the inventory's variables, made of the chart's, so that no rule stands twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.backends import AUTO, BACKENDS
from ansible_collections.buildkeep.ci.plugins.module_utils.images import SHELL
from ansible_collections.buildkeep.ci.plugins.module_utils.schema import Schema
from ansible_collections.buildkeep.ci.plugins.module_utils.settings_schema_jenkins import JENKINS


def _texts(pattern: str, remedy: str) -> dict[str, Any]:
    """Schema of a list of texts, each once."""
    items = {"type": "string", "minLength": 1, "maxLength": 253, "pattern": pattern, "x-remedy": remedy}
    return {"type": "array", "uniqueItems": True, "items": items, "x-remedy": f"Write a list. {remedy}"}


# Variables about the cluster's walls, which the chart has none of.
_CLUSTER: Mapping[str, Any] = {
    "backend": {
        "type": "string",
        "enum": [AUTO, *BACKENDS],
        "x-remedy": f"Write `auto`, or one of {', '.join(BACKENDS)}.",
    },
    "unenforced": {
        "type": "string",
        "enum": ["refuse", "accept"],
        "x-remedy": "Write `refuse`, or `accept` if this cluster may go without what it cannot enforce.",
    },
    "break_glass": {
        "type": "string",
        "maxLength": 253,
        "pattern": r"^([^\s'\"\\]+)?$",
        "x-remedy": "Write the name of one group, such as `sre:emergency`, or leave it out.",
    },
    "pod_annotations": _texts(
        r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?(/([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?)?$",
        "Write keys of annotations, or prefixes that end with a slash, such as `openshift.io/scc`.",
    ),
    "storage_classes": _texts(
        r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", "Write names of StorageClasses, such as `standard`."
    ),
    "user_namespaces": {
        "type": "string",
        "enum": ["auto", "never"],
        "x-remedy": "Write `auto`, or `never` where a builder must not have a user namespace of its own.",
    },
    "node_profiles": {
        "type": "string",
        "enum": ["none", "daemonset", "connection", "installed"],
        "x-remedy": "Write `none`, `daemonset`, `connection` (the nodes' own), or `installed` if you put them there.",
    },
    "apparmor": {"type": "boolean", "x-remedy": "Write `true` if the nodes have AppArmor, else `false`."},
    "pod_defaults": {"type": "boolean", "x-remedy": "Write `true` or `false`."},
    "jenkins": JENKINS,
    "jenkins_install": {"type": "boolean", "x-remedy": "Write `true` if Buildkeep installs Jenkins, else `false`."},
}


def _nodes(tenant: Schema) -> dict[str, Any]:
    """What a tenant may say of nodes, and the schedulers, which one policy names for all tenants."""
    schedulers = _texts(r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", "Write names of schedulers, such as `fargate-scheduler`.")
    return {
        **tenant["nodes"],
        "properties": {**tenant["nodes"]["properties"], "schedulers": schedulers},
        "x-remedy": "Write a mapping with `selector`, `tolerations` or `schedulers`.",
    }


def inventory_schema(values: Schema) -> dict[str, Any]:
    """Make the schema of the inventory's variables.

    Args:
        values: the chart's `values.schema.json`.
    """
    chart, tenant = values["properties"], values["definitions"]["tenant"]["properties"]
    return {
        "definitions": values["definitions"],
        "type": "object",
        "properties": {
            "tenants": {
                "type": "array",
                "items": chart["tenants"]["items"],
                "x-remedy": "Write a list such as `[{name: shop}]`.",
            },
            "images": tenant["images"],
            "mode": tenant["mode"],
            "state": tenant["state"],
            "namespace_prefix": {
                **chart["namespacePrefix"],
                "x-remedy": "Write lower-case letters, digits and dashes that begin with a letter and end with a dash, "
                "such as `ci-`.",
            },
            "controller": chart["controller"],
            "controller_elsewhere": {
                "type": "string",
                "enum": ["refuse", "warn"],
                "x-remedy": "Write `refuse`, or `warn` while agents still run in namespaces that are no tenants.",
            },
            # What is inside these two is looked at by load_profiles.
            "builders": {
                "type": "object",
                "additionalProperties": {"type": "object"},
                "x-remedy": "Write `{kaniko: {image: ...}}`.",
            },
            "agent_image": {"type": "string", "x-remedy": "Write a full image reference."},
            "trusted_ca": chart["trustedCA"],
            "node_profiles_image": {
                **values["definitions"]["image"],
                "minLength": 1,
                "x-remedy": f"Write a full image reference, such as `{SHELL}`.",
            },
            "templates": tenant["templates"],
            "nodes": _nodes(tenant),
            **_CLUSTER,
        },
    }

"""The JSON Schema of `buildkeep_jenkins`: what may be said about the Jenkins that the role `jenkins` installs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_folders_schema import ADMINISTRATORS, FOLDERS, REALM

_QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|[kMGTPE]i?)?$"
_NAME = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
_HOST = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
_VERSION = r"^[A-Za-z0-9][A-Za-z0-9._+-]*$"
# Five fields of cron; Kubernetes judges the rest.
_SCHEDULE = r"^[0-9*,/?A-Za-z-]+( [0-9*,/?A-Za-z-]+){4}$"


def _text(pattern: str, remedy: str, most: int = 253) -> dict[str, Any]:
    return {"type": "string", "maxLength": most, "pattern": pattern, "x-remedy": remedy}


def _map(properties: Mapping[str, Any], remedy: str) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": dict(properties), "x-remedy": remedy}


_TEXTS: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": {"type": "string", "x-remedy": "Write text, in quotes."},
    "x-remedy": "Write a mapping of text to text.",
}
_STORAGE = {
    "size": _text(_QUANTITY, "Write a quantity, such as `20Gi`."),
    "class": _text(f"(^$|{_NAME})", "Write the name of a StorageClass; empty, the cluster's default is taken."),
}
_SUBJECT = _text(r"^[^\s'\"\\$]+$", "Write a name without spaces or quotes.")
BACKUP: Mapping[str, Any] = _map(
    {
        "schedule": _text(_SCHEDULE, "Write the five fields of cron, such as `0 3 * * *`."),
        "keep": {"type": "integer", "minimum": 1, "maximum": 1000, "x-remedy": "Write how many archives are kept."},
        **_STORAGE,
        "image": {"$ref": "#/definitions/image", "x-remedy": "Write a full image reference."},
    },
    "Write a mapping with `schedule`, `keep`, `size`, `class` or `image`.",
)
_INGRESS = _map(
    {
        "host": _text(_HOST, "Write the name under which Jenkins is reached, such as `jenkins.example.com`."),
        "tlsSecret": _text(_NAME, "Write the name of a Secret of type kubernetes.io/tls in Jenkins' namespace."),
        "className": _text(_NAME, "Write the name of an IngressClass."),
        "annotations": _TEXTS,
    },
    "Write a mapping with `host`, `tlsSecret`, `className` or `annotations`.",
)
_ROUTE = _map(
    {
        "host": _text(_HOST, "Write the name under which Jenkins is reached, such as `jenkins.example.com`."),
        "gateway": _text(_NAME, "Write the name of the Gateway, whose listener ends TLS."),
        "namespace": _text(_NAME, "Write the namespace of the Gateway; left out, it is Jenkins' own."),
        "listener": _text(_NAME, "Write the name of the Gateway's listener for https."),
        "annotations": _TEXTS,
    },
    "Write a mapping with `host`, `gateway`, `namespace`, `listener` or `annotations`.",
)

JENKINS: Mapping[str, Any] = _map(
    {
        "chart": _text(r"^\S+$", "Write a chart's name, a local folder or archive, or `oci://...`.", 1024),
        "repository": _text(r"^(https?://\S+)?$", "Write the URL of a Helm repository.", 1024),
        "version": _text(_VERSION, "Write the exact version of the chart, such as `5.9.53`."),
        "timeout": {
            "type": "integer",
            "minimum": 0,
            "maximum": 86400,
            "x-remedy": "Write seconds, or 0 where nobody waits until the controller is ready.",
        },
        "url": _text(
            r"^(https?://[A-Za-z0-9._~:/%-]+)?$",
            "Write an http or https URL without user, query or fragment, such as `https://jenkins.example.com/`.",
            1024,
        ),
        "values": {"type": "object", "x-remedy": "Write values of the chart, as they stand in its values.yaml."},
        "image": {"$ref": "#/definitions/image", "x-remedy": "Write a full image reference."},
        "plugins": {
            "type": "object",
            "additionalProperties": _text(_VERSION, "Write an exact version in quotes; `latest` is none."),
            "x-remedy": "Write a mapping of a plugin's name to its version.",
        },
        "admin": _map(
            {
                "secret": _text(_NAME, "Write the name of a Secret in Jenkins' namespace."),
                "user": _text(r"^[A-Za-z0-9][A-Za-z0-9._@-]*$", "Write the administrator's name, such as `admin`."),
            },
            "Write a mapping with `secret` or `user`.",
        ),
        "administrators": ADMINISTRATORS,
        "realm": REALM,
        "storage": _map(_STORAGE, "Write a mapping with `size` or `class`."),
        "ingress": _INGRESS,
        "route": _ROUTE,
        "folders": FOLDERS,
        "backup": BACKUP,
    },
    "Write a mapping; docs/reference/inventory.md lists its keys.",
)

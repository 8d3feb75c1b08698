"""The JSON Schema of what an inventory says of folders, administrators and the security realm of Jenkins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_credentials import KINDS
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_folders_jobs import NO_FORKS, TRUST

_WORD = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
_SECRET = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"  # noqa: S105 (a pattern, not a secret)
_KEY = r"^[A-Za-z0-9._-]+$"
_PROJECT = r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)+$"
# No user with a password, and nothing that goes over the network in plain text.
_REMOTE = r"^(https://|ssh://([A-Za-z0-9._-]+@)?|[A-Za-z0-9._-]+@)[A-Za-z0-9.-]+(:[0-9]+)?[/:][A-Za-z0-9._~/%-]+$"
_API = r"^https://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~/%-]*)?$"
_FILE = r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$"
# The choices of PeriodicFolderTrigger (cloudbees-folder-plugin b72f4d5).
_INTERVALS = ("1m", "2m", "5m", "10m", "15m", "20m", "25m", "30m", "1h", "2h", "4h", "8h", "12h", "1d", "2d", "1w")


def _text(pattern: str, remedy: str, most: int = 253) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": most, "pattern": pattern, "x-remedy": remedy}


def _map(properties: Mapping[str, Any], remedy: str, *required: str) -> dict[str, Any]:
    more = {"required": list(required)} if required else {}
    return {"type": "object", "additionalProperties": False, "properties": dict(properties), "x-remedy": remedy, **more}


def _list(items: Mapping[str, Any], remedy: str) -> dict[str, Any]:
    return {"type": "array", "items": dict(items), "x-remedy": remedy}


_BOOLEAN = {"type": "boolean", "x-remedy": "Write `true` or `false`."}
_NAME = _text(r"^[^\s'\"\\$]+$", "Write a name as the security realm has it, without spaces, quotes and dollars.")
_WHO = {
    **_map({"group": _NAME, "user": _NAME}, "Write `{group: <name>}` or `{user: <name>}`."),
    "minProperties": 1,
    "maxProperties": 1,
}
_DESCRIPTION = {"type": "string", "maxLength": 500, "x-remedy": "Write a line of plain text."}
_CREDENTIAL = _map(
    {
        "id": _text(_WORD, "Write the id by which a Jenkinsfile names these credentials, such as `registry`."),
        "kind": {"type": "string", "enum": list(KINDS), "x-remedy": f"Write one of: {', '.join(KINDS)}."},
        "secret": _text(_SECRET, "Write the name of a Secret in the controller's namespace."),
        "keys": {
            "type": "object",
            "additionalProperties": _text(_KEY, "Write a key of that Secret."),
            "x-remedy": "Write which key of the Secret holds which part, such as `{password: token}`.",
        },
        "description": _DESCRIPTION,
        "fileName": _text(_KEY, "Write the name of the file in a build, such as `config.json`."),
        "user": _text(_KEY, "Write the name to log in with, such as `git`."),
        "app": _text(r"^[0-9]+$", "Write the id of the GitHub App, in quotes."),
    },
    "Write a mapping with `id`, `kind` and `secret`.",
    *("id", "kind", "secret"),
)
_SOURCE = {
    "github": _map(
        {
            "owner": _text(_WORD, "Write the user or organization, such as `acme`."),
            "repository": _text(_WORD, "Write the repository's name, such as `shop`."),
            "api": _text(_API, "Write the API's https URL of a GitHub Enterprise Server that Jenkins knows."),
        },
        "Write a mapping with `owner` and `repository`.",
        *("owner", "repository"),
    ),
    "gitlab": _map(
        {
            "server": _text(_WORD, "Write the name under which Jenkins knows the GitLab server."),
            "project": _text(_PROJECT, "Write the project's path, such as `acme/shop`."),
        },
        "Write a mapping with `server` and `project`.",
        *("server", "project"),
    ),
    "git": _map(
        {"url": _text(_REMOTE, "Write an https or ssh URL without a password.", 1024)}, "Write `{url: ...}`.", "url"
    ),
    "credentials": _text(_WORD, "Write the id of credentials of this folder."),
}
_LIBRARY = _map(
    {
        "name": _text(_WORD, "Write the name that `@Library` takes."),
        "version": _text(r"^[A-Za-z0-9][A-Za-z0-9._/-]*$", "Write a branch, a tag or a commit."),
        "implicit": _BOOLEAN,
        **_SOURCE,
    },
    "Write a mapping with `name`, `version` and one of `github`, `gitlab` and `git`.",
    *("name", "version"),
)
_JOB = _map(
    {
        "name": _text(_WORD, "Write the job's name, such as `shop`."),
        "description": _DESCRIPTION,
        "jenkinsfile": {
            **_text(_FILE, "Write a path within the repository, such as `ci/Jenkinsfile`."),
            "not": {"pattern": r"(^|/)\.\.?(/|$)"},
        },
        "forks": {
            "type": "string",
            "enum": [NO_FORKS, *TRUST],
            "x-remedy": "Write whose Jenkinsfile counts in a request from a fork, or `none` to build no such requests.",
        },
        "every": {"type": "string", "enum": list(_INTERVALS), "x-remedy": "Write an interval, such as `1d`."},
        "keepDays": {"type": "integer", "minimum": 0, "maximum": 3650, "x-remedy": "Write a number of days."},
        **_SOURCE,
    },
    "Write a mapping with `name` and one of `github`, `gitlab` and `git`.",
    "name",
)
ADMINISTRATORS: Mapping[str, Any] = _list(_WHO, "Write a list such as `[{group: jenkins-admins}]`.")
REALM: Mapping[str, Any] = {
    "type": "object",
    "maxProperties": 1,
    "additionalProperties": {"type": "object", "x-remedy": "Write the realm's attributes as a mapping."},
    "x-remedy": "Write JCasC's `securityRealm` as a mapping of one key, such as `{oic: {...}}`.",
}
FOLDERS: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": _map(
        {
            "description": _DESCRIPTION,
            "authors": _list(_WHO, "Write a list such as `[{group: shop-developers}]`."),
            "credentials": _list(_CREDENTIAL, "Write a list of mappings with `id`, `kind` and `secret`."),
            "libraries": _list(_LIBRARY, "Write a list of mappings with `name` and `version`."),
            "jobs": _list(_JOB, "Write a list of mappings with `name` and a source."),
        },
        "Write a mapping with `authors`, `credentials`, `libraries`, `jobs` or `description`.",
    ),
    "x-remedy": "Write a mapping by name of the tenant.",
}

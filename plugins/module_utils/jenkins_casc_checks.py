"""What can be wrong with folders, administrators and realm of `buildkeep_jenkins` that a schema cannot say."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_casc import LOCAL
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_credentials import KINDS, collisions
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_folders_jobs import HOSTS, NO_FORKS
from ansible_collections.buildkeep.ci.plugins.module_utils.schema import Problem, nearest

# Realms without passwords of their own, or that let whoever comes in.
_OPEN_REALMS = ("legacy", "none")
# Whom Jenkins counts among these without that anybody put them there.
_EVERYBODY = ("anonymous", "authenticated", "everyone")
_SECRET_KEY = re.compile(r"(password|passphrase|secret|privatekey|token|apikey)$", re.IGNORECASE)
_REFERENCE = re.compile(r"^\$\{[^{}]+\}$")


def problems(given: Mapping[str, Any], reserved: Collection[str]) -> Iterator[Problem]:
    """Find what Jenkins would refuse, or what would open it.

    Args:
        given: `buildkeep_jenkins`, of the right form.
        reserved: Secrets of Jenkins itself, which no folder may hand out.
    """
    yield from _realm(given.get("realm", {}), given.get("administrators", ()))
    yield from _people("jenkins.administrators", given.get("administrators", ()), _EVERYBODY)
    folders = given.get("folders", {})
    for name, folder in folders.items():
        yield from _folder(f"jenkins.folders.{name}", folder, reserved)
    for one, other in collisions(folders):
        text = f"the key {one} of a Secret would be the same file as {other}"
        yield Problem("jenkins.folders", text, "Rename one of the Secrets.")


def _realm(realm: Mapping[str, Any], administrators: Collection[Any]) -> Iterator[Problem]:
    for kind, attributes in realm.items():
        if kind in _OPEN_REALMS:
            yield Problem(f"jenkins.realm.{kind}", "asks nobody for a password", "Take another realm.")
        if kind == LOCAL and attributes.get("allowsSignup"):
            remedy = "Leave it out: users are made by administrators."
            yield Problem("jenkins.realm.local.allowsSignup", "lets everybody make a user", remedy)
        if kind != LOCAL and not administrators:
            text = "is missing: with this realm there is no administrator but those"
            yield Problem("jenkins.administrators", text, "Name a group or user of it, such as `[{group: admins}]`.")
    for path, value in _scalars(realm, "jenkins.realm"):
        if isinstance(value, str) and _SECRET_KEY.search(path) and not _REFERENCE.match(value):
            # Not shown: it may be what it looks like.
            remedy = "Write `${<secret>-<key>}`, and list that key in `values.controller.additionalExistingSecrets`."
            yield Problem(path, "would stand in a ConfigMap as it is", remedy)


def _scalars(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _scalars(item, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value):
            yield from _scalars(item, f"{path}[{place}]")
    else:
        yield path, value


def _people(path: str, entries: Collection[Mapping[str, str]], refused: Collection[str]) -> Iterator[Problem]:
    for place, entry in enumerate(entries):
        for kind, name in entry.items():
            if name.lower() in refused:
                yield Problem(f"{path}[{place}].{kind}", f'"{name}" is everybody', "Name a group of your own.")


def _folder(path: str, folder: Mapping[str, Any], reserved: Collection[str]) -> Iterator[Problem]:
    yield from _people(f"{path}.authors", folder.get("authors", ()), ("anonymous", "everyone"))
    known = [one["id"] for one in folder.get("credentials", ())]
    for place, one in enumerate(folder.get("credentials", ())):
        yield from _credential(f"{path}.credentials[{place}]", one, reserved)
    for key, name in (("credentials", "id"), ("jobs", "name"), ("libraries", "name")):
        yield from _twice(f"{path}.{key}", [one[name] for one in folder.get(key, ())], name)
    for key in ("jobs", "libraries"):
        for place, one in enumerate(folder.get(key, ())):
            yield from _sourced(f"{path}.{key}[{place}]", one, known)
    for where, value in _scalars(folder, path):
        if isinstance(value, str) and not value.isprintable():
            yield Problem(where, "holds line breaks or other characters that are not printed", "Write one plain line.")


def _credential(path: str, one: Mapping[str, Any], reserved: Collection[str]) -> Iterator[Problem]:
    kind = KINDS[one["kind"]]
    if one["secret"] in reserved:
        text = f'"{one["secret"]}" is Jenkins\' own: whoever may write a Jenkinsfile there would have it'
        yield Problem(f"{path}.secret", text, "Make a Secret for these credentials.")
    for part in one.get("keys", {}):
        if part not in kind.keys:
            text = f"is no part of {one['kind']}{nearest(part, kind.keys)}"
            yield Problem(f"{path}.keys.{part}", text, f"Its parts: {', '.join(kind.keys)}.")
    for field in ("fileName", "user", "app"):
        if field in one and field not in kind.fields:
            yield Problem(f"{path}.{field}", f"says nothing for {one['kind']}", "Leave it out.")
        if field not in one and kind.fields.get(field, "") is None:
            yield Problem(f"{path}.{field}", "is missing", f"{one['kind']} needs it.")


def _twice(path: str, names: list[str], name: str) -> Iterator[Problem]:
    for place, one in enumerate(names):
        if one in names[:place]:
            yield Problem(f"{path}[{place}].{name}", f'"{one}" is listed more than once', "Rename one of them.")


def _sourced(path: str, one: Mapping[str, Any], known: Collection[str]) -> Iterator[Problem]:
    hosts = [host for host in HOSTS if host in one]
    if len(hosts) != 1:
        found = f"names {' and '.join(hosts)}" if hosts else "names no source"
        yield Problem(path, found, f"Write one of {', '.join(HOSTS)}.")
    elif one.get("forks", NO_FORKS) != NO_FORKS and HOSTS[hosts[0]].trust is None:
        yield Problem(f"{path}.forks", f"{hosts[0]} knows no requests from forks", "Leave it out.")
    if "credentials" in one and one["credentials"] not in known:
        text = f'"{one["credentials"]}" is no id of this folder\'s credentials{nearest(one["credentials"], known)}'
        yield Problem(f"{path}.credentials", text, f"Known: {', '.join(known) or 'none'}.")

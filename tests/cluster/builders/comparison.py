"""What two builders made of the same Dockerfile, compared. Pure: images as data in, sentences out."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.cluster.builders.filesystem import Entry, Tree

# What a container gets from an image's configuration (OCI image specification, "Image Configuration").
SETTINGS = ("User", "Env", "Entrypoint", "Cmd", "WorkingDir", "Labels", "ExposedPorts", "StopSignal", "Volumes")
# Files that a runtime puts into every container: what a builder leaves there is never seen.
RUNTIME = frozenset({"/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/.dockerenv", "/run/.containerenv"})
# What it mounts something over.
MOUNTED = ("/proc", "/sys", "/dev")
# A sparse file whose size depends on nothing but the highest user number, and copies with a date in them.
RESTLESS = frozenset({"/var/log/lastlog", "/var/log/faillog"})
MOUNTED_BELOW = tuple(f"{each}/" for each in MOUNTED)


@dataclass(frozen=True)
class Image:
    """An image: the `config` object of its configuration, architecture and system, and its file system."""

    config: Mapping[str, Any]
    platform: str
    tree: Tree


def findings(reference: Image, other: Image) -> list[str]:
    """Where `other` is not as `reference`, a sentence each, sorted; nothing where a container sees no difference."""
    found = [*_settings(reference, other), *_paths(reference.tree, other.tree)]
    if reference.platform != other.platform:
        found.append(f"platform: {other.platform} instead of {reference.platform}")
    return sorted(found)


def setting(image: Image, name: str) -> Any:
    """A setting, whose absence and emptiness are the same; an environment by its names."""
    value = image.config.get(name) or None
    if (name, value) == ("WorkingDir", "/"):
        return None  # where containers begin without it
    if name == "Env" and value:
        return dict(each.partition("=")[::2] for each in value)
    return value


def _settings(reference: Image, other: Image) -> Iterator[str]:
    for name in SETTINGS:
        wanted, has = setting(reference, name), setting(other, name)
        if wanted != has:
            yield f"{name}: {has!r} instead of {wanted!r}"


def seen(tree: Tree) -> dict[str, Entry]:
    """What a container sees as the image has it; without folders that hold nothing but what a runtime puts there."""
    hidden = {path for path in tree if path in RUNTIME or path in RESTLESS or f"{path}/".startswith(MOUNTED_BELOW)}
    kept = {path: entry for path, entry in tree.items() if path not in hidden and path != "/"}
    holders = {posixpath.dirname(path) for path in hidden} - {posixpath.dirname(path) for path in kept}
    return {path: entry for path, entry in kept.items() if path not in holders}


def _paths(reference: Tree, other: Tree) -> Iterator[str]:
    one, two = seen(reference), seen(other)
    for path in sorted(one.keys() | two.keys()):
        wanted, has = one.get(path), two.get(path)
        if wanted is None or has is None:
            yield f"{path}: {'missing' if has is None else f'{has.kind} that should not be there'}"
        else:
            yield from _differences(path, wanted, has)


def _differences(path: str, wanted: Entry, has: Entry) -> Iterator[str]:
    if wanted.kind != has.kind:
        yield f"{path}: {has.kind} instead of {wanted.kind}"
        return
    if wanted.kind == "file" and wanted.content != has.content:
        yield f"{path}: other content ({has.size} bytes instead of {wanted.size})"
    elif wanted.content != has.content:
        yield f"{path}: leads to {has.content} instead of {wanted.content}"
    if wanted.mode != has.mode:
        yield f"{path}: mode {has.mode:04o} instead of {wanted.mode:04o}"
    for name in ("owner", "capability", "links"):
        one, two = getattr(wanted, name), getattr(has, name)
        if one != two:
            yield f"{path}: {name} {shown(two)} instead of {shown(one)}"


def shown(value: str | frozenset[str]) -> str:
    """A field's value in a sentence."""
    return (value if isinstance(value, str) else ", ".join(sorted(value))) or "none"

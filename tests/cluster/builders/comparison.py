"""What two builders made of the same Dockerfile, compared. Pure: images as data in, sentences out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.cluster.builders.filesystem import Entry, Tree

# What a container gets from an image's configuration (OCI image specification, "Image Configuration").
SETTINGS = ("User", "Env", "Entrypoint", "Cmd", "WorkingDir", "Labels", "ExposedPorts", "StopSignal", "Volumes")
# Files that a runtime puts into every container: what a builder leaves there is never seen.
RUNTIME = frozenset({"/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/.dockerenv", "/run/.containerenv"})
FOLDERS = ("/proc", "/sys", "/dev")
# A sparse file whose size depends on nothing but the highest user number, and copies with a date in them.
RESTLESS = frozenset({"/var/log/lastlog", "/var/log/faillog"})


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
    if name == "Env" and value:
        return dict(each.partition("=")[::2] for each in value)
    return value


def _settings(reference: Image, other: Image) -> Iterator[str]:
    for name in SETTINGS:
        wanted, has = setting(reference, name), setting(other, name)
        if wanted != has:
            yield f"{name}: {has!r} instead of {wanted!r}"


def seen(path: str) -> bool:
    """Whether a container sees a path as the image has it."""
    return path not in RUNTIME and path not in RESTLESS and not path.startswith(tuple(f"{each}/" for each in FOLDERS))


def _paths(reference: Tree, other: Tree) -> Iterator[str]:
    for path in filter(seen, sorted(reference.keys() | other.keys())):
        if path == "/":
            continue  # few layers have it, and runtimes make it
        wanted, has = reference.get(path), other.get(path)
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

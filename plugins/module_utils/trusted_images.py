"""Images that carry rights of their own: no tenant may push to where they lie, for rules know only the repository."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.cache import cache_problems, within
from ansible_collections.buildkeep.ci.plugins.module_utils.images import repository
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles_ways import Subject
from ansible_collections.buildkeep.ci.plugins.module_utils.schema import Problem
from ansible_collections.buildkeep.ci.plugins.module_utils.tenants import DEFAULT_BUILDERS

_REMEDY = "Copy it to a repository that no tenant pushes to, and name it there."


def caches(subject: Subject) -> Iterator[Problem]:
    """Find caches that are not a tenant's alone, or whose layers somebody may run as an image."""
    entries = enumerate(subject.get("images", []))
    shared = [(f"buildkeep_images[{place}]", one) for place, one in entries if isinstance(one, str)]
    shared += [("the agent templates", repository(image)) for _, image in _of_templates(subject)]
    yield from cache_problems(list(subject.tenants("cache")), shared, DEFAULT_BUILDERS)


def trusted_images(subject: Subject) -> Iterator[Problem]:
    """Find images of builders, of the agent and of what serves the nodes that a tenant's builds could replace."""
    writable = [
        (f"buildkeep_{path}.{key}", place)
        for path, entry in subject.tenants("push")
        if entry.get("state") != "absent"
        for key, place in _places(entry)
    ]
    images = [*_of_templates(subject), ("node_profiles_image", subject.get("node_profiles_image", ""))]
    for variable, image in images:
        for field, place in writable:
            if image and within(repository(image), place.rstrip("/")):
                text = f'"{image}" lies in {field} "{place}", where that tenant\'s builds can replace it'
                yield Problem(variable, text, _REMEDY)


def _of_templates(subject: Subject) -> Iterator[tuple[str, str]]:
    """Variable and image of each container of our templates."""
    builders: Mapping[str, Mapping[str, Any]] = subject.get("builders", {})
    yield "agent_image", subject.get("agent_image", "") or str(subject.table["agent"]["image"])
    for name, one in subject.table["builders"].items():
        own = builders.get(name)
        image = (own.get("image") if isinstance(own, Mapping) else "") or one["image"]
        if isinstance(image, str) and image:
            yield f"builders.{name}.image", image


def _places(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Key and repository of each place that a tenant's builds write to."""
    cache = entry.get("cache")
    found = {"push": entry.get("push"), "cache.registry": cache.get("registry") if isinstance(cache, Mapping) else ""}
    for key, place in found.items():
        if isinstance(place, str) and place:
            yield key, place

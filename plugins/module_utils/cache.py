"""Caches of tenants' builds: what no two tenants may have of each other's.

Whoever writes to a cache decides what later builds take out of it: a layer found under the hash of a step is used
instead of running the step. So a cache belongs to one tenant, as its pushed images do, and nothing in it may be run as
an image: kaniko keeps each layer as an image of its own, and whoever may push layers may push whole images beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.images import entry_problem
from ansible_collections.buildkeep.ci.plugins.module_utils.schema import Problem

_OWN = "Give each tenant a cache of its own{example}: what one writes there, the builds of the other would run."
_PUSH = (
    "Take a repository that no other tenant's pushes reach{example}: whoever writes to a cache decides what its builds "
    "take for their own layers, and whoever writes to images decides what runs."
)
_LISTED = (
    "Take a repository that no allowlist lets in, or narrow the entry: layers of a cache must never be run as an image."
)


def cache_problems(
    tenants: Sequence[tuple[str, Mapping[str, Any]]], shared: Iterable[tuple[str, str]], builders: Sequence[str]
) -> Iterator[Problem]:
    """Find what the schema cannot see in the tenants' caches.

    Args:
        tenants: path (`tenants[0]`) and entry of every tenant whose `cache` has the right form. Of its other keys,
            those of the wrong form are passed over. Tenants that are to be taken away do not count.
        shared: allowlist entries that hold for all tenants, each after where it comes from.
        builders: those of a tenant that names none.
    """
    present = [(path, entry) for path, entry in tenants if entry.get("state") != "absent"]
    lists = [*shared, *(one for path, entry in present for one in _listed(path, entry))]
    for place, (path, entry) in enumerate(present):
        yield from _claims(f"{path}.cache.claims", entry, entry.get("builders", builders))
        cache, field = _cache(entry), f"{path}.cache.registry"
        if not cache:
            continue
        if fault := entry_problem(cache):
            yield Problem(field, fault, "")
            continue
        yield from _neighbours(field, cache, entry, present, place)
        yield from _allowed(field, cache, lists)


def _neighbours(
    path: str, cache: str, entry: Mapping[str, Any], present: Sequence[tuple[str, Mapping[str, Any]]], place: int
) -> Iterator[Problem]:
    """Whose pushes, and which earlier tenant's cache, the cache meets."""
    push = _text(entry.get("push"))
    if push and _plain(push) == _plain(cache):
        remedy = f"Keep layers and images apart, such as in `{push}/cache`."
        yield Problem(path, f'"{cache}" is the tenant\'s push repository as well', remedy)
    example = f", such as `{push}-cache`" if push else ""
    for other_place, (other, its) in enumerate(present):
        if other_place == place:
            continue
        theirs, registry = _text(its.get("push")), _cache(its)
        if registry and other_place < place and _meet(cache, registry):
            text = f'"{cache}" and buildkeep_{other}.cache.registry "{registry}" are, or hold, the same cache'
            yield Problem(path, text, _OWN.format(example=example))
        if theirs and _meet(cache, theirs):
            text = f'"{cache}" and buildkeep_{other}.push "{theirs}" lie in each other'
            yield Problem(path, text, _PUSH.format(example=example))


def _allowed(path: str, cache: str, lists: Iterable[tuple[str, str]]) -> Iterator[Problem]:
    for where, entry in lists:
        # An exact entry lets in what is in that repository, which may lie below the cache; a prefix all below itself.
        if within(entry.rstrip("/"), cache) or (entry.endswith("/") and within(cache, entry.rstrip("/"))):
            yield Problem(path, f'"{cache}" is let in as an image by "{entry}" of {where}', _LISTED)


def _claims(path: str, entry: Mapping[str, Any], builders: Any) -> Iterator[Problem]:
    granted = builders if isinstance(builders, list | tuple) else ()
    first: dict[str, str] = {}
    for builder, claim in entry.get("cache", {}).get("claims", {}).items():
        if builder not in granted:
            text = f'"{claim}" is for a builder that the tenant does not have'
            yield Problem(f"{path}.{builder}", text, f"Add {builder} to its builders, or leave the claim out.")
        if claim in first:
            text = f'"{claim}" is the claim of {first[claim]} as well'
            yield Problem(f"{path}.{builder}", text, "Give each builder a claim of its own.")
        first.setdefault(claim, builder)


def _listed(path: str, entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    images = entry.get("images")
    for place, image in enumerate(images if isinstance(images, list | tuple) else ()):
        if isinstance(image, str) and "/" in image:
            yield f"buildkeep_{path}.images[{place}]", image


def _cache(entry: Mapping[str, Any]) -> str:
    return _text(entry.get("cache", {}).get("registry"))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _plain(repository: str) -> str:
    """Without the port that https has anyway, however it is written."""
    host, slash, path = repository.partition("/")
    name, _, port = host.partition(":")
    number = port.lstrip("0")
    return f"{name}:{number}{slash}{path}" if number not in ("", "443") else name + slash + path


def within(inner: str, outer: str) -> bool:
    """Whether a repository is another one, or lies below it."""
    return f"{_plain(inner)}/".startswith(f"{_plain(outer)}/")


def _meet(one: str, other: str) -> bool:
    return within(one, other) or within(other, one)

"""What a cluster's registry holds at the start: the storage folder of `distribution`, made without running it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from testbed import catalog, oci
from testbed.images import Recipe, reference
from testbed.parts import Part, Table
from testbed.progress import Step


def split(full: str) -> tuple[str, str]:
    """The (repository within the registry, tag) of a reference: the host is left out, as the registry never sees it."""
    name, _, tag = full.partition("/")[2].rpartition(":")
    return name, tag


# All images, or those alone that the demo starts: the other builders take minutes to compile.
ALL, BASIC = "seed", "seed/basic"


def recipes(part: str = ALL) -> tuple[Recipe, ...]:
    """The images that the registry holds."""
    return catalog.basic() if part == BASIC else (*catalog.upstream(), *catalog.own())


def _build(table: Table, images: Iterable[Recipe]) -> Callable[[Path, Step, Mapping[str, Path]], None]:
    def build(target: Path, step: Step, made: Mapping[str, Path]) -> None:
        for recipe in images:
            repository, tag = split(reference(table, recipe))
            oci.write_storage(target / "storage", made[recipe.part], repository, [tag])

    return build


def parts(table: Table) -> dict[str, Part]:
    """`seed` and `seed/basic`: folder `storage`."""
    return {name: Part(name, "fill the registry", 1, "pack", ("1",), _build(table, recipes(name)),
                       tuple(recipe.part for recipe in recipes(name))) for name in (ALL, BASIC)}  # fmt: skip

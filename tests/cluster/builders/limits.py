"""Reads limits.yaml: what each builder cannot do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

from tests.cluster.builders.cases import BY_NAME

FILE = Path(__file__).with_name("limits.yaml")
BUILDERS = ("kaniko", "buildkit", "buildah", "img")
# What the others are compared with: the reference implementation of Dockerfiles.
REFERENCE = "buildkit"


@dataclass(frozen=True)
class Limit:
    """One row. `fails`: case to the words that its build ends with; `differs`: case to what its image differs in."""

    builder: str
    cannot: str
    instead: str
    fails: Mapping[str, str] = field(default_factory=dict)
    differs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    by: str = ""

    @property
    def cases(self) -> tuple[str, ...]:
        """The cases that show it."""
        return (*self.fails, *self.differs)


@cache
def load() -> tuple[Limit, ...]:
    """All rows.

    Raises:
        ValueError: with every row that names what there is not, or shows nothing.
    """
    rows = tuple(Limit(**row) for row in yaml.safe_load(FILE.read_text(encoding="utf-8")))
    problems = [f"{FILE.name}: {row.builder} cannot {row.cannot}: {each}" for row in rows for each in _problems(row)]
    if problems:
        raise ValueError("\n".join(problems))
    return rows


def _problems(row: Limit) -> Iterator[str]:
    if row.builder not in BUILDERS:
        yield f"builder is none of {', '.join(BUILDERS)}"
    yield from (f"there is no case {name}" for name in (*row.cases, row.by) if name and name not in BY_NAME)
    if not row.cases:
        yield "write fails or differs, with a case that shows it"


def words(builder: str, case: str) -> str:
    """What a builder's build of a case fails with; "" if it does not."""
    return next((row.fails[case] for row in load() if row.builder == builder and case in row.fails), "")


def expected(builder: str, case: str) -> list[str]:
    """All that a builder's image of a case differs in, sorted."""
    return sorted(each for row in load() if row.builder == builder for each in row.differs.get(case, ()))

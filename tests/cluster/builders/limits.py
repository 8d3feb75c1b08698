"""Reads limits.yaml: what each builder cannot do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
    """One row: `says` is what the build of `case` fails with, or `findings` are what its image differs in."""

    builder: str
    case: str
    cannot: str
    instead: str
    says: str = ""
    findings: tuple[str, ...] = ()
    by: str = ""


@cache
def load() -> tuple[Limit, ...]:
    """All rows.

    Raises:
        ValueError: with every row that names what there is not, or shows nothing.
    """
    rows = tuple(
        Limit(**{**row, "findings": tuple(row.get("findings", ()))})
        for row in yaml.safe_load(FILE.read_text(encoding="utf-8"))
    )
    problems = [problem for row in rows for problem in _problems(row)]
    if problems:
        raise ValueError("\n".join(problems))
    return rows


def _problems(row: Limit) -> Sequence[str]:
    where = f"{FILE.name}: {row.builder} cannot {row.cannot}:"
    found = []
    if row.builder not in BUILDERS:
        found.append(f"{where} builder is none of {', '.join(BUILDERS)}")
    found += [f"{where} there is no case {name}" for name in (row.case, row.by) if name and name not in BY_NAME]
    if bool(row.says) == bool(row.findings):
        found.append(f"{where} write either says or findings")
    return found


def failure(builder: str, case: str) -> Limit | None:
    """The row that says that a builder's build of a case fails."""
    return next((row for row in load() if (row.builder, row.case) == (builder, case) and row.says), None)


def expected(builder: str, case: str) -> list[str]:
    """All that a builder's image of a case differs in, sorted."""
    return sorted(finding for row in load() if (row.builder, row.case) == (builder, case) for finding in row.findings)

"""The command line: measures what it is asked for, prints the tables, and says whether the goals are met."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import admission, admission_report, builders, builders_report, caches, report
from bench.builders_work import REFERENCE, SIDES
from bench.measure import CommandError
from bench.run import run
from testbed.controller.kube import ApiError
from testbed.errors import TestbedError

SIZES = (1, 50, 500)
ADMISSION, BUILDERS, CACHES = "admission", "builders", "caches"
WORDS = (ADMISSION, BUILDERS, CACHES)


def main(arguments: Sequence[str]) -> int:
    """Measure runs for the sizes that are named, and what else is; everything where nothing is.

    Returns:
        1 when a goal is missed, 2 when a run failed.
    """
    given = _read(arguments)
    words = given.what or [*map(str, SIZES), *WORDS]
    found: list[report.Goal] = []
    try:
        if sizes := [int(word) for word in words if word not in WORDS]:
            found += _runs(sizes)
        if ADMISSION in words:
            found += _admission()
        if BUILDERS in words:
            found += _builders(given)
        if CACHES in words:
            print("builds with a cache in a registry ...", file=sys.stderr, flush=True)
            print(caches.table(caches.run(name=given.cluster)))
    except (CommandError, TestbedError, ApiError, TimeoutError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(goal.text for goal in found))
    return 0 if all(goal.met for goal in found) else 1


def _read(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure, and hold goals against it.")
    parser.add_argument("what", nargs="*", help=f"numbers of tenants, {', '.join(WORDS)}; without any: everything")
    parser.add_argument("--cluster", default="", help="test cluster for builders (default: BUILDKEEP_CLUSTER)")
    parser.add_argument("--rounds", type=int, default=builders.ROUNDS, help="rounds of builders (default: %(default)s)")
    known = [side.name for side in SIDES]
    parser.add_argument("--sides", nargs="+", choices=known, default=known, help="builders, for work on one of them")
    given = parser.parse_args(arguments)
    if wrong := [word for word in given.what if not (word in WORDS or word.isdecimal())]:
        parser.error(f"no such thing to measure: {', '.join(wrong)}")
    return given


def _builders(given: argparse.Namespace) -> list[report.Goal]:
    print("builds by every builder ...", file=sys.stderr, flush=True)
    rounds = builders.run(given.rounds, given.sides, given.cluster)
    # A part of the sides shows how those compare, and meets no goal.
    whole = REFERENCE in given.sides
    print(builders_report.table(rounds, REFERENCE if whole else given.sides[0]))
    unprivileged = [side.name for side in SIDES if side.name in given.sides and not side.privileged]
    return builders_report.goals(rounds, unprivileged, REFERENCE) if whole and unprivileged else []


def _runs(sizes: Sequence[int]) -> list[report.Goal]:
    results = []
    for size in sizes:
        print(f"{size} tenants ...", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="buildkeep-bench-") as folder:
            results.append(run(size, Path(folder)))
    print(report.table(results))
    return report.goals(results)


def _admission() -> list[report.Goal]:
    print("creates with and without policies ...", file=sys.stderr, flush=True)
    rounds = admission.run()
    print(admission_report.table(rounds))
    return admission_report.goals(rounds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

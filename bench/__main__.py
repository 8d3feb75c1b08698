"""The command line: measures what it is asked for, prints the tables, and says whether the goals are met."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import admission, admission_report, report
from bench.measure import CommandError
from bench.run import run

SIZES = (1, 50, 500)
ADMISSION = "admission"


def main(arguments: Sequence[str]) -> int:
    """Measure runs for the sizes that are named, and admission where it is named; everything where nothing is.

    Returns:
        1 when a goal is missed, 2 when a run failed.
    """
    words = list(arguments) or [*map(str, SIZES), ADMISSION]
    found: list[report.Goal] = []
    try:
        if sizes := [int(word) for word in words if word != ADMISSION]:
            found += _runs(sizes)
        if ADMISSION in words:
            found += _admission()
    except CommandError as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(goal.text for goal in found))
    return 0 if all(goal.met for goal in found) else 1


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

"""The command line: measures each size, prints the table, and says whether the goals are met."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.measure import CommandError
from bench.report import goals, table
from bench.run import run

SIZES = (1, 50, 500)


def main(arguments: Sequence[str]) -> int:
    """Exit code 1 when a goal is missed, 2 when a run failed."""
    sizes = tuple(int(word) for word in arguments) or SIZES
    results = []
    for size in sizes:
        print(f"{size} tenants ...", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="buildkeep-bench-") as folder:
            try:
                results.append(run(size, Path(folder)))
            except CommandError as error:
                print(error, file=sys.stderr)
                return 2
    print(table(results))
    found = goals(results)
    print("\n".join(goal.text for goal in found))
    return 0 if all(goal.met for goal in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The command line: `python -m testbed.attacks` tries every attack on the cluster and prints a table.

The exit code is 0 only when each was refused by what has to refuse it, and what is permitted still worked.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from testbed import paths
from testbed.errors import TestbedError


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """The parsed command line."""
    parser = argparse.ArgumentParser(prog="python -m testbed.attacks", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, default=paths.kubeconfig(), help="the administrator's (%(default)s)")
    parser.add_argument("--only", nargs="+", metavar="ID", default=[], help="try these attacks and no others")
    return parser.parse_args(words)


def main(words: Sequence[str]) -> int:
    """Tries the attacks; returns the exit code."""
    # The collection is importable only through its own folder, which must come first.
    sys.path.insert(0, str(paths.ROOT / "collections"))
    from testbed.attacks import session
    from testbed.attacks.outcome import colours, table

    options = arguments(words)
    try:
        outcomes = session.attack_shown(options.kubeconfig, options.only)
    except (TestbedError, OSError, RuntimeError, ValueError) as error:
        print(f"The attacks could not be tried: {error}", file=sys.stderr)
        return 1
    print(f"\n{table(outcomes, colours())}")
    return 1 if not outcomes or any(outcome.problems for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

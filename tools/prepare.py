"""Makes parts of the test cluster ahead of time, so that a layer finds them: `python -m tools.prepare PART ...`."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from testbed import catalog
from testbed.errors import TestbedError
from testbed.parts import ensure, missing


def main(names: Sequence[str]) -> int:
    """Makes the named parts of testbed/catalog.py and what they need; exit code 1 when one cannot be made."""
    table = catalog.table()
    started = time.monotonic()
    try:
        todo = missing(table, names)
        ensure(table, names)
    except TestbedError as error:
        print(error)
        return 1
    state = f"cold: {len(todo)} parts made" if todo else "warm: everything was in the cache"
    print(f"{state}, {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

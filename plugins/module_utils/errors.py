"""The one exception that crosses from the logic to its callers."""

from __future__ import annotations

from collections.abc import Sequence


class BuildkeepError(Exception):
    """Input or a cluster that cannot work, with every problem found.

    Args:
        problems: sentences, each naming the field and the remedy.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)

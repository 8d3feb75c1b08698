"""What a build or a stage may end with (hudson.model.Result), from the best to the worst."""

from __future__ import annotations

from collections.abc import Mapping

SUCCESS, UNSTABLE, FAILURE, NOT_BUILT, ABORTED = ORDER = ("SUCCESS", "UNSTABLE", "FAILURE", "NOT_BUILT", "ABORTED")
# Post conditions that look at the result alone, in the order in which they run; `cleanup` is the last of all.
# After pipeline-model-definition 42c9dc3e, model/conditions: the ordinals of the extensions.
BY_RESULT: Mapping[str, frozenset[str]] = {
    "aborted": frozenset({ABORTED}),
    "success": frozenset({SUCCESS}),
    "unsuccessful": frozenset(ORDER) - {SUCCESS},
    "unstable": frozenset({UNSTABLE}),
    "failure": frozenset({FAILURE}),
    "notBuilt": frozenset({NOT_BUILT}),
}
POST_CONDITIONS = ("always", "changed", "fixed", "regression", *BY_RESULT, "cleanup")


def worst(*results: str) -> str:
    """The worst of some results; SUCCESS of none."""
    return max((SUCCESS, *results), key=ORDER.index)


def meets(condition: str, result: str, previous: str | None) -> bool:
    """Whether a post condition holds, given the previous build's result (None: there was none)."""
    if condition in ("always", "cleanup"):
        return True
    if condition == "changed":
        return result != previous
    if condition == "fixed":
        return result == SUCCESS and previous in (FAILURE, UNSTABLE)
    if condition == "regression":
        return previous is not None and ORDER.index(result) > ORDER.index(previous)
    return result in BY_RESULT[condition]

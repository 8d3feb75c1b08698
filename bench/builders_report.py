"""The table of what builders take, and the goals held against it. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.builders_work import Build
from bench.report import Goal, goal

# The best unprivileged builder, in times of the privileged one.
COLD, WARM = 1.2, 1.1
# A pod of a template, in times of the same containers without its rights, volumes and rules.
START = 1.1
_MEBI = 2**20


@dataclass(frozen=True)
class Sample:
    """One side in one round.

    Attributes:
        cold: with nothing kept from before.
        warm: one source file changed.
        unchanged: nothing changed.
        start: seconds from asking for the pod to the end of its first command; 0 for a privileged side.
        plain: the same for a plain pod of the same containers.
    """

    cold: Build
    warm: Build
    unchanged: Build
    start: float
    plain: float


# A round: samples by side.
Rounds = Sequence[Mapping[str, Sample]]
KINDS: Mapping[str, Callable[[Sample], float]] = {
    "cold": lambda one: one.cold.seconds,
    "warm": lambda one: one.warm.seconds,
    "no change": lambda one: one.unchanged.seconds,
}


def ratio(rounds: Rounds, side: str, reference: str, kind: str) -> float:
    """What a side takes for a kind of build in times of another side: the middle of the ratios within each round."""
    value = KINDS[kind]
    return median(value(one[side]) / value(one[reference]) for one in rounds)


def start_ratio(rounds: Rounds) -> float:
    """How long pods of templates take to start in times of plain pods: the middle of all pairs."""
    return median(one.start / one.plain for some in rounds for one in some.values() if one.plain)


def best(rounds: Rounds, sides: Sequence[str], reference: str, kind: str) -> tuple[str, float]:
    """The side with the smallest ratio, and that ratio."""
    return min(((side, ratio(rounds, side, reference, kind)) for side in sides), key=lambda found: found[1])


def table(rounds: Rounds, reference: str) -> str:
    """A row for each side: middle seconds and their ratios to the reference, seconds to start, MiB of memory."""
    heads = "".join(f" {kind:>10} {'ratio':>6}" for kind in KINDS)
    lines = [f"{'builder':<14}{heads} {'start':>6} {'plain':>6} {'ratio':>6} {'memory':>7} {'peak':>7}"]
    for side in rounds[0]:
        some = [one[side] for one in rounds]
        times = "".join(
            f" {median(map(value, some)):>10.2f} {ratio(rounds, side, reference, kind):>6.2f}"
            for kind, value in KINDS.items()
        )
        pairs = [one for one in some if one.plain]
        starts = (
            f" {median(one.start for one in pairs):>6.2f} {median(one.plain for one in pairs):>6.2f}"
            f" {median(one.start / one.plain for one in pairs):>6.2f}"
            if pairs
            else " " * 21
        )
        anonymous = max(build.anonymous for one in some for build in (one.cold, one.warm, one.unchanged))
        peak = max(one.unchanged.peak for one in some)
        lines.append(f"{side:<14}{times}{starts} {anonymous / _MEBI:>7.0f} {peak / _MEBI:>7.0f}")
    return "\n".join(lines)


def goals(rounds: Rounds, sides: Sequence[str], reference: str) -> list[Goal]:
    """Every goal: cold and warm builds of the best of the unprivileged `sides`, and the start of their pods."""
    found = []
    for kind, bound in (("cold", COLD), ("warm", WARM)):
        side, times = best(rounds, sides, reference, kind)
        words = f"{kind} build: {side} {times:.2f} times privileged {reference}, at most {bound:.2f} wanted"
        found.append(goal(times <= bound, words))
    start = start_ratio(rounds)
    words = f"pod start: {start:.2f} times a plain pod's, at most {START:.2f} wanted"
    return [*found, goal(start <= START, words)]

"""The table of results, and the goals held against them. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.run import Result

# First run, on the clock: so many times what kubectl takes, and so many seconds for starting and checking.
TIMES_KUBECTL = 1.5
EXTRA_SECONDS = 10.0
# CPU seconds in the client's process tree for one more tenant.
CPU_PER_TENANT = 0.050


@dataclass(frozen=True)
class Goal:
    """One goal, whether it was met, and the sentence with the numbers."""

    met: bool
    text: str


def goal(met: bool, text: str) -> Goal:
    """A goal with its verdict in front."""
    return Goal(met, f"{'met:   ' if met else 'MISSED:'} {text}")


def table(results: Sequence[Result]) -> str:
    """Seconds (CPU seconds) for each size; the ratios are first run to first apply, second run to second apply."""
    lines = [
        f"{'tenants':>7} {'objects':>7} {'site.yml first':>18} {'second':>18}"
        f" {'kubectl first':>18} {'again':>18} {'ratio':>6} {'second':>6}"
    ]
    for found in results:
        costs = (found.first, found.second, found.kubectl, found.kubectl_again)
        cells = " ".join(f"{f'{cost.seconds:.1f} s ({cost.cpu:.1f})':>18}" for cost in costs)
        ratios = (found.first.seconds / found.kubectl.seconds, found.second.seconds / found.kubectl_again.seconds)
        lines.append(f"{found.tenants:>7} {found.objects:>7} {cells} " + " ".join(f"{ratio:>6.2f}" for ratio in ratios))
    return "\n".join(lines)


def cpu_per_tenant(results: Sequence[Result]) -> float:
    """CPU seconds that one more tenant costs on a first run, from the smallest and the largest size."""
    small, large = min(results, key=lambda x: x.tenants), max(results, key=lambda x: x.tenants)
    return (large.first.cpu - small.first.cpu) / (large.tenants - small.tenants)


def goals(results: Sequence[Result]) -> list[Goal]:
    """Every goal: the first run of each size; with two sizes or more, the CPU of a further tenant."""
    found = []
    for result in results:
        bound = TIMES_KUBECTL * result.kubectl.seconds + EXTRA_SECONDS
        words = f"{result.tenants} tenants: first run {result.first.seconds:.1f} s, at most {bound:.1f} s wanted"
        found.append(goal(result.first.seconds <= bound, words))
    if len({result.tenants for result in results}) > 1:
        cpu = cpu_per_tenant(results)
        words = f"a further tenant: {cpu * 1000:.0f} ms of CPU, less than {CPU_PER_TENANT * 1000:.0f} ms wanted"
        found.append(goal(cpu < CPU_PER_TENANT, words))
    return found

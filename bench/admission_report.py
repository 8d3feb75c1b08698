"""The table of what policies cost a pod, and the goals held against it. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from bench.admission import Round
from bench.clients import Load, percentile
from bench.report import Goal, goal

# So many times the latency, at most, and the throughput, at least, of the same requests with nothing bound.
REAL_LATENCY = 1.10
DRY_LATENCY = 1.20
DRY_RATE = 0.80
# With a thousand tenants the ratio of latencies is that with one, but for what rounds differ by among themselves.
TENANTS_DIFFER = 0.05


def p50(load: Load) -> float:
    """The middle latency in seconds."""
    return percentile(load.latencies, 0.5)


def ratio(rounds: Sequence[Round], value: Callable[[Load], float]) -> float:
    """What a value is with everything bound, in times of what it is with nothing bound: the middle of all rounds."""
    return median(value(one.bound) / value(one.none) for one in rounds)


def table(rounds: Sequence[Round]) -> str:
    """A row for each kind of load: latencies in milliseconds, requests in a second, the server's CPU for a request."""
    lines = [
        f"{'pods':>5} {'clients':>7} {'tenants':>7} {'p50 none':>9} {'bound':>6} {'ratio':>6} {'p99 none':>9}"
        f" {'bound':>6} {'req/s none':>10} {'bound':>6} {'ratio':>6} {'CPU none':>9} {'bound':>6} {'ratio':>6}"
    ]
    for (dry, clients, tenants), found in kinds(rounds).items():
        none, bound = ([latency for one in found for latency in load(one).latencies] for load in (_none, _bound))
        rates = [median(load(one).rate for one in found) for load in (_none, _bound)]
        cpus = [median(cpu) * 1000 for cpu in zip(*(_cpu(one) for one in found), strict=True)]
        cpu_ratio = median(_cpu(one)[1] / _cpu(one)[0] for one in found)
        lines.append(
            f"{'dry' if dry else 'real':>5} {clients:>7} {tenants:>7}"
            f" {percentile(none, 0.5) * 1000:>9.2f} {percentile(bound, 0.5) * 1000:>6.2f} {ratio(found, p50):>6.2f}"
            f" {percentile(none, 0.99) * 1000:>9.2f} {percentile(bound, 0.99) * 1000:>6.2f}"
            f" {rates[0]:>10.0f} {rates[1]:>6.0f} {ratio(found, lambda load: load.rate):>6.2f}"
            f" {cpus[0]:>9.2f} {cpus[1]:>6.2f} {cpu_ratio:>6.2f}"
        )
    return "\n".join(lines)


def kinds(rounds: Sequence[Round]) -> dict[tuple[bool, int, int], list[Round]]:
    """The rounds by kind: dry or real, clients, tenants."""
    found: dict[tuple[bool, int, int], list[Round]] = {}
    for one in rounds:
        found.setdefault((one.dry, one.clients, one.tenants), []).append(one)
    return found


def goals(rounds: Sequence[Round]) -> list[Goal]:
    """Every goal: latency of real and dry creates, throughput of dry ones, and many tenants against one."""
    by_kind = kinds(rounds)
    found = []
    for (dry, clients, tenants), some in by_kind.items():
        what = f"{'dry-run' if dry else 'real'} creates, {clients} client{'s' if clients > 1 else ''}"
        if tenants > 1:
            continue
        bound, now = DRY_LATENCY if dry else REAL_LATENCY, ratio(some, p50)
        found.append(
            goal(now <= bound, f"{what}: p50 {now:.2f} times that without policies, at most {bound:.2f} wanted")
        )
        if dry and clients > 1:
            rate = ratio(some, lambda load: load.rate)
            words = f"{what}: throughput {rate:.2f} times that without policies, at least {DRY_RATE:.2f} wanted"
            found.append(goal(rate >= DRY_RATE, words))
    many = {tenants: ratio(some, p50) for (dry, clients, tenants), some in by_kind.items() if dry and clients == 1}
    if len(many) > 1:
        most = max(many)
        words = (
            f"{most} tenants: p50 {many[most]:.2f} times that without policies, {many[1]:.2f} with one tenant;"
            f" at most {TENANTS_DIFFER:.2f} more wanted"
        )
        found.append(goal(many[most] <= many[1] + TENANTS_DIFFER, words))
    return found


def _none(one: Round) -> Load:
    return one.none


def _bound(one: Round) -> Load:
    return one.bound


def _cpu(one: Round) -> tuple[float, float]:
    requests = len(one.none.latencies)
    return one.cpu_none / requests, one.cpu_bound / requests

"""The goals of `bench admission`, held against made-up rounds."""

from __future__ import annotations

from bench.admission import Round
from bench.admission_report import goals, kinds, table
from bench.clients import Load, percentile


def load(milliseconds: float, clients: int = 1) -> Load:
    """A hundred requests, all as long."""
    return Load((milliseconds / 1000,) * 100, milliseconds / 1000 * 100 / clients)


def rounds(ratio: float, *, dry: bool = True, clients: int = 1, tenants: int = 1) -> list[Round]:
    """Three rounds in which policies take so many times as long; the machine is slower in each than before."""
    times = (1.0, 2.0, 9.0)
    return [
        Round(clients, dry, tenants, load(ms, clients), load(ms * ratio, clients), 0.1, 0.1 * ratio) for ms in times
    ]


def verdicts(*found: list[Round]) -> list[bool]:
    """Whether each goal is met."""
    return [goal.met for goal in goals([one for some in found for one in some])]


def test_latency() -> None:
    assert verdicts(rounds(1.19)) == [True] and verdicts(rounds(1.21)) == [False]
    assert verdicts(rounds(1.09, dry=False)) == [True] and verdicts(rounds(1.11, dry=False)) == [False]


def test_throughput_counts_for_dry_runs_of_many_clients() -> None:
    assert verdicts(rounds(1.19, clients=8)) == [True, True]
    assert verdicts(rounds(1.30, clients=8)) == [False, False]
    (latency,) = goals(rounds(1.05, dry=False, clients=8))
    assert latency.met and latency.text == (
        "met:    real creates, 8 clients: p50 1.05 times that without policies, at most 1.10 wanted"
    )


def test_tenants() -> None:
    assert verdicts(rounds(1.1), rounds(1.14, tenants=1000)) == [True, True]
    assert verdicts(rounds(1.1), rounds(1.16, tenants=1000)) == [True, False]


def test_one_bad_round_does_not_count() -> None:
    some = rounds(1.1)
    assert verdicts([*some[:2], Round(1, True, 1, load(1), load(50), 0.1, 0.9)]) == [True]


def test_the_table_has_a_row_for_each_kind() -> None:
    found = [*rounds(1.1), *rounds(1.1, dry=False, clients=8)]
    head, dry, real = table(found).splitlines()
    assert list(kinds(found)) == [(True, 1, 1), (False, 8, 1)]
    assert head.split()[0] == "pods" and dry.split()[0] == "dry" and real.split()[:2] == ["real", "8"]
    assert dry.split()[3:6] == ["2.00", "2.20", "1.10"]


def test_percentiles() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([7.0], 0.99)) == (51.0, 100.0, 7.0)

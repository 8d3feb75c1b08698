"""The bench runs. The bounds are loose: they catch a bench that rots and a cost that explodes, not a busy machine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench.measure import Cost
from bench.report import cpu_per_tenant, goals, table
from bench.run import Result, run

SIZES = (1, 20)
LOOSE_SECONDS = 120.0
LOOSE_CPU_PER_TENANT = 0.25


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the logs of the runs are."""
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def results(folder: Path) -> list[Result]:
    """Both small sizes, side by side: CPU time is counted for each process alone."""
    for size in SIZES:
        (folder / str(size)).mkdir()
    with ThreadPoolExecutor(len(SIZES)) as pool:
        return list(pool.map(run, SIZES, [folder / str(size) for size in SIZES]))


def test_the_small_sizes_cost_little(results: list[Result]) -> None:
    print(table(results))
    assert max(result.first.seconds for result in results) < LOOSE_SECONDS
    assert cpu_per_tenant(results) < LOOSE_CPU_PER_TENANT


def test_kubectl_applied_the_same_objects(results: list[Result], folder: Path) -> None:
    small, large = results
    # Every tenant adds the same objects; what is there once does not grow.
    assert large.objects > small.objects
    assert (large.objects - small.objects) % (large.tenants - small.tenants) == 0
    logs = [(folder / str(size) / "kubectl.log").read_text(encoding="utf-8") for size in SIZES]
    assert [len(log.splitlines()) for log in logs] == [small.objects, large.objects]


def result(tenants: int, seconds: float, cpu: float) -> Result:
    """A result whose kubectl took 10 seconds."""
    ten = Cost(10.0, 1.0)
    return Result(tenants, 10 * tenants, Cost(seconds, cpu), ten, ten, ten)


def test_a_goal_that_is_missed_is_said_to_be_missed() -> None:
    assert [goal.met for goal in goals([result(1, 25.0, 1.0), result(101, 25.1, 7.0)])] == [True, False, False]
    assert [goal.met for goal in goals([result(1, 25.0, 1.0), result(101, 24.9, 5.0)])] == [True, True, True]

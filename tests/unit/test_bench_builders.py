"""The goals of `bench builders`, held against made-up rounds, and what its scripts print."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench import __main__ as command_line
from bench import builders_work, caches
from bench.builders_report import Sample, best, goals, ratio, start_ratio, table
from bench.builders_work import SIDES, Build, Side, read_build, script

MEBI = 2**20


def sample(cold: float, warm: float, start: float = 1.0, plain: float = 1.0) -> Sample:
    """One side in one round; a build without changes takes a second."""
    first, second, third = (Build(seconds, 200 * MEBI, 90 * MEBI) for seconds in (cold, warm, 1.0))
    return Sample(first, second, third, start, plain)


def rounds(cold: float = 1.0, warm: float = 1.0, start: float = 1.0) -> list[dict[str, Sample]]:
    """Three rounds in which `fast` takes so many times as long as docker; the machine is slower in each than before."""
    return [
        {
            "docker": sample(10 * slow, 5 * slow, 0, 0),
            "fast": sample(10 * slow * cold, 5 * slow * warm, 2 * slow * start, 2 * slow),
            "slow": sample(50 * slow, 50 * slow, 2 * slow * start, 2 * slow),
        }
        for slow in (1.0, 2.0, 9.0)
    ]


def verdicts(found: Sequence[dict[str, Sample]]) -> list[bool]:
    """Whether cold, warm and start are met."""
    return [one.met for one in goals(found, ("fast", "slow"), "docker")]


def test_the_best_builder_counts() -> None:
    side, times = best(rounds(cold=1.1), ("fast", "slow"), "docker", "cold")
    assert side == "fast" and times == pytest.approx(1.1)
    assert verdicts(rounds(cold=1.19)) == [True, True, True] and verdicts(rounds(cold=1.21)) == [False, True, True]
    assert verdicts(rounds(warm=1.09)) == [True, True, True] and verdicts(rounds(warm=1.11)) == [True, False, True]


def test_starts_of_all_builders_count() -> None:
    assert verdicts(rounds(start=1.09)) == [True, True, True] and verdicts(rounds(start=1.11)) == [True, True, False]
    assert start_ratio(rounds(start=1.5)) == pytest.approx(1.5)


def test_a_goal_tells_its_numbers() -> None:
    cold, warm, start = (one.text for one in goals(rounds(1.3, 1.05, 1.02), ("fast",), "docker"))
    assert cold == "MISSED: cold build: fast 1.30 times privileged docker, at most 1.20 wanted"
    assert warm == "met:    warm build: fast 1.05 times privileged docker, at most 1.10 wanted"
    assert start == "met:    pod start: 1.02 times a plain pod's, at most 1.10 wanted"


def test_one_bad_round_does_not_count() -> None:
    some = rounds()
    some[1] = {**some[1], "fast": sample(1000, 1000, 100)}
    assert ratio(some, "fast", "docker", "cold") == pytest.approx(1.0)
    assert verdicts(some) == [True, True, True]


def test_the_table_has_a_row_for_each_side() -> None:
    head, docker, fast, slow = table(rounds(cold=1.5), "docker").splitlines()
    assert head.split() == [
        *("builder", "cold", "ratio", "warm", "ratio", "no", "change", "ratio"),
        *("start", "plain", "ratio", "memory", "peak"),
    ]
    assert docker.split() == ["docker", "20.00", "1.00", "10.00", "1.00", "1.00", "1.00", "90", "200"]
    assert fast.split()[:5] == ["fast", "30.00", "1.50", "10.00", "1.00"]
    assert fast.split()[7:] == ["4.00", "4.00", "1.00", "90", "200"] and slow.split()[0] == "slow"
    assert len({len(line) for line in (head, docker, fast, slow)}) == 1


def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: Side) -> subprocess.CompletedProcess[str]:
    """Runs a side's script here, with a cgroup of its own making."""
    (tmp_path / "src").mkdir()
    (tmp_path / "stat").write_text("cache 1\ntotal_rss 4096\n", encoding="utf-8")
    (tmp_path / "peak").write_text("8192\n", encoding="utf-8")
    for name, value in {"WORKSPACE": ".", "_LOG": "log", "_SAMPLES": "samples", "_STATS": "none stat",
                        "_PEAKS": "none peak"}.items():  # fmt: skip
        words = [str(tmp_path / word) for word in value.split()]
        monkeypatch.setattr(builders_work, name, " ".join(words))
    text = script(side, {"IMAGE": "here/image", "CACHE": "here/cache"})
    return subprocess.run(["/bin/sh", "-c", text], capture_output=True, text=True, check=False, timeout=30)


def test_a_script_prints_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = shell(tmp_path, monkeypatch, Side("x", "x", 'echo "$IMAGE $CACHE $PWD"; sleep 0.5'))
    assert done.returncode == 0, done.stderr
    found = read_build(done.stdout)
    assert (found.peak, found.anonymous) == (8192, 4096) and 0.4 < found.seconds < 10
    assert (tmp_path / "log").read_text() == f"here/image here/cache {tmp_path}/src\n"


def test_a_build_that_fails_shows_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = shell(tmp_path, monkeypatch, Side("x", "x", "echo no space left; exit 3"))
    assert (done.returncode, done.stdout) == (3, "no space left\n")
    with pytest.raises(ValueError, match="unpack"):
        read_build(done.stdout)


def test_the_sources_are_made_as_they_are_described(tmp_path: Path) -> None:
    text = builders_work.SOURCES.replace(builders_work.WORKSPACE, str(tmp_path))
    subprocess.run(["/bin/sh", "-ec", text], check=True, timeout=60)
    files = list((tmp_path / "src").rglob("*.txt"))
    assert len(files) == 400 and 8_000_000 < sum(path.stat().st_size for path in files) < 16_000_000
    assert (tmp_path / "src/Dockerfile").read_text(encoding="utf-8") == builders_work.DOCKERFILE


def test_every_unprivileged_side_is_a_template_and_only_they_have_no_image() -> None:
    assert [side.name for side in SIDES if not side.privileged] == ["buildkit", "buildah", "img", "kaniko"]
    assert all(side.name == side.template for side in SIDES if not side.privileged)
    assert all(side.state for side in SIDES if side.privileged)


def test_the_command_line_knows_what_it_measures(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command_line.main(["500", "bilders"])
    assert "no such thing to measure: bilders" in capsys.readouterr().err


def test_the_table_of_caches() -> None:
    rounds: list[caches.Seconds] = [{"kaniko": (10.0, 12.0, 5.0)}, {"kaniko": (20.0, 24.0, 5.0)}]
    head, kaniko = caches.table(rounds).splitlines()
    assert head.split() == ["builder", "no", "cache", "filling", "found", "ratio"]
    # The middle of 0.5 and 0.25, not the ratio of the middles.
    assert kaniko.split() == ["kaniko", "15.00", "18.00", "5.00", "0.38"] and len(head) == len(kaniko)

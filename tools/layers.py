"""Runs the test layers in order, shows each one's name and time, and cleans up whatever happens.

`python -m tools.layers test|check|lint|unit|chart|api|cluster`. Slow builds that the later layers need (the cluster's
images) start at once in the background, so that the first layers run meanwhile. Only the standard library is used.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from tools.processes import ROOT, Background, Outcome, environment, run_all, run_one

PYTHON = sys.executable
PYTEST = (PYTHON, "-m", "pytest", "-q")
# Through the symlink, so that modules carry the names that Ansible gives them; mypy does not resolve it.
COLLECTION = "collections/ansible_collections/buildkeep/ci/plugins"


def helm_lint() -> Sequence[str]:
    """The command that lints the chart, with the testbed's own helm."""
    from testbed.tools import tool

    return (str(tool("helm")), "lint", "--strict", "charts/agent-templates")


@dataclass(frozen=True)
class Layer:
    """One layer: what runs, side by side where there are several, and whether it waits for the background builds."""

    name: str
    commands: Sequence[Callable[[], Sequence[str]]]
    needs_builds: bool = False


def fixed(*words: str) -> Callable[[], Sequence[str]]:
    """A command that is known beforehand."""
    return lambda: words


LAYERS = (
    Layer(
        "lint",
        (
            fixed("ruff", "check", "."),
            fixed("ruff", "format", "--check", "."),
            fixed("yamllint", "--strict", "."),
            fixed("mypy", COLLECTION, "testbed", "tools", "bench", "tests"),
            fixed("ansible-lint", "--offline", "--strict", "--nocolor", "--parseable"),
            helm_lint,
        ),
    ),
    Layer("unit", (fixed(*PYTEST, "tests/unit", "tests/contract"),)),
    Layer("chart", (fixed(*PYTEST, "tests/chart"),)),
    Layer("api", (fixed(*PYTEST, "tests/api", "tests/play"),), needs_builds=True),
    Layer("cluster", (fixed("molecule", "test"),), needs_builds=True),
)
PLANS: Mapping[str, tuple[str, ...]] = {
    "test": tuple(layer.name for layer in LAYERS),
    "check": ("lint", "unit", "chart"),
    **{layer.name: (layer.name,) for layer in LAYERS},
}


def run_layer(layer: Layer, env: Mapping[str, str]) -> Outcome:
    """Runs one layer: a single command with its output as it comes, several side by side with what they found."""
    commands = [make() for make in layer.commands]
    return run_one(commands[0], env) if len(commands) == 1 else run_all(commands, env)


def table(rows: Sequence[tuple[str, str, float, str]]) -> str:
    """The closing table: layer, result, seconds, and the last line that it printed."""
    lines = [f"{'layer':<10}{'result':<9}{'seconds':>8}  last line"]
    lines += [f"{name:<10}{result:<9}{seconds:>8.1f}  {last}" for name, result, seconds, last in rows]
    return "\n".join(lines)


def clean_up(env: Mapping[str, str]) -> None:
    """Takes away what a layer that was stopped half-way may have left: clusters, containers, processes."""
    print("== clean up", flush=True)
    subprocess.run([PYTHON, "-m", "testbed", "down"], cwd=ROOT, env=dict(env), check=False)


def run_plan(names: Sequence[str]) -> int:
    """Runs the named layers, in order, up to the first that fails.

    Returns:
        The exit code: 0 when all passed, 1 else.
    """
    env = environment(os.environ)
    layers = [layer for layer in LAYERS if layer.name in names]
    builds = Background.start((PYTHON, "-m", "testbed", "images"), env) if any(x.needs_builds for x in layers) else None
    rows: list[tuple[str, str, float, str]] = []
    try:
        for layer in layers:
            if layer.needs_builds and builds and not builds.reported:
                outcome = builds.wait()
                rows.append(("builds", outcome.word, builds.seconds, outcome.last))
                if not outcome.ok:
                    break
            print(f"\n== {layer.name}", flush=True)
            started = time.monotonic()
            outcome = run_layer(layer, env)
            rows.append((layer.name, outcome.word, time.monotonic() - started, outcome.last))
            if not outcome.ok:
                break
    finally:
        if builds:
            builds.stop()
        if "cluster" in names:
            clean_up(env)
        print("\n" + table(rows), flush=True)
    done = {name for name, result, _, _ in rows if result == "passed"}
    missed = [layer.name for layer in layers if layer.name not in done]
    if missed:
        print(f"FAILED: {', '.join(missed)} (layers after the first failure did not run)", flush=True)
    return 1 if missed else 0


def interrupted(number: int, _frame: FrameType | None) -> None:
    """Turns a signal into an exception, so that the clean-up runs."""
    raise KeyboardInterrupt(f"signal {number}")


def main(arguments: Sequence[str]) -> int:
    """The command line: one word, the plan."""
    if len(arguments) != 1 or arguments[0] not in PLANS:
        print(f"usage: python -m tools.layers {'|'.join(PLANS)}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, interrupted)
    try:
        return run_plan(PLANS[arguments[0]])
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.path.insert(0, str(Path(ROOT)))
    sys.exit(main(sys.argv[1:]))

"""Runs the test layers in order, shows each one's name and time, and cleans up whatever happens.

`python -m tools.layers test|check|lint|unit|chart|api|cluster`. What later layers need and takes long to make
starts at once in the background, so that the first layers run meanwhile. Only the standard library is used.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from tools.processes import LOGS, ROOT, Background, Outcome, environment, run_all, run_one

# Layer, result, seconds, and the last line that it printed.
Row = tuple[str, str, float, str]
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
    """One layer: what runs, side by side where there are several, and the parts of testbed/catalog.py that it needs."""

    name: str
    commands: Sequence[Callable[[], Sequence[str]]]
    parts: Sequence[str] = ()


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
            fixed("ansible-lint", "--offline", "--strict", "--nocolor", "--format", "pep8"),
            helm_lint,
        ),
    ),
    Layer("unit", (fixed(*PYTEST, "tests/unit", "tests/contract"),)),
    Layer("chart", (fixed(*PYTEST, "tests/chart"),)),
    Layer(
        "api",
        # Side by side, since each waits for API servers for much of its time.
        (fixed(*PYTEST, "tests/api", "tests/scc", "tests/old"), fixed(*PYTEST, "tests/play", "tests/psp")),
        ("layer", "layer-helm3", "tool/etcd", "tool/kube-apiserver", "tool/kube-controller-manager",
         "tool/kube-apiserver-1.30", "tool/kube-apiserver-1.24", "openshift", "openshift-older", "tool/gator",
         "types/kyverno", "types/gatekeeper", "seccomp"),
    ),
    Layer("cluster", (fixed("molecule", "test"),), ("tool/kind", "tool/crane", "seed", "node")),
)  # fmt: skip
PLANS: Mapping[str, tuple[str, ...]] = {
    "test": tuple(layer.name for layer in LAYERS),
    "check": ("lint", "unit", "chart"),
    **{layer.name: (layer.name,) for layer in LAYERS},
}


def run_layer(layer: Layer, env: Mapping[str, str]) -> Outcome:
    """Runs one layer: a single command with its output as it comes, several side by side with what they found."""
    commands = [make() for make in layer.commands]
    return run_one(commands[0], env) if len(commands) == 1 else run_all(commands, env)


def table(rows: Sequence[Row]) -> str:
    """The closing table; in brackets, what was made in the background for a layer."""
    lines = [f"{'layer':<10}{'result':<9}{'seconds':>8}  last line"]
    lines += [f"{name:<10}{result:<9}{seconds:>8.1f}  {last}" for name, result, seconds, last in rows]
    return "\n".join(lines)


def clean_up(env: Mapping[str, str]) -> None:
    """Takes away what a layer that was stopped half-way may have left: clusters, containers, processes."""
    print("== clean up", flush=True)
    subprocess.run([PYTHON, "-m", "testbed", "down"], cwd=ROOT, env=dict(env), check=False)


@dataclass
class Builds:
    """The parts that layers need, made in the background: those of the next layer while the one before runs."""

    waiting: list[Layer]
    env: Mapping[str, str]
    running: Background | None = None

    def start_next(self) -> None:
        """Starts to make what the next layer needs."""
        if self.waiting:
            layer = self.waiting.pop(0)
            command = (PYTHON, "-m", "tools.prepare", *layer.parts)
            self.running = Background.start(command, self.env, LOGS / f"builds-{layer.name}.log")

    def stop(self) -> None:
        """Ends what is being made."""
        if self.running:
            self.running.stop()


def run_layers(layers: Sequence[Layer], env: Mapping[str, str], builds: Builds) -> Iterator[Row]:
    """Runs layers in order, up to the first that fails; yields what to say of each build and layer."""
    builds.start_next()
    for layer in layers:
        if layer.parts and builds.running:
            outcome = builds.running.wait()
            yield f"({layer.name})", outcome.word, builds.running.seconds, outcome.last
            if not outcome.ok:
                return
            builds.start_next()
        print(f"\n== {layer.name}", flush=True)
        started = time.monotonic()
        outcome = run_layer(layer, env)
        yield layer.name, outcome.word, time.monotonic() - started, outcome.last
        if not outcome.ok:
            return


def run_plan(names: Sequence[str]) -> int:
    """Runs the named layers, and always cleans up.

    Returns:
        The exit code: 0 when all passed, 1 else.
    """
    env = environment(os.environ)
    layers = [layer for layer in LAYERS if layer.name in names]
    builds = Builds([layer for layer in layers if layer.parts], env)
    rows: list[Row] = []
    try:
        rows.extend(run_layers(layers, env, builds))
    finally:
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

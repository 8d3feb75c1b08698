"""What a cache in a registry gains: builds in pods that have nothing but it, beside builds that have nothing at all.

Three new pods a round for each builder: one that keeps nothing, one that fills the cache, and one that finds what the
second left there, but for one source file that was changed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from bench import builders
from bench.builders_work import CHANGE, SIDES, SOURCES, Side
from bench.builders_world import World

ROUNDS = 2
_BUILDKIT = next(side for side in SIDES if side.name == "buildkit").build
_KANIKO = '/kaniko/executor --context "dir://$PWD" --destination "$IMAGE" --snapshot-mode redo --use-new-run --cleanup'
# Each builder without and with the cache.
COMMANDS = {
    "kaniko": (_KANIKO, f'{_KANIKO} --cache --cache-repo "$CACHE"'),
    "buildkit": (
        _BUILDKIT,
        f'{_BUILDKIT} --export-cache "type=registry,ref=$CACHE:main,mode=max" '
        '--import-cache "type=registry,ref=$CACHE:main"',
    ),
    "buildah": (
        'buildah build --tag "$IMAGE" . && buildah push "$IMAGE"',
        'buildah build --layers --cache-from "$CACHE" --cache-to "$CACHE" --tag "$IMAGE" . && buildah push "$IMAGE"',
    ),
}
# Seconds by builder, in the order of the columns.
Seconds = dict[str, tuple[float, float, float]]


def run(rounds: int = ROUNDS, name: str = "") -> list[Seconds]:
    """Measure on a test cluster; see `builders.run`."""
    sides = [side for side in SIDES if side.name in COMMANDS]
    with builders.prepared(sides, name) as world:
        return [{side.name: _builder(world, side, number) for side in sides} for number in range(rounds)]


def _builder(world: World, side: Side, number: int) -> tuple[float, float, float]:
    print(f"round {number + 1}: {side.name} ...", file=sys.stderr, flush=True)
    repository = f"{world.registry}/caches/{side.name}{number}"
    without, cached = COMMANDS[side.name]
    found = []
    for place, (command, before) in enumerate(((without, "true"), (cached, "true"), (cached, CHANGE))):
        variables = {"IMAGE": f"{repository}/image{place}:1", "CACHE": f"{repository}/cache"}
        pod, container = builders.build_pod(world, side, f"{number}-{place}")
        with world.started(pod, container):
            world.run(pod, container, SOURCES)
            step = replace(side, build=command)
            found.append(builders.build(world, pod, container, step, variables, before).seconds)
    first, second, third = found
    return first, second, third


def table(rounds: Sequence[Seconds]) -> str:
    """A row for each builder: seconds without, while filling and with the cache, and the last in times of the first."""
    lines = [f"{'builder':<14} {'no cache':>9} {'filling':>9} {'found':>9} {'ratio':>6}"]
    for builder in rounds[0]:
        some = [one[builder] for one in rounds]
        cells = "".join(f" {median(column):>9.2f}" for column in zip(*some, strict=True))
        lines.append(f"{builder:<14}{cells} {median(one[2] / one[0] for one in some):>6.2f}")
    return "\n".join(lines)

"""What builders take, side by side on one node: unprivileged ones in the pods of their templates, and privileged ones.

In each round every side starts a pod with nothing kept from before, builds, builds again with one source file changed,
and a third time with nothing changed; what it keeps lies on a volume, kaniko's in the registry. The order turns with
every round, and a side is held against the reference of the same round, so that what else the machine does hits all.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from bench import builders_pods, builders_world
from bench.builders_report import Sample
from bench.builders_work import CHANGE, DOCKER_IMAGE, SIDES, SOURCES, Build, Side, read_build, script
from bench.builders_world import World
from testbed import cluster
from testbed.progress import Progress

ROUNDS = 3
DOCKER_PART = "base/docker"


def run(rounds: int = ROUNDS, sides: Sequence[str] = (), name: str = "") -> list[dict[str, Sample]]:
    """Measure on a test cluster, which is made, and taken away afterwards, where it is not running.

    Args:
        rounds: how many.
        sides: names of those to be measured; all where it is empty.
        name: of the cluster; empty for `cluster.named()`.
    """
    wanted = [side for side in SIDES if not sides or side.name in sides]
    with prepared(wanted, name) as world:
        return [_round(world, number, wanted) for number in range(rounds)]


@contextmanager
def prepared(sides: Sequence[Side], name: str = "") -> Iterator[World]:
    """A world in which these sides can build, and whose node has their images; see `run` for the cluster."""
    this = cluster.named(name)
    with ExitStack() as stack:
        if not this.answers():
            cluster.up(this)
            stack.callback(cluster.down, this)
        step = stack.enter_context(Progress(1).step("measure builders", 400))
        if any(side.image == DOCKER_IMAGE for side in sides):
            stack.enter_context(builders_world.imported(this, DOCKER_PART, DOCKER_IMAGE, step))
        templates = list(dict.fromkeys(side.template for side in sides))
        world = stack.enter_context(builders_world.made(this, templates, step))
        for side in sides:  # what pulls an image would start more slowly than those after it
            with world.started(*build_pod(world, side, "first")):
                pass
        yield world


def _round(world: World, number: int, sides: Sequence[Side]) -> dict[str, Sample]:
    turned = sides if number % 2 == 0 else sides[::-1]
    found = {}
    for side in turned:
        print(f"round {number + 1}: {side.name} ...", file=sys.stderr, flush=True)
        found[side.name] = _sample(world, number, side)
    return {side.name: found[side.name] for side in sides}


def build_pod(world: World, side: Side, name: str) -> tuple[builders_pods.JSON, str]:
    """The pod that a side builds in, and the container within."""
    pod = builders_pods.hardened(world.cloud, side, f"{side.name}-{name}")
    if side.privileged:
        return builders_pods.privileged(pod, side, world.home), side.name
    return pod, side.template


def _sample(world: World, number: int, side: Side) -> Sample:
    pod, container = build_pod(world, side, str(number))
    repository = f"{world.registry}/{side.name}/round{number}"
    variables = {"IMAGE": f"{repository}:1", "CACHE": f"{repository}/cache"}
    # In every second round the plain pod comes after the other.
    plain = _plain(world, side, pod) if number % 2 == 0 else 0.0
    with world.started(pod, container) as seconds:
        world.run(pod, container, SOURCES)
        cold, warm, unchanged = (build(world, pod, container, side, variables, before) for before in _BEFORE)
    plain = plain or _plain(world, side, pod)
    return Sample(cold, warm, unchanged, 0.0 if side.privileged else seconds, plain)


def _plain(world: World, side: Side, pod: builders_pods.JSON) -> float:
    """How long a plain pod with the containers of a template's takes to start; 0 for a privileged side."""
    if side.privileged:
        return 0.0
    with world.started(builders_pods.plain(pod, world.home), side.template) as seconds:
        return seconds


_BEFORE = ("true", CHANGE, "true")


def build(
    world: World, pod: builders_pods.JSON, container: str, side: Side, variables: Mapping[str, str], before: str
) -> Build:
    """Run shell text, then measure one build; see `Side` and `script`."""
    world.run(pod, container, before)
    return read_build(world.run(pod, container, script(side, variables)))

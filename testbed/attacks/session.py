"""One whole run: the cluster, the stage, the attacks, and everything away again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from testbed import builds
from testbed.attacks.api import from_kubeconfig
from testbed.attacks.outcome import Outcome
from testbed.attacks.plugin import BASE, LISTED, pod_maker, table_names
from testbed.attacks.registry import Registry
from testbed.attacks.run import Runner
from testbed.attacks.stage import TENANT, namespace_path, stage
from testbed.attacks.table import load
from testbed.parts import locked
from testbed.progress import Progress

EXPECTED_SECONDS = 30


def attack(kubeconfig: Path, only: Sequence[str] = ()) -> list[Outcome]:
    """Tries the attacks of the table on a cluster on which site.yml has run.

    Args:
        kubeconfig: the administrator's.
        only: ids of attacks; all of them where empty.

    Raises:
        ValueError: an id is unknown.
        OSError: the cluster cannot be reached.
        RuntimeError, TimeoutError: the attacks could not even be tried.
    """
    names = table_names()
    attacks = load(names)
    unknown = sorted(set(only) - {each.id for each in attacks})
    if unknown:
        raise ValueError(f"no attack has the id {', '.join(unknown)}; ids: {', '.join(each.id for each in attacks)}")
    if not kubeconfig.is_file():
        raise RuntimeError(f"there is no cluster ({kubeconfig} is missing); run: make demo")
    admin = from_kubeconfig(kubeconfig)
    if admin.call("GET", namespace_path(TENANT))[0] == 404:
        raise RuntimeError(f"there is no namespace {TENANT}; run: ansible-playbook site.yml -i inventories/kind")
    for image in LISTED:
        Registry(admin).copy(BASE, image)
    tool = {
        "name": "tool",
        "image": names["agent"],
        "command": ["sleep", "infinity"],
        "securityContext": {"runAsUser": 1000},
        "resources": {"limits": {"cpu": "100m", "memory": "64Mi"}},
    }
    with locked(f"attacks-{kubeconfig.resolve().parent.name}"), stage(admin, BASE) as prepared:
        runner = Runner(prepared, partial(builds.build, kubeconfig=kubeconfig), pod_maker(admin), tool)
        return runner.run([each for each in attacks if not only or each.id in only])


def attack_shown(kubeconfig: Path, only: Sequence[str] = ()) -> list[Outcome]:
    """As `attack`, with a line of progress, and with every answer in a log."""
    with Progress(1).step("try the attacks, and what is permitted", EXPECTED_SECONDS) as step:
        outcomes = attack(kubeconfig, only)
        for outcome in outcomes:
            step.say(outcome.words)
    print(f"Every answer is in {step.log}", flush=True)
    return outcomes

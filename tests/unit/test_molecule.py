"""Molecule passes over a step whose playbook is missing; here that is an error."""

from __future__ import annotations

import pytest
import yaml

from testbed.paths import ROOT

SCENARIO = ROOT / "molecule" / "default"
SEQUENCE: list[str] = yaml.safe_load((SCENARIO / "molecule.yml").read_text(encoding="utf-8"))["scenario"][
    "test_sequence"
]
# The idempotence step runs the playbook of converge.
PLAYBOOKS = {"idempotence": "converge.yml"}


@pytest.mark.parametrize("step", SEQUENCE)
def test_every_step_has_its_playbook(step: str) -> None:
    action, *files = step.split()
    for file in files or [PLAYBOOKS.get(action, f"{action}.yml")]:
        assert (SCENARIO / file).is_file()


def test_the_cluster_is_compared_after_the_removal_and_destroyed_last() -> None:
    assert SEQUENCE == [
        "create",
        "prepare",
        "converge",
        "idempotence",
        "verify",
        "side_effect",
        "verify as_found.yml",
        "destroy",
    ]


def test_the_extra_verification_is_not_passed_over() -> None:
    # Molecule runs a step's named playbook only where the step's own exists, too.
    assert (SCENARIO / "verify.yml").is_file()
    assert (SCENARIO / "as_found.yml").is_file()

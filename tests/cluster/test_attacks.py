"""Every attack of the table is refused on the live cluster, by what has to refuse it."""

from __future__ import annotations

import pytest

from testbed.attacks.api import Api
from testbed.attacks.outcome import Outcome
from testbed.attacks.plugin import table_names
from testbed.attacks.stage import OUTSIDE, TENANT, TWIN, namespace_path
from testbed.attacks.table import load


@pytest.mark.parametrize("name", [attack.id for attack in load(table_names())])
def test_the_attack_is_refused_and_what_is_permitted_works(name: str, outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes[name]
    assert not outcome.problems, "\n".join(outcome.problems)
    assert outcome.verdict == "refused"


def test_the_attacks_leave_nothing_behind(admin: Api, outcomes: dict[str, Outcome]) -> None:
    assert outcomes
    assert admin.call("GET", namespace_path(OUTSIDE))[0] == 404
    assert admin.call("GET", namespace_path(TWIN))[0] == 404
    pods = admin.must("GET", f"{namespace_path(TENANT)}/pods")["items"]
    assert not [pod["metadata"]["name"] for pod in pods if "attack" in pod["metadata"]["name"]]

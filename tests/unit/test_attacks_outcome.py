"""The verdict on an attack, and the report."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from testbed.attacks import ways
from testbed.attacks.answers import Answer, Expected
from testbed.attacks.jenkinsfile import PROOF, STEP, jenkinsfile
from testbed.attacks.outcome import Outcome, example, table
from testbed.attacks.table import Attack

REFUSED = Answer(False, 'pods "x" is forbidden: violates PodSecurity "baseline:v1.37": host namespaces (hostPID=true)')
BEHIND = Answer(
    False,
    "pods \"x\" is forbidden: ValidatingAdmissionPolicy 'buildkeep-pods' with binding 'buildkeep-pods-enforce' denied "
    'request: [pod] field spec.hostPID: "true" is not allowed; allowed: false',
)
DONE = Answer(True, PROOF)
ATTACK = Attack(
    id="host-pid",
    title="see the node's processes",
    way="jenkinsfile",
    send={},
    refused=Expected(by="PodSecurity", words="hostPID=true"),
    permitted={},
    behind=Expected(by="buildkeep-pods", rule="pod", field="spec.hostPID", value="true", allowed="false"),
)


def test_an_attack_is_refused_when_all_three_answers_are_right() -> None:
    outcome = Outcome(ATTACK, REFUSED, DONE, BEHIND)
    assert outcome.problems == ()
    assert outcome.verdict == "refused"


@pytest.mark.parametrize(
    ("answer", "permitted", "behind", "verdict", "problem"),
    [
        (DONE, DONE, BEHIND, "GOT THROUGH", "GOT THROUGH"),
        (REFUSED, DONE, DONE, "GOT THROUGH", "without Pod Security: GOT THROUGH"),
        (REFUSED, REFUSED, BEHIND, "NOT PROVEN", "the permitted counterpart failed"),
        (REFUSED, DONE, None, "NOT PROVEN", "never asked"),
        (BEHIND, DONE, BEHIND, "NOT PROVEN", "answered by buildkeep-pods, not by PodSecurity"),
        (REFUSED, DONE, REFUSED, "NOT PROVEN", "answered by PodSecurity, not by buildkeep-pods"),
    ],
)
def test_one_wrong_answer_is_enough(
    answer: Answer, permitted: Answer, behind: Answer | None, verdict: str, problem: str
) -> None:
    outcome = Outcome(ATTACK, answer, permitted, behind)
    assert outcome.verdict == verdict
    assert any(problem in text for text in outcome.problems)
    report = table([outcome], coloured=False)
    assert "1 of 1 attacks did not end as they should" in report
    assert f"host-pid: {outcome.problems[0]}" in report


def test_the_report_names_who_answered_and_the_rule_behind() -> None:
    report = table([Outcome(ATTACK, REFUSED, DONE, BEHIND)], coloured=False)
    for text in (
        "see the node's processes",
        "a Jenkinsfile",
        "Pod Security",
        "behind it [pod]",
        "refused",
        "All 1 attacks",
    ):
        assert text in report
    assert "\033" not in report


def test_the_log_of_a_run_holds_every_answer_in_full() -> None:
    words = Outcome(ATTACK, REFUSED, DONE, BEHIND).words
    for text in (REFUSED.text, BEHIND.text, PROOF, "host-pid: refused"):
        assert text in words


def test_the_example_is_the_refusals_own_message() -> None:
    attack = replace(ATTACK, refused=ATTACK.behind or ATTACK.refused, behind=None)
    log = Answer(False, f"{BEHIND.text}. Received status: Status(message={BEHIND.text})")
    message = '[pod] field spec.hostPID: "true" is not allowed; allowed: false'
    assert example([Outcome(attack, log, DONE)], "host-pid") == message
    assert example([Outcome(attack, DONE, DONE)], "host-pid") == ""
    assert example([], "host-pid") == ""


def test_an_empty_run_is_no_success() -> None:
    assert "0 of 0 attacks did not end as they should" in table([], coloured=False)


def test_a_step_that_ran_got_through_even_if_the_build_failed_later() -> None:
    assert ways.attempted(SimpleNamespace(ok=False, log=f"{PROOF}\nFinished: FAILURE")).ok
    assert not ways.attempted(SimpleNamespace(ok=False, log="Finished: FAILURE")).ok


def test_a_permitted_build_has_to_run_its_step_and_to_succeed() -> None:
    assert ways.accomplished(SimpleNamespace(ok=True, log=PROOF)).ok
    assert not ways.accomplished(SimpleNamespace(ok=True, log="nothing ran")).ok
    assert not ways.accomplished(SimpleNamespace(ok=False, log=PROOF)).ok


def test_the_proof_stands_in_no_jenkinsfile() -> None:
    text = jenkinsfile({"pod": {"spec": {"containers": [{"name": "tool"}]}}})
    assert STEP in text
    assert PROOF not in text


def test_a_jenkinsfile_that_groovy_would_read_differently_is_refused() -> None:
    with pytest.raises(ValueError, match="Groovy string"):
        jenkinsfile({"pod": {"spec": {"containers": [{"name": "tool", "args": ["\\d'''"]}]}}})

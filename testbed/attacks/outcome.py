"""What came of one attack: the verdict, and the report for people."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from testbed.attacks.answers import Answer, admitted, last_line, refusals, shortfall
from testbed.attacks.table import Attack

COLUMNS = ("attack", "tried with", "answered by", "verdict")
SHORT_WAYS = {
    "jenkinsfile": "a Jenkinsfile",
    "controller-token": "the controller's token",
    "debugger": "a debugger's rights",
}
GREEN, RED, BOLD, PLAIN = "\033[32m", "\033[31m", "\033[1m", "\033[0m"


@dataclass(frozen=True)
class Outcome:
    """One attack and the answers to it.

    Args:
        attack: what was tried.
        answer: the answer to the attack.
        permitted: the answer to its permitted counterpart.
        behind: the answer where Pod Security is not there to answer first; None where that says nothing.
    """

    attack: Attack
    answer: Answer
    permitted: Answer
    behind: Answer | None = None

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that keeps this attack from counting as refused."""
        found = [shortfall(self.attack.refused, self.answer)]
        if self.attack.behind:
            text = shortfall(self.attack.behind, self.behind or Answer(False, "never asked"))
            found.append(text and f"without Pod Security: {text}")
        if not self.permitted.ok:
            found.append(f"the permitted counterpart failed: {last_line(self.permitted.text)}")
        return tuple(text for text in found if text)

    @property
    def verdict(self) -> str:
        """One word or two: `refused`, or what went wrong first."""
        if not self.problems:
            return "refused"
        if admitted(self.answer) or (self.behind and admitted(self.behind)):
            return "GOT THROUGH"
        return "NOT PROVEN"

    @property
    def row(self) -> tuple[str, ...]:
        """The report's row."""
        refused, behind = self.attack.refused, self.attack.behind
        gate = {"rbac": "RBAC", "PodSecurity": "Pod Security"}.get(refused.by, refused.by)
        rule = f" [{refused.rule}]" if refused.rule else ""
        second = f", behind it [{behind.rule}]" if behind else ""
        return (self.attack.title, SHORT_WAYS[self.attack.way], f"{gate}{rule}{second}", self.verdict)

    @property
    def words(self) -> str:
        """All answers in full, for a log."""
        parts = {"attack": self.answer, "without Pod Security": self.behind, "permitted": self.permitted}
        told = [f"--- {self.attack.id}, {part}: {answer.text or 'yes'}" for part, answer in parts.items() if answer]
        return "\n".join([*told, f"--- {self.attack.id}: {self.verdict}", *self.problems])


def colours() -> bool:
    """Whether the output is a terminal that wants colours (NO_COLOR: no-color.org)."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def table(outcomes: Sequence[Outcome], coloured: bool) -> str:
    """The report: a row for each attack, and below it every problem in full."""
    rows = [COLUMNS, *(outcome.row for outcome in outcomes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    if coloured:
        painted = [(GREEN if not outcome.problems else RED) for outcome in outcomes]
        lines = [f"{BOLD}{lines[0]}{PLAIN}", *(_paint(line, c) for line, c in zip(lines[1:], painted, strict=True))]
    return "\n".join([*lines, "", *summary(outcomes)])


def _paint(line: str, colour: str) -> str:
    """The verdict, at the end of the line, in its colour."""
    head, gap, verdict = line.rpartition("  ")
    return f"{head}{gap}{colour}{verdict}{PLAIN}"


def summary(outcomes: Sequence[Outcome]) -> list[str]:
    """The closing sentences: the problems if there are any, and the count."""
    bad = [outcome for outcome in outcomes if outcome.problems]
    lines = [f"{outcome.attack.id}: {problem}" for outcome in bad for problem in outcome.problems]
    if bad or not outcomes:
        return [*lines, f"{len(bad)} of {len(outcomes)} attacks did not end as they should."]
    return [f"All {len(outcomes)} attacks were refused, each by what had to refuse it; what is permitted still works."]


def example(outcomes: Sequence[Outcome], name: str = "look-alike-host") -> str:
    """The words in which one attack was refused, as its author reads them; empty where it was not tried or refused."""
    answers = [outcome.answer.text for outcome in outcomes if outcome.attack.id == name and not outcome.problems]
    return refusals(answers[0])[0].message.partition(". Received status:")[0] if answers else ""

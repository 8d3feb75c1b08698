"""What the API server answered, and whether that is the refusal that was to be shown. Pure functions.

Three gates answer in a fixed order, and only the first that refuses is heard: RBAC, Pod Security Admission, then
ValidatingAdmissionPolicy. The words of each are those of Kubernetes 1.37: authorizer/rbac (`User "x" cannot ...`),
pod-security-admission (`violates PodSecurity "level:version": ...`), and the policy plugin
(`ValidatingAdmissionPolicy 'x' with binding 'y' denied request: ...`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

POLICY = re.compile(
    r"forbidden: ValidatingAdmissionPolicy '(?P<policy>[^']+)' with binding '(?P<binding>[^']+)' "
    r"denied request: (?P<message>[^\n]*)"
)
POD_SECURITY = re.compile(
    r'forbidden: violates PodSecurity "(?P<level>[a-z]+):(?P<version>[^"]+)": (?P<message>[^\n]*)'
)
RBAC = re.compile(r'forbidden: (?P<message>User "[^"]+" cannot [a-z]+ resource "[^"]+" in API group "[^"]*"[^\n]*)')
# A broken rule begins a sentence of the joined message.
BROKEN_RULE = re.compile(r"(?:^|; )\[(?P<rule>[a-z][a-z-]*)\] (?P<rest>.*?)(?=; \[[a-z][a-z-]*\] |$)")
# The rules about pods are of two policies, one of which refuses; whoever expects a refusal means either.
_OF = {"buildkeep-pods-tenant": "buildkeep-pods"}
ALLOWED = "is not allowed; allowed: "
QUOTA = re.compile(r"exceeded quota|status unknown for quota")


@dataclass(frozen=True)
class Answer:
    """One answer: `ok` when the request was carried out, and the text that came with it."""

    ok: bool
    text: str


@dataclass(frozen=True)
class Refusal:
    """Who refused, and in which words.

    `by` is "rbac", "PodSecurity" or a policy's name; `rules` are the rules of our policies, each with its sentence.
    """

    by: str
    message: str
    rules: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Expected:
    """The refusal that has to come.

    Args:
        by: "rbac", "PodSecurity", or the name of a policy.
        words: text that has to stand in the message (RBAC and Pod Security; for a rule, in its own sentence).
        rule: the policy's rule; empty for the other two.
        subject: the container or volume that the rule's sentence has to name, such as `container tool`; empty for a
            rule on the whole pod.
        field: the field that it has to name, as seen from there.
        value: the value that it has to quote.
        allowed: text that has to stand behind "allowed:".
    """

    by: str
    words: str = ""
    rule: str = ""
    subject: str = ""
    field: str = ""
    value: str = ""
    allowed: str = ""


def refusals(text: str) -> list[Refusal]:
    """Every refusal in an answer or a build log, in order of their words' appearance."""
    found = [
        (match.start(), Refusal(_OF.get(match["policy"], match["policy"]), words, broken_rules(words)))
        for match in POLICY.finditer(text)
        for words in (match["message"],)
    ]
    found += [(match.start(), Refusal("PodSecurity", match["message"])) for match in POD_SECURITY.finditer(text)]
    found += [(match.start(), Refusal("rbac", match["message"])) for match in RBAC.finditer(text)]
    return [refusal for _, refusal in sorted(found, key=lambda pair: pair[0])]


def broken_rules(message: str) -> tuple[tuple[str, str], ...]:
    """The rules that a message of ours names, each with its sentence."""
    return tuple((match["rule"], match["rest"]) for match in BROKEN_RULE.finditer(message))


def admitted(answer: Answer) -> bool:
    """Whether every policy let the request pass. Quota is asked last, so its refusal proves as much."""
    return answer.ok or (bool(QUOTA.search(answer.text)) and not refusals(answer.text))


def shortfall(expected: Expected, answer: Answer) -> str:
    """What the answer lacks to be the expected refusal; empty when it is that refusal."""
    if admitted(answer):
        return "GOT THROUGH"
    found = refusals(answer.text)
    if not found:
        return f"refused by something else: {last_line(answer.text)}"
    others = [refusal.by for refusal in found if refusal.by != expected.by]
    if others:
        return f"answered by {others[0]}, not by {expected.by}: {found[0].message}"
    problems = [_lacks(expected, refusal) for refusal in found]
    return "" if "" in problems else problems[0]


def _lacks(expected: Expected, refusal: Refusal) -> str:
    """What one refusal by the right gate lacks."""
    if not expected.rule:
        return "" if expected.words and expected.words in refusal.message else _want(expected.words, refusal.message)
    sentences = [sentence for rule, sentence in refusal.rules if rule == expected.rule]
    if not sentences:
        return _want(f"[{expected.rule}]", refusal.message)
    problems = [_sentence_lacks(expected, sentence) for sentence in sentences]
    return "" if "" in problems else problems[0]


def _sentence_lacks(expected: Expected, sentence: str) -> str:
    """What one rule's sentence lacks: subject, field and value, and what is allowed instead."""
    claim, separator, allowed = sentence.partition(ALLOWED)
    subject = f"{expected.subject}, " if expected.subject else ""
    head = f'{subject}field {expected.field}: "{expected.value}" '
    if claim != head:
        return _want(head.strip(), sentence)
    if not separator or not expected.allowed or expected.allowed not in allowed:
        return _want(ALLOWED + expected.allowed, sentence)
    return ""


def _want(words: str, message: str) -> str:
    return f"the refusal lacks `{words}`: {message}"


def last_line(text: str) -> str:
    """The last line that says anything, as a hint at what went wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no answer at all"

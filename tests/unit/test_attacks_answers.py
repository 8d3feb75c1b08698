"""A refusal counts only when the right gate says the right thing."""

from __future__ import annotations

import pytest

from testbed.attacks.answers import Answer, Expected, admitted, refusals, shortfall

IMAGE = "docker.io/library/alpine:3.22"
SENTENCE = (
    f'[images] container tool, field image: "{IMAGE}" is not allowed; '
    "allowed: docker.io/jenkins/inbound-agent, europe-docker.pkg.dev/acme/base/"
)
OTHER_SENTENCE = '[pod] field spec.hostPID: "true" is not allowed; allowed: false'
EXPECTED = Expected(
    by="buildkeep-pods",
    rule="images",
    subject="container tool",
    field="image",
    value=IMAGE,
    allowed="europe-docker.pkg.dev/acme/base/",
)
POD_SECURITY = Expected(by="PodSecurity", words='hostPath volumes (volume "docker")')
SECRETS = Expected(by="rbac", words='cannot list resource "secrets" in API group "" in the namespace "ci-shop"')


def by_policy(message: str, policy: str = "buildkeep-pods") -> str:
    """The API server's words when a policy refuses a pod."""
    return (
        f"pods \"attack-1\" is forbidden: ValidatingAdmissionPolicy '{policy}' with binding '{policy}-enforce' "
        f"denied request: {message}"
    )


def by_pod_security(words: str) -> str:
    """The API server's words when Pod Security refuses a pod."""
    return f'pods "attack-1" is forbidden: violates PodSecurity "baseline:v1.37": {words}'


def by_rbac(resource: str, verb: str = "list") -> str:
    """The API server's words when RBAC refuses."""
    return (
        f'{resource} is forbidden: User "system:serviceaccount:jenkins:jenkins" cannot {verb} resource "{resource}" '
        'in API group "" in the namespace "ci-shop"'
    )


@pytest.mark.parametrize(
    "message",
    [SENTENCE, f"{OTHER_SENTENCE}; {SENTENCE}", f"{SENTENCE}; {OTHER_SENTENCE}"],
    ids=["alone", "after another rule", "before another rule"],
)
def test_the_expected_rule_counts_wherever_it_stands(message: str) -> None:
    assert shortfall(EXPECTED, Answer(False, by_policy(message))) == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no answer at all"),
        ("connection refused", "refused by something else: connection refused"),
        ('jobs.batch "x" is forbidden: unknown', "refused by something else"),
        (by_rbac("pods", "create"), "answered by rbac, not by buildkeep-pods"),
        (by_pod_security("privileged"), "answered by PodSecurity, not by buildkeep-pods"),
        (by_policy(SENTENCE, "someone-elses"), "answered by someone-elses"),
        (by_policy(OTHER_SENTENCE), "lacks `[images]`"),
        (by_policy(SENTENCE.replace("images", "image-reference")), "lacks `[images]`"),
        (by_policy(SENTENCE.replace("container tool", "container jnlp")), "lacks `container tool, field image"),
        (by_policy(SENTENCE.replace("field image", "field image.reference")), "lacks `container tool, field image"),
        (by_policy(SENTENCE.replace("container tool, ", "")), "lacks `container tool, field image"),
        (by_policy(SENTENCE.replace(IMAGE, IMAGE + "-evil")), "lacks `container tool, field image"),
        (by_policy(SENTENCE.partition("; ")[0]), "lacks `container tool, field image"),
        (by_policy(SENTENCE.replace("/acme/base/", "/acme/")), "lacks `is not allowed; allowed: europe-docker"),
        (by_policy(f"{OTHER_SENTENCE} (see [images] of {IMAGE})"), "lacks `[images]`"),
    ],
)
def test_any_other_refusal_is_not_the_one(text: str, why: str) -> None:
    assert why in shortfall(EXPECTED, Answer(False, text))


def test_field_and_value_of_another_rules_sentence_do_not_count() -> None:
    message = (
        f'[images] field spec: "x" is not allowed; allowed: y; {SENTENCE.replace("[images]", "[image-reference]")}'
    )
    assert "lacks" in shortfall(EXPECTED, Answer(False, by_policy(message)))


def test_success_got_through() -> None:
    assert shortfall(EXPECTED, Answer(True, by_policy(SENTENCE))) == "GOT THROUGH"


def test_quota_answers_last_and_proves_that_the_policies_let_it_pass() -> None:
    quota = Answer(
        False, 'pods "x" is forbidden: exceeded quota: buildkeep, requested: pods=1, used: pods=0, limited: pods=0'
    )
    assert admitted(quota)
    assert shortfall(EXPECTED, quota) == "GOT THROUGH"
    assert not admitted(Answer(False, by_policy(SENTENCE) + "\nexceeded quota"))


def test_pod_security_counts_by_its_words() -> None:
    words = (
        'hostPath volumes (volume "docker"), privileged (container "tool" must not set securityContext.privileged=true)'
    )
    assert shortfall(POD_SECURITY, Answer(False, by_pod_security(words))) == ""
    assert "lacks" in shortfall(POD_SECURITY, Answer(False, by_pod_security("host namespaces (hostPID=true)")))
    warning = f'Warning: would violate PodSecurity "baseline:v1.37": {words}'
    assert "something else" in shortfall(POD_SECURITY, Answer(False, warning))


def test_rbac_counts_by_verb_resource_and_namespace() -> None:
    assert shortfall(SECRETS, Answer(False, by_rbac("secrets"))) == ""
    assert "lacks" in shortfall(SECRETS, Answer(False, by_rbac("secrets", "get")))
    assert "lacks" in shortfall(SECRETS, Answer(False, by_rbac("configmaps")))


def test_a_build_log_holds_the_refusal_among_other_lines() -> None:
    log = f"Started by user shop\nERROR: Unable to create pod. Message: {by_policy(SENTENCE)}\nFinished: FAILURE\n"
    assert shortfall(EXPECTED, Answer(False, log)) == ""
    assert [refusal.by for refusal in refusals(log)] == ["buildkeep-pods"]


def test_a_second_gate_in_the_same_log_is_not_overheard() -> None:
    log = f"{by_policy(SENTENCE)}\n{by_rbac('pods', 'create')}"
    assert "answered by rbac" in shortfall(EXPECTED, Answer(False, log))

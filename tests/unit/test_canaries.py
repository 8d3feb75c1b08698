"""What an answer to a canary proves, and what is said when it proves nothing."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import canaries
from ansible_collections.buildkeep.ci.plugins.module_utils.canaries import Case
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

OURS = (
    "pods \"x\" is forbidden: ValidatingAdmissionPolicy 'buildkeep-pods' with binding 'buildkeep-pods-enforce' denied "
    'request: [images] container a, field image: "x" is not allowed; [pod] field hostPID'
)
PSA = 'pods "x" is forbidden: violates PodSecurity "baseline:v1.37": privileged'
QUOTA = 'pods "x" is forbidden: exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0'
QUOTA_UNKNOWN = 'pods "x" is forbidden: status unknown for quota: none, resources: pods'
PSP = 'pods "x" is forbidden: PodSecurityPolicy: unable to admit pod: [spec.hostPID: Invalid]'
SCC = 'pods "x" is forbidden: unable to validate against any security context constraint: []'
WEBHOOK = 'admission webhook "other.example" denied the request: '
KYVERNO = 'admission webhook "validate.kyverno.svc-fail" denied the request: '
GATEKEEPER = 'admission webhook "validation.gatekeeper.sh" denied the request: '
RBAC = 'pods is forbidden: User "u" cannot create resource "pods" in API group "" in the namespace "n"'
IMPERSONATE = 'users "u" is forbidden: User "me" cannot impersonate resource "users" in API group ""'


def case(expect: str = "refused", policy: str = "buildkeep-pods", rule: str = "images") -> Case:
    return Case("c", "n", {"spec": {}}, expect, policy, rule)


def error(message: str, status: int = 403) -> ApiError:
    return ApiError("canary", status, {"message": message, "reason": "Forbidden"})


@pytest.mark.parametrize(
    ("given", "answer", "ok"),
    [
        (case(), error(OURS), True),
        (case(rule="pod"), error(OURS), True),
        (case(), error(OURS, 422), True),
        (case(rule="image"), error(OURS), False),
        (case(rule="token"), error(OURS), False),
        (case(policy="buildkeep-pod"), error(OURS), False),
        (case(policy="buildkeep-exec"), error(OURS), False),
        (case(), error(OURS, 500), False),
        (case(), error(OURS.replace("buildkeep-pods'", "buildkeep-pods.static.k8s.io'")), True),
        (case(), error(WEBHOOK + OURS), False),
        (case(), error(WEBHOOK + OURS.partition("forbidden: ")[2]), False),
        (case(), error(f'pods "{WEBHOOK}" is forbidden: {OURS}'), False),
        (case(), error('pods "x" is forbidden: no: ' + OURS.partition("forbidden: ")[2]), False),
        (case(), error(OURS.replace("denied", "praised")), False),
        (case(), error(PSA), False),
        (case(policy="PodSecurity", rule=""), error(PSA), True),
        (case(policy="PodSecurity", rule=""), error(OURS), False),
        (case(), error(RBAC), False),
        (case(), error(QUOTA), False),
        (case(), None, False),
        (case("admitted"), None, True),
        (case("admitted"), error(QUOTA), True),
        (case("admitted"), error(QUOTA_UNKNOWN), True),
        (case("admitted"), error(QUOTA, 404), False),
        (case("admitted"), error(OURS), False),
        (case("admitted"), error(RBAC), False),
    ],
)
def test_judge(given: Case, answer: ApiError | None, ok: bool) -> None:
    assert canaries.judge(given, answer).ok is ok


WARNING = "Validation failed for " + OURS.partition("forbidden: ")[2].replace("-enforce' denied request", "-audit'")


@pytest.mark.parametrize(
    ("answer", "warnings", "ok"),
    [
        (None, [WARNING], True),
        (None, [], False),
        (None, ["a webhook says: " + WARNING], False),
        (None, [WARNING.replace("[images]", "[pod]")], False),
        (None, ["would violate PodSecurity", WARNING], True),
        (error(OURS), [], True),
        (error(RBAC), [], False),
    ],
)
def test_a_warning_is_what_mode_audit_gives(answer: ApiError | None, warnings: list[str], ok: bool) -> None:
    assert canaries.judge(case("warned"), answer, warnings).ok is ok


def test_a_command_for_no_pod_is_let_through_when_the_pod_is_missed() -> None:
    request = {"verb": "connect", "subresource": "exec", "body": {}}
    given = Case("c", "n", {}, "refused", "buildkeep-exec", "exec", request=request)
    no_pod = ApiError("canary", 404, {"message": 'pods "c" not found', "details": {"kind": "pods", "name": "c"}})
    assert canaries.judge(given, no_pod).admitted
    assert not canaries.judge(given, no_pod).ok
    refusal = OURS.replace("buildkeep-pods", "buildkeep-exec").replace("[images]", "[exec]")
    assert canaries.judge(given, error(refusal)).ok
    assert not canaries.judge(given, error(RBAC)).ok


def test_what_cannot_change_is_not_tried_again() -> None:
    assert canaries.judge(case(), error(IMPERSONATE)).hopeless
    assert not canaries.judge(case(), error(RBAC)).hopeless


def test_a_case_must_say_who_refuses_it() -> None:
    raw = {"name": "c", "namespace": "n", "pod": {"spec": {}}, "expect": "refused"}
    with pytest.raises(BuildkeepError) as caught:
        canaries.read_cases(
            [
                raw,
                {**raw, "policy": "p"},
                {**raw, "policy": "PodSecurity"},
                {**raw, "expect": "admitted"},
                {**raw, "expect": "warned"},
            ]
        )
    assert [problem[:8] for problem in caught.value.problems] == ["cases[0]", "cases[1]", "cases[4]"]


def test_a_case_is_a_pod_or_another_request() -> None:
    raw: dict[str, Any] = {"name": "c", "namespace": "n", "expect": "refused", "policy": "p", "rule": "r"}
    request = {"verb": "create", "body": {"apiVersion": "v1"}}
    with pytest.raises(BuildkeepError) as caught:
        canaries.read_cases(
            [
                raw,
                {**raw, "pod": {"spec": {}}, "request": request},
                {**raw, "request": {**request, "verb": "delete"}},
                {**raw, "request": request},
            ]
        )
    assert [problem[:8] for problem in caught.value.problems] == ["cases[0]", "cases[1]", "cases[2]"]


def test_identity() -> None:
    assert canaries.identity("u", ["a", "b"]) == [
        ("Impersonate-User", "u"), ("Impersonate-Group", "a"), ("Impersonate-Group", "b"),
    ]  # fmt: skip
    assert canaries.identity("", ["a"]) == []


@pytest.mark.parametrize(
    ("policy", "rule", "message", "ok"),
    [
        ("PodSecurityPolicy", "spec.hostPID", PSP, True),
        ("PodSecurityPolicy", "spec.hostIPC", PSP, False),
        ("PodSecurityPolicy", "spec.hostPID", WEBHOOK + PSP, False),
        ("PodSecurityPolicy", "", PSA, False),
        ("PodSecurity", "", WEBHOOK + PSA, False),
        ("PodSecurity or SecurityContextConstraints", "", PSA, True),
        ("PodSecurity or SecurityContextConstraints", "", SCC, True),
        ("PodSecurity or SecurityContextConstraints", "", WEBHOOK + SCC, False),
        ("SecurityContextConstraints", "", SCC, True),
        ("SecurityContextConstraints", "", WEBHOOK + SCC, False),
        ("kyverno", "images", f"{KYVERNO}buildkeep-images: [images] no", True),
        ("kyverno", "images", f"{KYVERNO}others: [images] no", False),
        ("kyverno", "images", f"{WEBHOOK}buildkeep-images: [images] no", False),
        ("kyverno", "images", f"{WEBHOOK}{KYVERNO}buildkeep-images: [images] no", False),
        ("gatekeeper", "images", f"{GATEKEEPER}[buildkeep-images] [images] no", True),
        ("gatekeeper", "images", f"{KYVERNO}[buildkeep-images] [images] no", False),
        ("gatekeeper", "images", "[images] buildkeep-images", False),
    ],
)
def test_each_wall_has_its_own_words(policy: str, rule: str, message: str, ok: bool) -> None:
    assert canaries.judge(case(policy=policy, rule=rule), error(message)).ok is ok


def test_who_admitted_a_pod_is_remembered() -> None:
    made = {"metadata": {"annotations": {"kubernetes.io/psp": "privileged"}}}
    reply = canaries.judge(case(policy="PodSecurityPolicy", rule=""), None, (), made)
    assert (reply.ok, reply.admitted, reply.by) == (False, True, "privileged")


class Server:
    """A cluster that lets everything in, for the loop alone."""

    def __init__(self, looks: list[bool]) -> None:
        self.looks = looks
        self.sent = 0

    def futile(self, wrong: canaries.Wrong) -> bool:
        assert wrong
        return self.looks.pop(0)


def test_waiting_ends_early_where_the_cluster_itself_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked at only after an answer can no longer be old, and again when it was no help."""
    server = Server([False, True])
    canary = canaries.Canary(None, "", [], server.futile)  # type: ignore[arg-type]
    monkeypatch.setattr(canary, "send", lambda given: canaries.judge(given, None))
    monkeypatch.setattr(canaries, "LAG_SECONDS", 0.02)
    monkeypatch.setattr(canaries, "POLL_SECONDS", 0.01)
    skipped, wrong = canary.run([case()], 30.0, check=False)
    assert (skipped, [each for each, _ in wrong], server.looks) == ([], [case()], [])

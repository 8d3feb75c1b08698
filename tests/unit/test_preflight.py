"""Versions, rights, and how several problems read."""

from __future__ import annotations

import pytest
from ansible_collections.buildkeep.ci.plugins.filter.roles import checked
from ansible_collections.buildkeep.ci.plugins.module_utils import preflight
from ansible_collections.buildkeep.ci.plugins.module_utils.backends import Backend, Served
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import collect
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import as_text
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight import Question, Right


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ({"major": "1", "minor": "9+"}, (1, 9)),
        ({"major": "1", "minor": "33+"}, (1, 33)),
        ({"major": "1", "minor": "37", "emulationMajor": "1", "emulationMinor": "34"}, (1, 34)),
    ],
)
def test_versions(answer: dict[str, str], version: tuple[int, int]) -> None:
    assert preflight.parse_version(answer) == version


def test_what_stays_open_is_a_problem_a_warning_or_not_asked() -> None:
    found = Served((1, 28))
    backend, problems, warnings = preflight.backend_problems(found, Question(unenforced="refuse"))
    assert backend == Backend("psa", False, True)
    assert problems
    assert all(one.startswith("not enforced: ") and "buildkeep_unenforced: accept" in one for one in problems)
    assert not warnings
    _, none, told = preflight.backend_problems(found, Question(unenforced="accept"))
    assert not none
    assert len(told) == len(problems)
    assert preflight.backend_problems(found, Question()) == (backend, [], [])


def test_nothing_stays_open_with_policies() -> None:
    _, problems, warnings = preflight.backend_problems(Served((1, 30), policies=True), Question(unenforced="refuse"))
    assert (problems, warnings) == ([], [])


def test_what_a_backend_alone_cannot_do_is_no_problem_beside_policies() -> None:
    question = Question(impossible={"scc": ["claims"], "psp": ["others"]})
    _, alone, _ = preflight.backend_problems(Served((1, 27), scc=True), question)
    assert alone == ["claims"]
    _, beside, _ = preflight.backend_problems(Served((1, 33), scc=True, policies=True), question)
    assert beside == []


def test_defaults_need_a_server_that_has_them() -> None:
    found = Served((1, 35), policies=True)
    _, problems, _ = preflight.backend_problems(found, Question(pod_defaults=True))
    assert any("buildkeep_pod_defaults" in problem for problem in problems)


def test_something_else_than_kubernetes() -> None:
    with pytest.raises(BuildkeepError, match="is this a Kubernetes API server"):
        preflight.parse_version({"version": "3"})


def test_canaries_need_the_right_to_be_who_they_are_sent_as() -> None:
    policies = Backend("admission", True, True)
    robot = Question(user="system:serviceaccount:jenkins:robot", groups=["buildkeep:canary"])
    rights = preflight.needed_rights(robot, policies)
    assert Right("impersonate", "", "serviceaccounts", "jenkins", "robot") in rights
    assert Right("impersonate", "", "groups", name="buildkeep:canary") in rights
    assert Right("impersonate", "", "users", name="jane") in preflight.needed_rights(Question(user="jane"), policies)
    assert not [right for right in preflight.needed_rights(Question(), policies) if right.verb == "impersonate"]
    assert Right("manage", "buildkeep.dev", "tenants") in rights


@pytest.mark.parametrize(
    ("backend", "resource"),
    [
        (Backend("admission", True, True), "validatingadmissionpolicies"),
        (Backend("psp", False, True), "podsecuritypolicies"),
        (Backend("scc", True, True), "securitycontextconstraints"),
        (Backend("psa", False, True, "kyverno"), "clusterpolicies"),
        (Backend("psp", False, True, "gatekeeper"), "constrainttemplates"),
    ],
)
def test_each_backend_needs_rights_of_its_own(backend: Backend, resource: str) -> None:
    verbs = {right.verb for right in preflight.needed_rights(Question(), backend) if right.resource == resource}
    assert {"get", "list", "create", "patch", "delete"} <= verbs
    others = {right.resource for right in preflight.needed_rights(Question(), Backend("psa", False, True))}
    assert resource not in others


def test_rights_in_words_and_as_the_api_has_them() -> None:
    right = Right("impersonate", "", "serviceaccounts", "jenkins", "robot")
    assert right.target == 'serviceaccounts "robot" in namespace jenkins'
    assert right.attributes == {
        "verb": "impersonate", "resource": "serviceaccounts", "namespace": "jenkins", "name": "robot",
    }  # fmt: skip
    assert Right("bind", "rbac.authorization.k8s.io", "roles").target == "roles.rbac.authorization.k8s.io"


def test_problems_as_text() -> None:
    assert as_text(["one"]) == "one"
    assert as_text(["one", "two"]) == "2 problems:\n- one\n- two"


def test_many_errors_become_one_and_each_problem_is_said_once() -> None:
    errors = [BuildkeepError([f"p{number % 30}"]) for number in range(60)]
    assert collect(errors, most=20).problems == (*[f"p{n}" for n in range(20)], "... and 10 more problems like these")
    assert collect(errors[:2]).problems == ("p0", "p1")


def test_what_only_some_inventories_ask_for_needs_rights_of_its_own() -> None:
    """In the controller's namespace: everything of a release, or what a Jenkins outside logs in with."""
    backend = Backend("admission", True, True)
    common = set(preflight.needed_rights(Question(), backend))
    for question, resources in (
        (Question(outside="cd"), {"secrets", "cronjobs"}),
        (Question(jenkins="cd"), {"secrets", "cronjobs", "services", "persistentvolumeclaims", "statefulsets"}),
    ):
        more = set(preflight.needed_rights(question, backend)) - common
        assert {right.namespace for right in more} == {"cd"}
        assert resources <= {right.resource for right in more}
        assert ("statefulsets" in {right.resource for right in more}) == bool(question.jenkins)
    controller = {
        "url": "https://jenkins.example.com/",
        "cluster": {"url": "https://k.example.com", "credentialsId": "x"},
    }
    raw = {"tenants": [{"name": "shop"}]}
    assert checked(raw)["outside"] == ""
    assert checked({**raw, "controller": controller})["outside"] == "jenkins"

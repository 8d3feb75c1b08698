"""Versions, rights, and how several problems read."""

from __future__ import annotations

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import preflight
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import collect
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import as_text
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight import Right


@pytest.mark.parametrize(
    ("minor", "old"), [("29", True), ("9+", True), ("30", False), ("33+", False), ("37", False), ("100", False)]
)
def test_versions(minor: str, old: bool) -> None:
    version = preflight.parse_version({"major": "1", "minor": minor})
    problems = preflight.version_problems(version, f"v1.{minor}")
    assert bool(problems) is old
    assert all("upgrade it to 1.30" in problem for problem in problems)


def test_something_else_than_kubernetes() -> None:
    with pytest.raises(BuildkeepError, match="is this a Kubernetes API server"):
        preflight.parse_version({"version": "3"})


def test_canaries_need_the_right_to_be_who_they_are_sent_as() -> None:
    rights = preflight.needed_rights("system:serviceaccount:jenkins:robot", ["buildkeep:canary"])
    assert Right("impersonate", "", "serviceaccounts", "jenkins", "robot") in rights
    assert Right("impersonate", "", "groups", name="buildkeep:canary") in rights
    assert Right("impersonate", "", "users", name="jane") in preflight.needed_rights("jane", [])
    assert not [right for right in preflight.needed_rights("", []) if right.verb == "impersonate"]
    assert Right("manage", "buildkeep.dev", "tenants") in rights


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

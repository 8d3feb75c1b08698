"""Who may make projects on OpenShift, in words."""

from __future__ import annotations

from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import scc_projects

OAUTH = {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:authenticated:oauth"}


def binding(name: str, role: str = "self-provisioner", *subjects: dict[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = {"metadata": {"name": name}, "roleRef": {"kind": "ClusterRole", "name": role}}
    return {**made, "subjects": list(subjects)} if subjects else made


def test_whoever_may_make_projects_is_named_with_the_remedy() -> None:
    (text,) = scc_projects.warnings([binding("self-provisioners", "self-provisioner", OAUTH)], "ci-")
    assert "ClusterRoleBinding self-provisioners lets Group system:authenticated:oauth make projects" in text
    assert "ci-NAME" in text
    assert """oc patch clusterrolebinding self-provisioners -p '{"subjects": null}'""" in text
    assert "autoupdate=false" in text


def test_a_binding_of_another_name_does_the_same_and_comes_not_back() -> None:
    (text,) = scc_projects.warnings([binding("devs", "self-provisioner", {"kind": "User", "name": "jane"})], "ci-")
    assert "ClusterRoleBinding devs lets User jane" in text and "autoupdate" not in text


def test_without_subjects_or_with_another_role_there_is_nothing_to_say() -> None:
    given = [binding("self-provisioners"), binding("view", "view", OAUTH), {**binding("x"), "subjects": None}]
    assert scc_projects.warnings(given, "ci-") == []

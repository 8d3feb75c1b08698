"""Who administers Jenkins by rights in the controller's namespace."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight_admins import WAYS, admins, warning

JENKINS = "system:serviceaccount:jenkins:jenkins"
EDIT: dict[str, Any] = {"apiGroups": ["", "apps"], "resources": ["pods", "deployments"], "verbs": ["create", "get"]}
ALL: dict[str, Any] = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}


def found(rule: dict[str, Any], *subjects: dict[str, str], namespace: str = "") -> dict[str, list[str]]:
    """Who is found where this rule is bound to these subjects, in a namespace or everywhere."""
    role = {"metadata": {"name": "some"}, "rules": [rule]}
    meta = {"name": "b", **({"namespace": namespace} if namespace else {})}
    binding = {"metadata": meta, "roleRef": {"kind": "ClusterRole", "name": "some"}, "subjects": list(subjects)}
    return admins([binding] if namespace else [], [] if namespace else [binding], [role], JENKINS)


def user(name: str) -> dict[str, str]:
    return {"kind": "User", "name": name}


def account(name: str, namespace: str) -> dict[str, str]:
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


@pytest.mark.parametrize(
    ("rule", "ways"),
    [
        (EDIT, ["create pods"]),
        ({"apiGroups": ["batch"], "resources": ["cronjobs"], "verbs": ["create"]}, ["create pods"]),
        ({"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}, ["read Secrets"]),
        ({"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["*"]}, ["run commands in pods"]),
        ({"apiGroups": [""], "resources": ["*/token"], "verbs": ["create"]}, [*WAYS][3:]),
        ({"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]}, [*WAYS][3:]),
        ({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["tls"]}, []),
        ({"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}, []),
    ],
)
def test_what_makes_an_administrator(rule: dict[str, Any], ways: list[str]) -> None:
    assert found(rule, user("jane")) == ({"jane": ways} if ways else {})


def test_it_is_about_the_controllers_namespace() -> None:
    assert found(EDIT, user("jane"), namespace="jenkins") == {"jane": ["create pods"]}
    assert found(EDIT, user("jane"), namespace="team") == {}


@pytest.mark.parametrize(
    "subject",
    [
        account("jenkins", "jenkins"),
        account("deployment-controller", "kube-system"),
        account("builder", "openshift-infra"),
        user("system:kube-scheduler"),
        {"kind": "Group", "name": "system:masters"},
    ],
)
def test_the_controller_and_the_cluster_itself_are_no_news(subject: dict[str, str]) -> None:
    assert found(EDIT, subject) == {}


@pytest.mark.parametrize("name", ["system:authenticated", "system:serviceaccounts", "system:serviceaccounts:team"])
def test_groups_of_strangers_are(name: str) -> None:
    assert found(EDIT, {"kind": "Group", "name": name}) == {f"Group {name}": ["create pods"]}


def test_who_may_do_everything_everywhere_is_no_news_but_who_may_here_is() -> None:
    assert found(ALL, user("root")) == {}
    assert found(ALL, user("jane"), namespace="jenkins") == {"jane": sorted(WAYS)}


def test_a_role_is_one_of_its_namespace() -> None:
    """A RoleBinding of another namespace's Role of the same name gives nothing here."""
    roles = [{"metadata": {"name": "some", "namespace": "team"}, "rules": [EDIT]}]
    reference = {"kind": "Role", "name": "some"}
    binding = {"metadata": {"name": "b", "namespace": "jenkins"}, "roleRef": reference, "subjects": [user("jane")]}
    assert admins([binding], [], roles, JENKINS) == {}


def test_the_sentence_names_them_and_the_remedy() -> None:
    assert warning({}, "jenkins") == []
    (text,) = warning({"jane": ["create pods"], "joe": ["create pods"], "ann": ["read Secrets"]}, "jenkins")
    assert "in namespace jenkins jane, joe may create pods; ann may read Secrets: " in text
    assert "kubectl get rolebindings,clusterrolebindings" in text
    (text,) = warning({f"user-{number:02}": ["create pods"] for number in range(12)}, "jenkins")
    assert "user-09 and 2 more may create pods" in text
    assert "user-10" not in text

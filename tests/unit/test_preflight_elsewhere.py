"""What the controller may do outside of tenants: which questions are asked where, and how the answers are said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import preflight_elsewhere, preflight_foreign
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight import Right
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight_questions import (
    CLUSTER_WIDE,
    EVERYTHING,
    FURTHER,
    TELLING,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings

JENKINS = "system:serviceaccount:jenkins:jenkins"
REASON = "RBAC: allowed by x"
RBAC = "rbac.authorization.k8s.io"
ADMISSION = "admissionregistration.k8s.io"
ALL: dict[str, Any] = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
DAEMONS: dict[str, Any] = {"apiGroups": ["apps"], "resources": ["daemonsets"], "verbs": ["create"]}
HARMLESS: dict[str, Any] = {"apiGroups": ["policy"], "resources": ["podsecuritypolicies"], "verbs": ["use"]}


class Authorizer:
    """A cluster that answers SubjectAccessReviews by a rule, and remembers them."""

    def __init__(self, allows: Callable[[dict[str, str]], bool]) -> None:
        self.allows = allows
        self.asked: list[dict[str, str]] = []
        self.client = self

    def request(self, method: str, path: str, body: dict[str, Any], what: str) -> Any:
        attributes = body["spec"]["resourceAttributes"]
        assert body["spec"]["user"] == JENKINS
        self.asked.append(attributes)
        status = {"allowed": self.allows(attributes), "reason": REASON}
        return type("Answer", (), {"body": {"status": status}})


def found(
    allows: Callable[[dict[str, str]], bool], bound: dict[str, list[dict[str, Any]]] | None = None
) -> tuple[list[Right], list[dict[str, str]]]:
    authorizer = Authorizer(allows)
    findings = preflight_elsewhere.find(
        cast(Cluster, authorizer), JENKINS, ["jenkins", "team", "other"], ["ci-shop"], bound or {}
    )
    return [right for right, _ in findings], authorizer.asked


@pytest.mark.parametrize(
    "right",
    [
        *(
            Right(verb, group, resource)
            for group, resource in (
                ("apps", "daemonsets"),
                ("apps", "deployments"),
                ("apps", "statefulsets"),
                ("apps", "replicasets"),
                ("batch", "jobs"),
                ("batch", "cronjobs"),
                ("", "replicationcontrollers"),
                ("", "pods"),
                (RBAC, "rolebindings"),
                (RBAC, "clusterrolebindings"),
            )
            for verb in ("create", "patch")
        ),
        *(
            Right(verb, ADMISSION, f"{kind}{ending}")
            for kind in ("validating", "mutating")
            for ending in ("admissionpolicies", "admissionpolicybindings", "webhookconfigurations")
            for verb in ("create", "patch", "update", "delete")
        ),
        Right("update", "", "pods/ephemeralcontainers"),
        Right("create", "", "pods/binding"),
        Right("create", "", "pods/attach"),
        Right("create", "", "serviceaccounts/token"),
        Right("escalate", RBAC, "roles"),
        Right("bind", RBAC, "roles"),
        Right("get", "", "nodes/proxy"),
        Right("create", "", "nodes/proxy"),
        Right("impersonate", "", "users"),
        Right("impersonate", "", "groups", name="system:masters"),
        Right("impersonate", "", "serviceaccounts"),
        Right("create", RBAC, "clusterroles"),
        Right("escalate", RBAC, "clusterroles"),
        Right("bind", RBAC, "clusterroles", name="cluster-admin"),
        Right("manage", "buildkeep.dev", "tenants"),
        Right("manage", "buildkeep.dev", "tenants", name="ci-shop"),
        Right("create", "", "persistentvolumes"),
        Right("patch", "", "namespaces"),
        Right("update", "certificates.k8s.io", "certificatesigningrequests/approval"),
    ],
    ids=lambda right: f"{right.verb} {right.target}",
)
def test_a_right_on_the_cluster_that_leads_around_the_walls_is_found(right: Right) -> None:
    """By itself, and in one sentence that names it."""
    rights, _ = found(lambda asked: asked == right.attributes)
    assert rights == [right]
    text = preflight_elsewhere.problem(JENKINS, [(right, REASON)])
    assert f"may {right.verb} {right.resource}" in text and REASON in text
    in_namespaces = right in (*TELLING, *FURTHER)
    assert ("in all namespaces" if in_namespaces else "in the cluster") in text


def test_all_is_asked_only_where_a_binding_names_the_controller() -> None:
    """In the others what a cloud's own authorizer would most likely give; and nothing that no rule is about."""
    daemons = Right("create", "apps", "daemonsets", "team")
    for rule, more in ((ALL, len(FURTHER)), (DAEMONS, 1), (HARMLESS, 0)):
        rights, asked = found(lambda one: one == daemons.attributes, {"team": [rule]})
        assert rights == ([daemons] if more else [])
        spaces = [one.get("namespace") for one in asked]
        assert spaces.count("other") == len(TELLING)
        assert spaces.count("team") == len(TELLING) + more


@pytest.mark.parametrize(
    ("rule", "right", "about"),
    [
        (ALL, Right("bind", RBAC, "roles"), True),
        (DAEMONS, Right("create", "apps", "daemonsets"), True),
        (DAEMONS, Right("patch", "apps", "daemonsets"), False),
        (DAEMONS, Right("create", "apps", "deployments"), False),
        (DAEMONS, Right("create", "", "daemonsets"), False),
        ({"apiGroups": [""], "resources": ["*/attach"], "verbs": ["*"]}, Right("get", "", "pods/attach"), True),
        ({"apiGroups": [""], "resources": ["pods"], "verbs": ["*"]}, Right("get", "", "pods/attach"), False),
        ({"apiGroups": [""], "resources": ["*/attach"], "verbs": ["*"]}, Right("patch", "", "pods"), False),
        ({"nonResourceURLs": ["*"], "verbs": ["*"]}, Right("patch", "", "pods"), False),
    ],
)
def test_what_a_rule_is_about(rule: dict[str, Any], right: Right, about: bool) -> None:
    assert preflight_elsewhere.gives(rule, right) is about


def test_the_number_of_requests_is_bounded() -> None:
    """Without a binding: a fixed number, one for each tenant, and four for each other namespace."""
    _, asked = found(lambda _: False)
    fixed = 1 + len(TELLING) + len(FURTHER) + len(CLUSTER_WIDE)
    own_secrets = 2
    assert len(asked) == fixed + 1 + 3 * len(TELLING) - own_secrets
    assert fixed <= 120


def test_who_may_do_everything_is_asked_nothing_else() -> None:
    rights, asked = found(lambda _: True)
    assert rights == [EVERYTHING] and len(asked) == 1
    assert "may do everything in all namespaces" in preflight_elsewhere.problem(JENKINS, [(EVERYTHING, REASON)])


def test_what_holds_everywhere_is_not_asked_again_nor_its_own_secrets() -> None:
    everywhere = [Right("create", "", "pods"), Right("create", "", "pods/exec")]
    left = preflight_elsewhere.questions(["jenkins", "team"], "jenkins", everywhere, {})
    assert left == [Right("get", "", "secrets", "team"), Right("list", "", "secrets", "team")]
    left = preflight_elsewhere.questions(["jenkins"], "jenkins", [], {"jenkins": [ALL]})
    assert Right("create", "", "pods", "jenkins") in left
    assert Right("patch", "", "pods", "jenkins") in left
    assert not [right for right in left if right.resource == "secrets"]


@pytest.mark.parametrize(
    ("subject", "named"),
    [
        ({"kind": "ServiceAccount", "name": "jenkins", "namespace": "jenkins"}, True),
        ({"kind": "ServiceAccount", "name": "jenkins"}, False),
        ({"kind": "User", "name": JENKINS}, True),
        ({"kind": "Group", "name": "system:serviceaccounts"}, True),
        ({"kind": "Group", "name": "system:serviceaccounts:jenkins"}, True),
        ({"kind": "Group", "name": "system:authenticated"}, True),
        ({"kind": "Group", "name": "system:serviceaccounts:team"}, False),
        ({"kind": "User", "name": "system:authenticated"}, False),
    ],
)
def test_whom_a_binding_names(subject: dict[str, str], named: bool) -> None:
    subjects = [{"kind": "User", "name": "jane"}, subject]
    reference = {"kind": "ClusterRole", "name": "r"}
    binding = {"metadata": {"namespace": "team", "name": "b"}, "roleRef": reference, "subjects": subjects}
    empty = {"metadata": {"namespace": "other", "name": "b"}, "roleRef": reference}
    roles = [{"metadata": {"name": "r"}, "rules": [ALL]}]
    assert preflight_foreign.bound([binding, empty], roles, JENKINS) == ({"team": [ALL]} if named else {})


def test_a_role_is_the_one_of_the_bindings_namespace() -> None:
    """Not another's of the same name, nor the ClusterRole; one that is gone gives nothing."""
    subject = {"kind": "User", "name": JENKINS}
    bindings = [
        {
            "metadata": {"namespace": "team", "name": f"b-{kind}-{name}"},
            "roleRef": {"kind": kind, "name": name},
            "subjects": [subject],
        }
        for kind, name in (("Role", "r"), ("ClusterRole", "c"), ("Role", "gone"), ("Role", "bare"))
    ]
    roles: list[dict[str, Any]] = [
        {"metadata": {"name": "r"}, "rules": [ALL]},
        {"metadata": {"namespace": "other", "name": "r"}, "rules": [ALL]},
        {"metadata": {"namespace": "team", "name": "r"}, "rules": [DAEMONS]},
        {"metadata": {"namespace": "team", "name": "c"}, "rules": [ALL]},
        {"metadata": {"name": "c"}, "rules": [HARMLESS]},
        {"metadata": {"namespace": "team", "name": "bare"}, "rules": None},
    ]
    assert preflight_foreign.bound(bindings, roles, JENKINS) == {"team": [DAEMONS, HARMLESS]}


def test_a_subresource_is_asked_for_as_one() -> None:
    assert Right("create", "", "pods/exec").attributes == {
        "verb": "create", "resource": "pods", "subresource": "exec",
    }  # fmt: skip


def test_rights_elsewhere_in_words() -> None:
    reason = 'RBAC: allowed by RoleBinding "a/jenkins"'
    rights = [
        Right("create", "", "pods", "jenkins"),
        Right("get", "", "secrets", "jenkins"),
        Right("list", "", "secrets", "jenkins"),
        Right("list", "", "secrets"),
    ]
    text = preflight_elsewhere.problem(JENKINS, [(right, reason) for right in rights])
    assert (
        f"{JENKINS} may create pods, get/list secrets in namespace jenkins ({reason}); list secrets in all namespaces"
        in text
    )
    assert "rbac.create: false" in text
    assert "buildkeep_controller_elsewhere: warn" in text
    assert preflight_elsewhere.problem(JENKINS, []) == ""


def test_a_long_list_is_cut() -> None:
    text = preflight_elsewhere.problem(JENKINS, [(right, REASON) for right in CLUSTER_WIDE])
    assert "manage tenants, " in text and "persistentvolumes" not in text and " more in the cluster" in text


def test_groups_are_the_real_ones() -> None:
    """The canaries' group would find what only canaries may."""
    assert preflight_elsewhere.real_groups(JENKINS) == read_settings({"tenants": [{"name": "a"}]}).controller.groups

"""Builders and ways that cannot work are named before anything is applied, all at once, each with its remedy."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.filter.roles import checked
from ansible_collections.buildkeep.ci.plugins.module_utils.backends import Served
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles_checks import conditions, legacy, unheld
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight import Question, backend_problems
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings

NEW = Served((1, 37), policies=True, mutations=True)
OLD = Served((1, 29))
OPENSHIFT = Served((1, 31), policies=True, scc=True)
NEWER_OPENSHIFT = Served((1, 33), policies=True, scc=True, user_namespaces=True)
IMG = {"img": {"image": "ghcr.io/acme/img:1"}}


def inventory(*builders: str, **more: Any) -> dict[str, Any]:
    of_tenant = {key: more.pop(key) for key in ("seccomp",) if key in more}
    return {"tenants": [{"name": "shop", "builders": list(builders), **of_tenant}], **more}


def found(given: dict[str, Any]) -> list[str]:
    """Problems of the inventory alone."""
    problems: list[str] = checked(given)["problems"]
    return problems


def in_cluster(given: dict[str, Any], served: Served) -> list[str]:
    """Problems that it has in a cluster, as the task there is told of them."""
    told = json.loads(json.dumps(conditions(read_settings(given))))
    return backend_problems(served, Question(conditions=told))[1]


def test_a_builder_whose_profile_reaches_no_node_is_refused_with_all_choices() -> None:
    problems = found(inventory("kaniko", "buildkit", "img", builders=IMG))
    assert [problem.partition(": ")[0] for problem in problems] == ['buildkeep_tenants[0] (tenant "shop")'] * 2
    for problem, field in zip(problems, ("builders[1]", "builders[2]"), strict=True):
        for words in (
            field,
            "daemonset",
            "connection",
            "installed",
            "seccomp: unconfined",
            "buildkeep_node_profiles is none",
        ):
            assert words in problem, problem


@pytest.mark.parametrize(
    "given",
    [
        inventory("kaniko", "ko", "jib", builders={"ko": {"image": "ghcr.io/acme/ko:1"}}),
        inventory("buildkit", node_profiles="daemonset"),
        inventory("buildkit", node_profiles="connection", apparmor=True),
        inventory("buildkit", node_profiles="installed", apparmor=True),
        inventory("buildkit", seccomp="unconfined"),
    ],
)
def test_what_can_work_is_let_through(given: dict[str, Any]) -> None:
    assert found(given) == []
    assert in_cluster(given, NEW) == []


@pytest.mark.parametrize("way", ["none", "daemonset"])
def test_apparmor_needs_somebody_who_loads_it(way: str) -> None:
    (problem,) = found(inventory("kaniko", node_profiles=way, apparmor=True))
    assert problem.startswith("buildkeep_apparmor: is true") and "connection or installed" in problem


def test_a_role_that_is_told_nothing_of_nodes_has_no_say() -> None:
    assert read_settings(inventory("buildkit")).tenants


@pytest.mark.parametrize(
    ("given", "served", "words"),
    [
        (inventory("buildkit", node_profiles="daemonset"), OLD, "only ValidatingAdmissionPolicies (Kubernetes 1.30"),
        (inventory("buildah", node_profiles="daemonset"), OPENSHIFT, "OpenShift's SELinux lets no pod write"),
        (inventory("buildkit", seccomp="unconfined"), OLD, "shop.seccomp: unconfined (buildkit): only the backend"),
        (inventory("buildkit", seccomp="unconfined"), OPENSHIFT, "shop.seccomp: unconfined (buildkit)"),
        (inventory("buildkit", node_profiles="installed"), NEWER_OPENSHIFT, "shop.builders: buildkit gains"),
        (inventory("buildkit", node_profiles="connection", apparmor=True), OLD, "buildkeep_apparmor: pods can name"),
    ],
)
def test_what_a_cluster_cannot_carry_is_refused_there_and_nowhere_else(
    given: dict[str, Any], served: Served, words: str
) -> None:
    assert [problem for problem in in_cluster(given, served) if words in problem] == in_cluster(given, served) != []
    assert in_cluster(given, NEW) == []


def test_all_problems_of_a_cluster_come_at_once() -> None:
    given = inventory("buildkit", "kaniko", node_profiles="daemonset", apparmor=False)
    given["tenants"].append({"name": "blog", "builders": ["buildkit"], "seccomp": "unconfined"})
    problems = in_cluster(given, NEWER_OPENSHIFT)
    assert len(problems) == 4 and sum("Take kaniko or buildah." in problem for problem in problems) == 2


def test_builders_that_nobody_maintains_are_named_in_a_warning() -> None:
    given = inventory("img", "kaniko", node_profiles="installed", builders=IMG)
    (warning,) = checked(given)["warned"]
    assert warning == legacy(read_settings(given))[0]
    assert warning.startswith("buildkeep_tenants: shop.builders: img: genuinetools/img")


def test_a_break_glass_group_is_warned_of_where_pod_security_holds_nothing() -> None:
    shop = {"name": "shop", "builders": ["buildkit"], "seccomp": "unconfined"}
    tenants = [shop, {"name": "blog", "builders": ["kaniko"], "seccomp": "unconfined"}]
    (warning,) = unheld(read_settings({"tenants": tenants, "break_glass": "on-call"}))
    assert warning.startswith("buildkeep_break_glass: shop ") and "members of on-call" in warning
    assert unheld(read_settings({"tenants": tenants})) == []

"""The policies as objects: how many, bound to whom, and within what an API server takes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import cel, policies, policies_pods, rules
from ansible_collections.buildkeep.ci.plugins.module_utils.images import template_images
from ansible_collections.buildkeep.ci.plugins.module_utils.nodes import Nodes
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import load_profiles

CONTROLLER = {"namespace": "jenkins", "serviceAccount": "builds"}


@pytest.fixture(scope="module")
def built() -> list[dict[str, Any]]:
    """All objects, for a controller of another name."""
    return policies.build_policies(load_profiles(), ["ghcr.io/acme/base/"], CONTROLLER, "team-")


def of_kind(built: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    """The specs of one kind, by name."""
    return {item["metadata"]["name"]: item["spec"] for item in built if item["kind"] == kind}


def test_the_fixed_set(built: list[dict[str, Any]]) -> None:
    found = of_kind(built, "ValidatingAdmissionPolicy")
    names = [
        "pods",
        "pods-tenant",
        "exec",
        "roles",
        "rolebindings",
        "services",
        "serviceaccounts",
        "claims",
        "bindings",
    ]
    names += ["namespaces", "names", "persistentvolumes", "configmaps", "workloads"]
    assert list(found) == [f"buildkeep-{name}" for name in names]
    for spec in found.values():
        assert spec["failurePolicy"] == "Fail" and "paramKind" not in spec
        (validation,) = spec["validations"]
        assert validation["reason"] == "Forbidden" and validation["message"] and validation["messageExpression"]
        assert "\n" not in validation["message"]


def test_bindings(built: list[dict[str, Any]]) -> None:
    found = of_kind(built, "ValidatingAdmissionPolicyBinding")
    assert len(found) == 2 * 9 + 4 + 1
    tenant = {"key": "buildkeep.dev/tenant", "operator": "Exists"}
    # Its pods are judged by a policy of its own.
    others = {"key": "buildkeep.dev/tenant", "operator": "NotIn", "values": ["buildkeep-system"]}
    assert found["buildkeep-workloads"] == {
        "policyName": "buildkeep-workloads",
        "validationActions": ["Warn", "Audit"],
        "matchResources": {"namespaceSelector": {"matchExpressions": [tenant, others]}},
    }
    for name in ("buildkeep-namespaces", "buildkeep-names", "buildkeep-persistentvolumes", "buildkeep-configmaps"):
        assert found[name] == {"policyName": name, "validationActions": ["Deny"]}
    for policy in policies.TENANT_POLICIES:
        for mode, operator, actions in (("enforce", "NotIn", ["Deny"]), ("audit", "In", ["Warn", "Audit"])):
            spec = found[f"{policy}-{mode}"]
            assert (spec["policyName"], spec["validationActions"]) == (policy, actions)
            assert spec["matchResources"]["namespaceSelector"]["matchExpressions"] == [
                *([tenant, others] if policy.startswith("buildkeep-pods") else [tenant]),
                {"key": "buildkeep.dev/mode", "operator": operator, "values": ["audit"]},
            ]


def test_what_is_of_no_namespace_follows_the_cluster() -> None:
    for mode, actions in (("enforce", ["Deny"]), ("audit", ["Warn", "Audit"])):
        made = {one["policy"]: one["actions"] for one in policies.bindings(mode) if not one["selector"]}
        always = {name: ["Deny"] for name in policies.GUARDS}
        assert made == {**always, **dict.fromkeys(("buildkeep-persistentvolumes", "buildkeep-configmaps"), actions)}


def test_settings_reach_the_expressions(built: list[dict[str, Any]]) -> None:
    found = of_kind(built, "ValidatingAdmissionPolicy")
    variables = {one["name"]: one["expression"] for one in found["buildkeep-pods"]["variables"]}
    own = cel.literal([*template_images(load_profiles()), "ghcr.io/acme/base/"])
    assert variables["allowed"].startswith(f"{own} + ")
    exec_variables = {one["name"]: one["expression"] for one in found["buildkeep-exec"]["variables"]}
    assert '"system:serviceaccount:jenkins:builds"' in exec_variables["usual"]
    assert 'n.startsWith("team-")' in found["buildkeep-names"]["matchConditions"][0]["expression"]


def test_the_context_of_the_templates_is_the_same(built: list[dict[str, Any]]) -> None:
    user = SimpleNamespace(user="system:serviceaccount:jenkins:builds", features=frozenset({"always"}), name="jenkins")
    images = ("ghcr.io/acme/base/",)
    options = {"break_glass": "", "pod_annotations": (), "storage_classes": (), "mode": "enforce", "nodes": Nodes()}
    settings = SimpleNamespace(profiles=load_profiles(), images=images, controller=user, prefix="team-", **options)
    context = policies.policy_context(settings)
    assert context["pods"]["variables"] == of_kind(built, "ValidatingAdmissionPolicy")["buildkeep-pods"]["variables"]
    assert policies.build_policies(settings.profiles, images, user, "team-") == built


def test_the_default_priority_class_reaches_the_rule(built: list[dict[str, Any]]) -> None:
    wanted = policies.build_policies(load_profiles(), [], CONTROLLER, priority_class="everyday")
    for policies_built, literal in ((built, "['', \"\"]"), (wanted, "['', \"everyday\"]")):
        variables = of_kind(policies_built, "ValidatingAdmissionPolicy")["buildkeep-pods"]["variables"]
        assert any(literal in one["expression"] for one in variables if one["name"] == "firm")


def test_the_message_never_asks_for_rights(built: list[dict[str, Any]]) -> None:
    """A messageExpression that meets the authorizer fails, and its text is lost."""
    spec = of_kind(built, "ValidatingAdmissionPolicy")["buildkeep-pods"]
    variables = {one["name"]: one["expression"] for one in spec["variables"]}
    asking = {name for name, text in variables.items() if "authorizer" in text}
    assert asking == {"ofcluster"}
    assert not any("variables.ofcluster" in text for text in variables.values())
    (validation,) = spec["validations"]
    assert "ofcluster" in validation["expression"] and "ofcluster" not in validation["messageExpression"]


def test_an_entry_without_a_folder_never_becomes_a_literal() -> None:
    variables = policies_pods.variables([], load_profiles(), ["gcr.io", "ghcr.io/acme/base"])
    (allowed,) = (one["expression"] for one in variables if one["name"] == "allowed")
    assert '"gcr.io"' not in allowed and '"ghcr.io/acme/base"' in allowed


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", '"x"'),
        ('a"b\\c\n', '"a\\"b\\\\c\\n"'),
        (True, "true"),
        (3, "3"),
        (["a"], '["a"]'),
        ({"k": ["v"]}, '{"k": ["v"]}'),
    ],
)
def test_literals(value: Any, text: str) -> None:
    assert cel.literal(value) == text


def test_any_of_nothing_is_false() -> None:
    assert (cel.any_of([]), cel.any_of(["a", "b"])) == ("false", "(a) || (b)")


def test_every_rule_is_whole() -> None:
    for rule in rules.load():
        assert rule.id and rule.field and rule.remedy and rule.why and bool(rule.allowed) != bool(rule.allowed_cel), (
            rule
        )
        assert rule.id == rule.id.lower() and set(rule.references) <= {"pss", "cis", "nsa"}
        if rule.scope:
            assert bool(rule.broken) != bool(rule.bad), rule.key
        else:
            assert rule.policy != "buildkeep-pods" and not rule.broken and not rule.bad, rule.key


def test_a_wrong_table_is_refused(tmp_path: Path) -> None:
    row = "{id: a, field: f, remedy: r, why: w, scope: pod}"
    (tmp_path / "a.yaml").write_text(f"rules: [{row}, {row}]", encoding="utf-8")
    with pytest.raises(ValueError, match="more than one rule a/pod/f"):
        rules.load(tmp_path)
    (tmp_path / "a.yaml").write_text("rules: [{id: a, brokn: x}]", encoding="utf-8")
    with pytest.raises(ValueError, match=r"a\.yaml: unknown key brokn"):
        rules.load(tmp_path)


def test_a_rule_with_an_unknown_constant_is_no_rule() -> None:
    rule = dataclasses.replace(rules.load()[0], scope="pod", broken="${nothing}", bad="")
    with pytest.raises(KeyError, match="nothing"):
        policies_pods.variables([rule], load_profiles(), [])

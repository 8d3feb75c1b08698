"""How rules become CEL: proofs asked once, the options of an inventory, and only what was asked for."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import policies, policies_pods, policies_verdicts, rules
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import load_profiles
from ansible_collections.buildkeep.ci.plugins.module_utils.rules import Rule

CONTROLLER = {"namespace": "jenkins", "serviceAccount": "builds"}
WITH_GLASS = ("buildkeep-pods", "buildkeep-pods-tenant", "buildkeep-exec")
WHEN = {"spec": "spec()", "label": "label()", "annotation": "annotation()"}


def rule(name: str, scope: str, unless: str = "") -> Rule:
    """A rule whose CEL is its name."""
    return Rule(id=name, field="f", remedy="r", why="w", scope=scope, broken=f"{name}()", unless=unless, allowed="a")


def built(**options: Any) -> dict[str, dict[str, Any]]:
    """The specs of all policies by name."""
    made = policies.build_policies(load_profiles(), [], CONTROLLER, options=policies.Options(**options))
    return {item["metadata"]["name"]: item["spec"] for item in made if item["kind"] == "ValidatingAdmissionPolicy"}


def test_a_proof_is_asked_once_and_before_its_rules() -> None:
    table = [rule("a", "container", "plain()"), rule("b", "container"), rule("c", "container", "plain()")]
    firm = policies_verdicts.verdicts(table, {}, WHEN)["firm"]
    assert "variables.everyone.exists(c, (b()) || (!(plain()) && ((a()) || (c()))))" in firm
    assert firm.startswith("((spec()) && (")


def test_scopes_without_rules_are_not_gone_through() -> None:
    firm = policies_verdicts.verdicts([rule("a", "volume")], {}, WHEN)["firm"]
    assert "variables.volumes.exists(v, (a()))" in firm
    assert not any(name in firm for name in ("everyone", "others", "builders"))


def test_texts_do_not_trust_proofs() -> None:
    made = policies_verdicts.verdicts([rule("a", "pod", "plain()")], {}, WHEN)
    assert "plain()" in made["firm"] and "plain()" not in made["podtexts"]


def test_every_proof_is_used_and_known(tmp_path: Path) -> None:
    used = {one.proof for one in rules.load() if one.unless}
    # This one stands for two others, where a pod is looked at as a whole.
    assert {*rules.proofs()} == used | {"usual"}
    (tmp_path / "a.yaml").write_text("rules: [{id: a, unless: odd}]", encoding="utf-8")
    with pytest.raises(ValueError, match=r"a\.yaml: nothing under `ordinary` is named odd"):
        rules.load(tmp_path)


def test_without_a_group_there_is_no_way_past() -> None:
    for name in WITH_GLASS:
        spec = built()[name]
        assert "auditAnnotations" not in spec and "userInfo.?groups" not in str(spec), name


def test_the_group_is_asked_by_name() -> None:
    for name, spec in built(break_glass='on: "call" #1').items():
        asked = r'"on: \"call\" #1" in request.userInfo.?groups.orValue([])'
        (validation,) = spec["validations"] if name in WITH_GLASS else [None]
        if validation is None:
            assert "auditAnnotations" not in spec and "call" not in str(spec), name
            continue
        (annotation,) = spec["auditAnnotations"]
        assert validation["expression"].endswith(f" || {asked}"), validation
        assert annotation["key"] == "break-glass" and annotation["valueExpression"].startswith(f"{asked} && ")
        # An audit annotation that fails refuses the request, and it has no authorizer.
        assert "ofcluster" not in annotation["valueExpression"] and "authorizer" not in annotation["valueExpression"]


def test_further_annotations_are_literals() -> None:
    (table,) = ([one for one in rules.load() if one.id == "annotations"],)
    expressions = {}
    for more in ((), ("a.b/c", "d.e/")):
        variables = policies_pods.variables(table, load_profiles(), [], annotations=more)
        expressions[more] = next(one["expression"] for one in variables if one["name"] == "broken")
    assert '(k in ["a.b/c"]) || (k.startsWith("d.e/"))' in expressions["a.b/c", "d.e/"]
    assert "(false)" in expressions[()] and 'startsWith("")' not in expressions[()]


def test_templates_are_written_from_the_profile_table() -> None:
    table = load_profiles()
    other = dataclasses.replace(table.builders["kaniko"], image="ghcr.io/acme/own-kaniko:9", command=("/run",))
    changed = dataclasses.replace(table, builders={"kaniko": other}, agent_image="ghcr.io/acme/agent:1")
    variables = policies_pods.variables([one for one in rules.load() if one.id == "templates"], changed, [])
    firm = next(one["expression"] for one in variables if one["name"] == "firm")
    for literal in ('"ghcr.io/acme/own-kaniko:9"', '["/run"]', '"ghcr.io/acme/agent:1"', "'static'"):
        assert literal in firm, literal

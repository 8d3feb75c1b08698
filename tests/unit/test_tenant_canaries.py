"""Which canaries are sent, and that no rule is without one."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import canary_cases, rules
from ansible_collections.buildkeep.ci.plugins.module_utils.canaries import Case
from ansible_collections.buildkeep.ci.plugins.module_utils.canary_pods import (
    OF_AGENT,
    OF_BUILDER,
    OF_NONE,
    agent_pod,
    builder_pod,
    of_builder,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.images import is_allowed
from ansible_collections.buildkeep.ci.plugins.module_utils.names import POLICY_PODS
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight import parse_version
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings, read_settings

RULES = [rule for rule in rules.load() if rule.policy == POLICY_PODS]


def settings(*tenants: dict[str, Any], **variables: Any) -> Settings:
    """Read an inventory."""
    return read_settings({"tenants": list(tenants) or [{"name": "shop"}], **variables})


def images(cases: list[dict[str, Any]], expect: str) -> list[str]:
    """Name the images of the cases of one kind."""
    return [case["pod"]["spec"]["containers"][0]["image"] for case in cases if case["expect"] == expect]


def test_every_rule_about_pods_has_a_canary_or_a_reason_for_none() -> None:
    """A rule that is added without one is noticed here, and so is a canary whose rule has gone."""
    assert sorted(rule.key for rule in RULES) == sorted([*OF_AGENT, *OF_BUILDER, *OF_NONE])


@pytest.mark.parametrize("key", [*OF_AGENT, *OF_BUILDER])
def test_a_canary_differs_from_a_good_pod(key: str) -> None:
    """A change that changes nothing would prove another rule."""
    profiles = settings().profiles
    good, bad = (
        agent_pod(profiles, "shop") if key in OF_AGENT else builder_pod(profiles, "shop", profiles.builders["kaniko"])
        for _ in range(2)
    )
    (OF_AGENT.get(key) or OF_BUILDER[key])(bad)
    assert bad != good


def test_rule_canaries_name_their_rule_and_the_namespace_made_for_them() -> None:
    """Nothing is ever tried in a tenant's namespace before its walls stand."""
    cases = canary_cases.rule_cases(settings())
    about_pods = [case for case in cases if case["policy"] == POLICY_PODS]
    of_builders = [len(of_builder(profile)) for profile in settings().profiles.relaxed.values()]
    assert len(about_pods) == len(OF_AGENT) + sum(of_builders) + len(["images-of-init"])
    assert sorted(set(of_builders)) == [len(OF_BUILDER) - 1, len(OF_BUILDER)]
    assert {case["namespace"] for case in cases} == {"buildkeep-canary"}
    assert {case["rule"] for case in about_pods} <= {rule.id for rule in RULES}


def test_a_good_agent_of_each_builder_must_be_admitted() -> None:
    """Walls that refuse everything would pass every other canary."""
    made = settings()
    good = [case for case in canary_cases.rule_cases(made) if case["expect"] == "admitted"]
    accounts = [case["pod"]["spec"]["serviceAccountName"] for case in good]
    assert accounts == ["agent", *(f"builder-{name}" for name in made.profiles.builders), "agent"]


def test_builder_pods_are_as_the_profile_says() -> None:
    """Only what the profile gives."""
    profiles = settings().profiles
    kaniko = profiles.builders["kaniko"]
    pod = builder_pod(profiles, "shop", kaniko)
    assert pod["spec"]["serviceAccountName"] == "builder-kaniko"
    context = pod["spec"]["containers"][0]["securityContext"]
    assert context["capabilities"] == {"drop": ["ALL"], "add": list(kaniko.capabilities_add)}
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}


def test_the_allowlist_is_tried_from_both_sides() -> None:
    """Each entry by an image that it lets in, and by several that only look so."""
    made = settings(images=["ghcr.io/acme/", "gcr.io/team/base"])
    cases = canary_cases.allowlist_cases(made)
    admitted, refused = images(cases, "admitted"), images(cases, "refused")
    assert {"ghcr.io/acme/canary:canary", "gcr.io/team/base:canary"} <= set(admitted)
    assert all(is_allowed(image, made.images) for image in admitted)
    assert not any(is_allowed(image, made.images) for image in refused)
    for image in ("gcr.io.canary.invalid/team/base", "canary.invalid/gcr.io/team/base", "gcr.io/team/base-canary"):
        assert f"{image}:canary" in refused


def test_an_entry_that_left_must_be_refused_unless_another_covers_it() -> None:
    """`narrowed` of the policy is what apply found."""
    made = settings(images=["ghcr.io/acme/"])
    gone = {"images": ["ghcr.io/acme/base", "quay.io/gone/", "bare"]}
    objects = [{"kind": "ValidatingAdmissionPolicy", "name": POLICY_PODS, "action": "changed", "narrowed": gone}]
    refused = images(canary_cases.allowlist_cases(made, objects), "refused")
    assert "quay.io/gone/canary:canary" in refused
    assert not [image for image in refused if image.startswith(("ghcr.io/acme/base:", "bare"))]


@pytest.mark.parametrize(("builders", "field"), [(["kaniko"], "hostNetwork"), ([], "allowPrivilegeEscalation")])
def test_each_tenant_is_tried_at_its_walls(builders: list[str], field: str) -> None:
    """A tenant in audit only warns, and one that leaves has no walls. Pod Security is tried at its own level."""
    tenants = [{"name": "a"}, {"name": "b", "mode": "audit"}, {"name": "c", "state": "absent"}]
    made = settings(*({**tenant, "builders": builders} for tenant in tenants))
    cases = canary_cases.tenant_cases(made, [])
    assert [(case["namespace"], case["policy"], case["expect"]) for case in cases] == [
        ("ci-a", "PodSecurity", "refused"),
        *2 * [("ci-a", POLICY_PODS, "refused")],
        ("ci-b", "PodSecurity", "warned"),
        *2 * [("ci-b", POLICY_PODS, "warned")],
    ]
    spec = cases[0]["pod"]["spec"]
    assert {**spec, **spec["containers"][0]["securityContext"]}[field] is True


@pytest.mark.parametrize(("mode", "expect"), [("enforce", "refused"), ("audit", "warned")])
def test_what_a_tenant_lost_is_tried_too(mode: str, expect: str) -> None:
    """What it has again is not, by whatever entry."""
    narrow = {"builders": [], "templates": "static"}
    made = settings({"name": "a", "images": ["ghcr.io/acme/"], "mode": mode, **narrow})
    gone = {"images": ["ghcr.io/acme/tool", "quay.io/gone/", ""], "builders": ["kaniko"], "unheard": ["of"]}
    gone |= {"claims": ["cache"], "secrets": ["key"], "csi-drivers": ["secrets.example"], "templates": ["any"]}
    objects = [{"kind": "Namespace", "name": "ci-a", "action": "unchanged", "narrowed": gone}]
    no_template, *cases = canary_cases.tenant_cases(made, objects)[3:]
    assert (no_template["rule"], no_template["expect"]) == ("templates", expect)
    assert images(cases, expect) == ["quay.io/gone/canary:canary", *4 * [made.profiles.agent_image]]
    expected = ["images", "service-account", "claims", "secrets", "csi-drivers"]
    assert [case["rule"] for case in cases] == expected
    assert set(expected) <= {rule.id for rule in RULES}
    assert "cache" in str(cases[2]["pod"]["spec"]["volumes"])
    assert cases[1]["pod"]["spec"]["serviceAccountName"] == "builder-kaniko"
    again = settings({"name": "a", "builders": ["kaniko"]})
    assert len(canary_cases.tenant_cases(again, [{**objects[0], "narrowed": {"builders": ["kaniko"]}}])) == 3


def test_an_image_that_everybody_may_run_is_no_foreign_one() -> None:
    """A list that lets in everything of a host that does not exist is odd, but no error."""
    made = settings({"name": "a", "images": ["canary.buildkeep.invalid/"]})
    assert [case["policy"] for case in canary_cases.tenant_cases(made, [])] == ["PodSecurity", POLICY_PODS]


@pytest.mark.parametrize("name", ["admission", "scc", "psp", "psa"])
@pytest.mark.parametrize("policies", [True, False])
@pytest.mark.parametrize("pod_security", [True, False])
def test_only_walls_that_are_there_are_tried(name: str, policies: bool, pod_security: bool) -> None:
    """Each backend gives cases of its own; none asks for a wall that the cluster does not have."""
    backend = {"name": name, "policies": policies, "pod_security": pod_security}
    made = settings({"name": "a"}, images=["ghcr.io/acme/"], backend=backend)
    cases = [
        *canary_cases.rule_cases(made),
        *canary_cases.allowlist_cases(made),
        *canary_cases.tenant_cases(made),
        *canary_cases.entry_cases(made),
    ]
    walls = {case["policy"] for case in cases if case.get("policy")}
    assert (POLICY_PODS in walls) is policies
    assert pod_security or "PodSecurity" not in walls
    assert ("PodSecurityPolicy" in walls) is (name == "psp")
    assert bool({"SecurityContextConstraints", "PodSecurity or SecurityContextConstraints"} & walls) is (name == "scc")


@pytest.mark.parametrize(
    ("since", "version", "applies"),
    [("", (1, 30), True), ("1.35", (1, 34), False), ("1.35", (1, 35), True), ("1.9", (1, 30), True)],
)
def test_a_field_that_the_server_drops_cannot_be_refused(since: str, version: tuple[int, int], applies: bool) -> None:
    """Versions are numbers, not text."""
    assert Case("a", "b", {}, "refused", POLICY_PODS, "images", since).applies(version) == applies


def test_an_emulated_version_counts() -> None:
    """Features follow it, not the program's own."""
    own = {"major": "1", "minor": "37+"}
    assert parse_version(own) == (1, 37)
    assert parse_version({**own, "emulationMajor": "1", "emulationMinor": "34"}) == (1, 34)

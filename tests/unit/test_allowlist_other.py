"""The allowlist for other engines, and what is said of all that nothing holds."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.allowlist_other import (
    GATEKEEPER,
    KINDS,
    KYVERNO,
    allowlist_objects,
    allowlist_stages,
    image_cases,
    unenforced,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.backends import ADMISSION, PSA, PSP, SCC, Backend
from ansible_collections.buildkeep.ci.plugins.module_utils.images import CANONICAL
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings, read_settings

NO_IMAGES = "Nothing refuses images that are on no list"
TENANTS = [{"name": "shop", "images": ["ghcr.io/acme/"]}, {"name": "trial", "mode": "audit"}]


def settings(engine: str) -> Settings:
    made = read_settings({"tenants": TENANTS, "images": ["registry.k8s.io/pause"]})
    return dataclasses.replace(made, backend=Backend(PSP, policies=False, pod_security=True, images=engine))


@pytest.mark.parametrize("name", [ADMISSION, SCC])
def test_policies_leave_nothing_open(name: str) -> None:
    assert unenforced(Backend(name, policies=True, pod_security=True)) == []


@pytest.mark.parametrize("name", [PSP, PSA, SCC])
def test_images_are_said_to_be_open_where_nothing_holds_them(name: str) -> None:
    assert any(NO_IMAGES in text for text in unenforced(Backend(name, policies=False, pod_security=True)))
    for engine in (KYVERNO, GATEKEEPER):
        said = unenforced(Backend(name, policies=False, pod_security=True, images=engine))
        assert not any(NO_IMAGES in text for text in said)


def test_each_backend_says_what_is_its_own() -> None:
    psp, psa = (" ".join(unenforced(Backend(name, policies=False, pod_security=True))) for name in (PSP, PSA))
    assert "judges pods, not containers" in psp and "judges pods" not in psa
    assert "knows one level for a namespace" in psa and "one level" not in psp
    for text in (psp, psa):
        assert "which Secrets a pod mounts" in text and "pods/exec" in text
    assert "older than Pod Security Admission" in " ".join(unenforced(Backend(PSP, False, pod_security=False)))
    assert "PolicyException" in " ".join(unenforced(Backend(PSP, False, True, images=KYVERNO)))
    assert "failurePolicy" in " ".join(unenforced(Backend(PSP, False, True, images=GATEKEEPER)))


def test_every_sentence_ends_as_one() -> None:
    """What follows is a remedy, in a sentence of its own."""
    for name in (PSP, PSA, SCC):
        for engine in ("", KYVERNO, GATEKEEPER):
            for text in unenforced(Backend(name, policies=False, pod_security=name == PSA, images=engine)):
                assert text[0].isupper() and text.endswith(".")


def test_the_objects_are_fixed_in_number_and_of_the_kinds_that_are_pruned() -> None:
    for engine, kinds in KINDS.items():
        stages = allowlist_stages(settings(engine))
        assert [len(stage) for stage in stages] == {KYVERNO: [2], GATEKEEPER: [1, 2]}[engine]
        made = allowlist_objects(settings(engine))
        assert {f"{item['apiVersion']}/{item['kind']}" for item in made} == set(kinds)
        assert made == [item for stage in stages for item in stage]
    assert allowlist_objects(settings("")) == []


def test_what_is_not_plainly_audit_is_enforced() -> None:
    for engine, path in ((KYVERNO, "validationFailureAction"), (GATEKEEPER, "enforcementAction")):
        actions = {}
        for item in allowlist_objects(settings(engine)):
            if path in item["spec"]:
                selector = str(item)
                operator = "NotIn" if "'operator': 'NotIn', 'values': ['audit']" in selector else "In"
                actions[operator] = item["spec"][path]
        assert (
            actions
            == {KYVERNO: {"NotIn": "Enforce", "In": "Audit"}, GATEKEEPER: {"NotIn": "deny", "In": "warn"}}[engine]
        )


def test_the_lists_and_the_pattern_are_those_of_everywhere() -> None:
    *_, constraint = allowlist_objects(settings(GATEKEEPER))
    assert constraint["spec"]["parameters"] == {
        "canonical": CANONICAL,
        "images": list(settings(GATEKEEPER).images),
        "tenants": {"ci-shop": ["ghcr.io/acme/"], "ci-trial": []},
    }
    context = allowlist_objects(settings(KYVERNO))[0]["spec"]["rules"][0]["context"]
    values = {one["name"]: one.get("variable", {}).get("value") for one in context}
    assert (values["canonical"], values["listed"]) == (CANONICAL, list(settings(KYVERNO).images))


def test_a_canary_for_each_tenant_that_enforces() -> None:
    own = settings(KYVERNO)
    (case,) = image_cases(own, own.present)
    assert (case["namespace"], case["policy"], case["rule"], case["expect"]) == (
        "ci-shop",
        KYVERNO,
        "images",
        "refused",
    )
    assert image_cases(settings(""), own.present) == []

"""Rules about containers hold for every kind of container, by CREATE and by UPDATE."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import rules

from tests.api import pods
from tests.api.api import Api, Object
from tests.api.case import TOOL, Case
from tests.api.cases import CASES

STRATEGIC = "application/strategic-merge-patch+json"
RULES = {rule.key: rule for rule in rules.load() if rule.scope}
CONTAINER_CASES = [
    case
    for case in CASES
    if RULES[case.rule].scope in ("container", "other") and case.path.startswith(TOOL) and case.base == "dynamic"
]
# The API itself refuses these there, before any policy is asked (core/validation), in these words.
_SET = "may not be set for init containers without restartPolicy=Always"
_EPHEMERAL = "cannot be set for an Ephemeral Container"
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle.postStart", "lifecycle.preStop")
REFUSED_BY_THE_API: Mapping[str, Mapping[str, str]] = {
    "init": dict.fromkeys(_PROBES, _SET),
    "sidecar": {},
    "ephemeral": {
        **dict.fromkeys((*_PROBES, "ports[*].hostPort", "resources"), _EPHEMERAL),
        "container": "restartPolicyRules",
        "volumeMounts": _EPHEMERAL,
        "volumeDevices": "volumeDevices[0].name: Not found",
    },
}


def api_words(kind: str, case: Case) -> str:
    """With which the API server itself refuses a case in this kind of container; '' where the rule does."""
    field = case.rule.split("/", 2)[2]
    return REFUSED_BY_THE_API[kind].get(re.sub(r"\.(\*\.host|terminationGracePeriodSeconds)$", "", field), "")


def split(pod: Object) -> tuple[Object, Object]:
    """The container that a case is about, and the rest of the pod."""
    rest = copy.deepcopy(pod)
    container: Object = rest["spec"]["containers"].pop(0)
    return {**container, "name": "moved"}, rest


def check(refused: str, case: Case, words: str) -> None:
    """The refusal is by the case's rule, about the container that was moved, or by the API server in its own words."""
    if words:
        assert words in refused and "ValidatingAdmissionPolicy" not in refused, refused
        return
    rule = RULES[case.rule]
    wanted = f'[{rule.id}] container moved, field {rule.field}: "{case.shown}" is not allowed; allowed: {rule.allowed}'
    assert "ValidatingAdmissionPolicy 'buildkeep-pods" in refused and wanted in refused, refused


def test_every_rule_about_containers_is_among_the_cases_or_tried_elsewhere() -> None:
    wanted = {key for key, rule in RULES.items() if rule.scope in ("container", "other")}
    # A privileged container may raise its privileges, and the builder's image is tried as a builder: test_bypasses.py.
    elsewhere = {"container/container/securityContext.privileged", "builder/other/image"}
    assert {case.rule for case in CONTAINER_CASES} | elsewhere == wanted


@pytest.mark.parametrize("kind", ["init", "sidecar"])
@pytest.mark.parametrize("case", CONTAINER_CASES, ids=lambda case: case.rule.replace("/", " "))
def test_init_containers_and_sidecars(admin: Api, shop: str, case: Case, kind: str) -> None:
    policy = {"restartPolicy": "Always"} if kind == "sidecar" else {}
    words = api_words(kind, case)
    answers = []
    for made in case.pods():
        container, rest = split(made)
        answers.append(admin.pod(shop, pods.put(rest, "spec/initContainers", [{**container, **policy}])))
    check(answers[0].message, case, words)
    if not words:
        assert answers[1].ok, answers[1].message


@pytest.fixture(scope="module")
def debugged(admin: Api, shop: str) -> str:
    """Where ephemeral containers of a running pod are changed."""
    agent = pods.put(pods.dynamic_agent(), "metadata/name", "debugged")
    # What the cases of user namespaces ask of the pod cannot be added later.
    admin.pod(shop, pods.put(agent, "spec/hostUsers", False), dry=False).done()
    return f"/api/v1/namespaces/{shop}/pods/debugged/ephemeralcontainers?dryRun=All"


@pytest.mark.parametrize("case", CONTAINER_CASES, ids=lambda case: case.rule.replace("/", " "))
def test_ephemeral_containers(admin: Api, debugged: str, case: Case) -> None:
    words = api_words("ephemeral", case)
    container, _ = split(case.pods()[0])
    answer = admin.request("PATCH", debugged, {"spec": {"ephemeralContainers": [container]}}, STRATEGIC)
    check(answer.message, case, words)
    if not words:
        assert '[pod] field spec.ephemeralContainers: "moved" is not allowed; allowed: none' in answer.message


def test_an_image_cannot_be_changed_later(admin: Api, shop: str) -> None:
    agent = pods.put(pods.dynamic_agent(), "metadata/name", "patched")
    agent["spec"]["initContainers"] = [pods.tool("early")]
    admin.pod(shop, agent, dry=False).done()
    path = f"/api/v1/namespaces/{shop}/pods/patched"
    for field, name in (("containers", "tool"), ("initContainers", "early")):
        answers = []
        for image in ("docker.io/library/nginx:1", f"{pods.BASE}/other:2"):
            change = {"spec": {field: [{"name": name, "image": image}]}}
            answers.append(
                admin.request("PATCH", f"{path}?dryRun=All", change, "application/strategic-merge-patch+json")
            )
        assert f'[images] container {name}, field image: "docker.io/library/nginx:1"' in answers[0].message
        assert "buildkeep-pods" in answers[0].message and answers[1].ok, answers[1].message

"""Rules about containers hold for every kind of container, by CREATE and by UPDATE."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import rules

from tests.api import pods
from tests.api.api import Api, Object
from tests.api.case import TOOL, Case
from tests.api.cases import CASES

RULES = {rule.key: rule for rule in rules.load() if rule.scope}
CONTAINER_CASES = [
    case
    for case in CASES
    if RULES[case.rule].scope in ("container", "other") and case.path.startswith(TOOL) and case.base == "dynamic"
]
# The API itself refuses these there, before any policy is asked (core/validation).
REFUSED_BY_THE_API = {
    "init": {"livenessProbe", "readinessProbe", "startupProbe", "lifecycle.postStart", "lifecycle.preStop"},
    "sidecar": {"container"},
    "ephemeral": {
        *("livenessProbe", "readinessProbe", "startupProbe", "lifecycle.postStart", "lifecycle.preStop"),
        *("ports[*].hostPort", "container", "volumeMounts", "resources"),
    },
}


def cases_for(kind: str) -> list[Case]:
    """The cases that this kind of container can be tried with."""
    impossible = REFUSED_BY_THE_API.get(kind, set())
    return [case for case in CONTAINER_CASES if case.rule.split("/", 2)[2].removesuffix(".*.host") not in impossible]


def split(pod: Object) -> tuple[Object, Object]:
    """The container that a case is about, and the rest of the pod."""
    rest = copy.deepcopy(pod)
    container: Object = rest["spec"]["containers"].pop(0)
    return {**container, "name": "moved"}, rest


def check(refused: str, case: Case) -> None:
    """The refusal is by the case's rule, about the container that was moved."""
    rule = RULES[case.rule]
    wanted = f'[{rule.id}] container moved, field {rule.field}: "{case.shown}" is not allowed; allowed: {rule.allowed}'
    assert "ValidatingAdmissionPolicy 'buildkeep-pods'" in refused and wanted in refused, refused


@pytest.mark.parametrize("sidecar", [False, True], ids=["init", "sidecar"])
def test_init_containers_and_sidecars(admin: Api, shop: str, sidecar: bool) -> None:
    policy = {"restartPolicy": "Always"} if sidecar else {}
    for case in cases_for("sidecar" if sidecar else "init"):
        answers = []
        for made in case.pods():
            container, rest = split(made)
            answers.append(admin.pod(shop, pods.put(rest, "spec/initContainers", [{**container, **policy}])))
        check(answers[0].message, case)
        assert answers[1].ok, (case.rule, answers[1].message)


def test_ephemeral_containers(admin: Api, shop: str) -> None:
    agent = pods.put(pods.dynamic_agent(), "metadata/name", "debugged")
    # What the cases of several volumes and user namespaces ask of the pod cannot be added later.
    agent = pods.put(agent, "spec/hostUsers", False)
    admin.pod(shop, agent, dry=False).done()
    path = f"/api/v1/namespaces/{shop}/pods/debugged/ephemeralcontainers"
    seen = set()
    for case in cases_for("ephemeral"):
        container, _ = split(case.pods()[0])
        container.pop("resources", None)
        change = {"spec": {"ephemeralContainers": [container]}}
        answer = admin.request("PATCH", f"{path}?dryRun=All", change, "application/strategic-merge-patch+json")
        check(answer.message, case)
        assert '[pod] field spec.ephemeralContainers: "moved" is not allowed; allowed: none' in answer.message
        seen.add(case.rule)
    assert len(seen) >= 14, seen


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

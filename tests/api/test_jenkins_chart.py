"""The Jenkins chart with our values: a chart of our own always, the real one with JENKINS_CHART=path of its folder."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import connect
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_dry_run import admitted, pod
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_helm import Helm
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_judging import judge, pods
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_known import unknown
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_objects import jenkins_objects
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_plugin import values
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings

from testbed.tools import tool
from tests.api.api import Api
from tests.api.jenkins_chart import BREAKS, FIXTURE, REAL, WAYS, refusals, rendered, settings_of

NAMES = FIXTURE.parent / "jenkins-values.txt"
RESTRICTED = "jenkins-restricted"


@pytest.fixture(params=["fixture", "real"])
def chart(request: pytest.FixtureRequest) -> str:
    """The folder of a chart."""
    if request.param == "fixture":
        return str(FIXTURE)
    if not REAL:
        pytest.skip(f"{request.node.name} did not run: JENKINS_CHART names no folder of the upstream chart")
    return REAL


@pytest.fixture(scope="module")
def restricted(admin: Api) -> Iterator[str]:
    """A namespace with the labels that the role gives the controller's."""
    labels = jenkins_objects(JenkinsSettings())["labels"]
    admin.create("/api/v1/namespaces", {"metadata": {"name": RESTRICTED, "labels": labels}}).done()
    admin.create(f"/api/v1/namespaces/{RESTRICTED}/serviceaccounts", {"metadata": {"name": "default"}}).done()
    yield RESTRICTED
    admin.request("DELETE", f"/api/v1/namespaces/{RESTRICTED}").done()


def test_what_is_rendered_keeps_every_promise(chart: str, admin: Api, restricted: str) -> None:
    """Judged by us, and each pod by the API server; twice the same to the last byte, and no rights at all."""
    for way, given in WAYS.items():
        settings = settings_of(chart, **{"namespace": restricted, **given})
        objects = rendered(settings)
        assert judge(objects, settings) == [], way
        assert len(list(pods(objects))) == 1
        for item, template in pods(objects):
            answer = admin.pod(restricted, pod(item, template, restricted))
            assert answer.ok and answer.warnings == (), (way, answer)
        kinds = {one["kind"] for one in objects}
        assert not {"Role", "RoleBinding", "Secret"} & kinds and "PodDisruptionBudget" in kinds
        assert json.dumps(objects) == json.dumps(rendered(settings)), way


def test_every_value_is_one_that_the_chart_has(chart: str) -> None:
    """In every way; and a misspelt one of the user is told with the right one."""
    helm = Helm(str(tool("helm")), settings_of(chart))
    with helm.chart():
        listed = helm.listed()
        for way in WAYS.values():
            assert list(unknown(values(settings_of(chart, **way)), listed)) == []
        told = dict(unknown({"controller": {"testEnable": True}, "persistance": {}}, listed))
    assert told == {
        "controller.testEnable": ' (did you mean "testEnabled"?)',
        "persistance": ' (did you mean "persistence"?)',
    }


def test_the_names_of_values_are_the_charts(chart: str) -> None:
    """Those of the fixture are among the upstream's, and the list of the upstream's is complete."""
    helm = Helm(str(tool("helm")), settings_of(chart))
    with helm.chart():
        found = set(names(yaml.safe_load(helm.listed())))
    known = {line for line in NAMES.read_text(encoding="utf-8").splitlines() if not line.startswith("#")}
    unlisted = {"controller.sidecars.configAutoReload.searchNamespace"}
    free = ("controller.resources", "controller.containerSecurityContext", "controller.sidecars.configAutoReload.")
    assert {name for name in found - known - unlisted if not name.startswith(free)} == set()
    assert chart == str(FIXTURE) or known == found


def names(content: dict[str, object], path: str = "") -> Iterator[str]:
    """The dotted names of all values."""
    for key, value in content.items():
        yield f"{path}{key}"
        if isinstance(value, dict):
            yield from names(value, f"{path}{key}.")


def test_each_value_that_undoes_the_hardening_is_refused_by_name(chart: str) -> None:
    """One problem at least names the value and says why."""
    found = list(refusals(chart))
    assert len(found) == len(BREAKS)
    for value, words, told in found:
        assert [text for text in told if words in text and value in text.partition(": ")[0]], (value, words, told)


def test_a_pod_that_the_namespace_refuses_is_told_before_anything_is_installed(admin: Api, restricted: str) -> None:
    settings = settings_of(str(FIXTURE), namespace=restricted)
    objects = rendered(settings)
    admitted(connect(admin.kubeconfig), settings, objects)
    next(template for _, template in pods(objects))["spec"]["hostNetwork"] = True
    with pytest.raises(BuildkeepError, match=r"refuses the pod of StatefulSet jenkins: .*hostNetwork"):
        admitted(connect(admin.kubeconfig), settings, objects)


def test_another_version_than_the_pinned_one_is_refused() -> None:
    helm = Helm(str(tool("helm")), JenkinsSettings(chart=str(FIXTURE), version="5.0.0"))
    with pytest.raises(BuildkeepError, match=r"is version 5\.9\.53, and 5\.0\.0 is wanted"), helm.chart():
        pass

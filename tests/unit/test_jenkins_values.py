"""The values that the Jenkins chart gets: names that it has, ours and the user's together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_known import unknown
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_values import (
    NO_TCP,
    OPTIONAL,
    PLUGINS,
    chart_values,
    merged,
    unpinned,
)

from tests.contract.repository import ROOT

NAMES = ROOT / "tests" / "fixtures" / "jenkins-values.txt"
HOST = {"host": "jenkins.example.com"}
# Where a value is written that the chart's values.yaml leaves out, or that goes into an object as it stands.
FREE = ("resources.", "containerSecurityContext.", "podSecurityContextOverride.", "annotations.", "configScripts.")
UNLISTED = "controller.sidecars.configAutoReload.searchNamespace"


def names(values: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The dotted names of all values."""
    for key, value in values.items():
        yield f"{path}{key}"
        if isinstance(value, Mapping):
            yield from names(value, f"{path}{key}.")


@pytest.mark.parametrize(
    "settings",
    [
        JenkinsSettings(),
        JenkinsSettings(agent_port=50000, ingress={**HOST, "tlsSecret": "tls"}),
        JenkinsSettings(route={**HOST, "gateway": "a", "listener": "https"}, image="r.example/jenkins:1"),
    ],
)
def test_every_value_is_one_that_the_chart_has(settings: JenkinsSettings) -> None:
    known = set(NAMES.read_text(encoding="utf-8").splitlines())
    found = set(names(chart_values(settings, {"buildkeep-base": "a"}, [{"name": "a", "keyName": "b"}])))
    assert len(found) > 60
    assert {name for name in found - known - {UNLISTED} if not any(part in name for part in FREE)} == set()


def test_an_image_that_holds_the_plugins_is_taken_apart() -> None:
    digest = f"sha256:{64 * '0'}"
    given = chart_values(JenkinsSettings(image=f"r.example:5000/ci/jenkins:1@{digest}"), {})["controller"]
    assert given["image"] == {
        "registry": "r.example:5000",
        "repository": "ci/jenkins",
        "tag": f"1@{digest}",
        "pullPolicy": "IfNotPresent",
    }
    assert given["installPlugins"] is False


def test_plugins_are_pinned_and_the_users_versions_win() -> None:
    settings = JenkinsSettings(plugins={"git": "6.0", "mailer": "1.2"})
    listed = chart_values(settings, {}, required=["github-branch-source", "git"])["controller"]["installPlugins"]
    found = dict(entry.split(":") for entry in listed)
    wanted = {"github-branch-source": OPTIONAL["github-branch-source"], "git": "6.0", "mailer": "1.2"}
    assert found == {**PLUGINS, **wanted}
    given = chart_values(settings, {})["controller"]
    latest = (given["installLatestPlugins"], given["installLatestSpecifiedPlugins"], given["overwritePlugins"])
    assert latest == (False, False, True)
    assert unpinned(settings, ["git", "gitlab-branch-source"])[0].startswith(
        "buildkeep_jenkins.plugins: gitlab-branch-source is needed"
    )
    assert unpinned(JenkinsSettings(image="r.example/jenkins:1"), ["gitlab-branch-source"]) == []


def test_maps_are_merged_lists_are_replaced_and_what_we_need_stays_in_front() -> None:
    theirs = {
        "controller": {
            "javaOpts": "-Xmx3g",
            "installPlugins": ["a:1"],
            "containerEnv": [{"name": "TZ", "value": "UTC"}],
            "resources": {"limits": {"memory": "8Gi"}},
            "testEnabled": None,
        }
    }
    values = chart_values(JenkinsSettings(values=theirs), {})["controller"]
    assert values["javaOpts"] == f"{NO_TCP} -Xmx3g"
    assert values["installPlugins"] == ["a:1"]
    assert [one["name"] for one in values["containerEnv"]][-1] == "TZ" and len(values["containerEnv"]) > 1
    assert values["resources"]["limits"] == {"cpu": "2", "memory": "8Gi"}
    assert values["testEnabled"] is None
    ours = {"a": {"b": [1]}}
    assert merged(ours, {"a": {"b": [2]}}) == {"a": {"b": [2]}} and ours == {"a": {"b": [1]}}


def test_a_misspelt_value_is_told_with_the_right_one() -> None:
    listed = "controller: {testEnabled: true, podLabels: {}, resources: {limits: {cpu: 1}}, image: {tag: a}}\n"
    good = {
        "global": {"any": 1},
        "controller": {
            "podLabels": {"any": "a"},
            "resources": {"limits": {"ephemeral-storage": "1Gi"}},
            "clusterIP": "None",
        },
    }
    assert list(unknown(good, listed)) == []
    bad = {"controler": {}, "controller": {"image": {"tags": "b"}, "testenabled": False}}
    assert dict(unknown(bad, listed)) == {
        "controler": ' (did you mean "controller"?)',
        "controller.image.tags": ' (did you mean "tag"?)',
        "controller.testenabled": ' (did you mean "testEnabled"?)',
    }

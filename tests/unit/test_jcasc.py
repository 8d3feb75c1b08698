"""Jenkins clouds from the files of Configuration as Code."""

from __future__ import annotations

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.jcasc import load_clouds


def file(name: str, more: str = "") -> str:
    """A file with one cloud."""
    cloud = f"{{name: {name}, namespace: ci-{name}, jenkinsUrl: 'http://j/'{more}}}"
    return f"jenkins: {{clouds: [{{kubernetes: {cloud}}}]}}"


def test_files_are_read_in_the_order_of_their_names_and_their_lists_appended() -> None:
    found = load_clouds({"b.yaml": file("one"), "a.yaml": file("two")})
    assert [(where, cloud["name"]) for where, cloud in found] == [
        ("a.yaml: jenkins.clouds[0].kubernetes", "two"),
        ("b.yaml: jenkins.clouds[0].kubernetes", "one"),
    ]


def test_what_a_file_leaves_out_is_the_plugins_default() -> None:
    ((_, cloud),) = load_clouds({"a.yaml": file("a")})
    assert cloud["podLabels"] == {"jenkins": "slave"}
    assert cloud["restrictedPssSecurityContext"] is False
    assert cloud["jenkinsUrl"] == "http://j/"


def test_a_caret_keeps_text_that_looks_like_a_secret() -> None:
    ((_, cloud),) = load_clouds({"a.yaml": file("a", ", jnlpregistry: '^${X}'")})
    assert cloud["jnlpregistry"] == "${X}"


def test_an_unknown_attribute_is_refused_at_every_depth() -> None:
    template = "{name: t, containers: [{name: c, image: i, livenessProbe: {execArg: x}}], volumes: [{secretVolum: {}}]}"
    with pytest.raises(BuildkeepError) as caught:
        load_clouds({"a.yaml": file("a", f", websocket: true, templates: [{template}]")})
    place = "a.yaml: jenkins.clouds[0].kubernetes"
    assert [problem.partition(". ")[0] for problem in caught.value.problems] == [
        f'{place}.templates[0].volumes[0].secretVolum: unknown key (did you mean "secretVolume"?)',
        f'{place}.templates[0].containers[0].livenessProbe.execArg: unknown key (did you mean "execArgs"?)',
        f'{place}.websocket: unknown key (did you mean "webSocket"?)',
    ]


def test_no_labels_are_the_plugins_own_and_a_number_is_a_text() -> None:
    ((_, cloud),) = load_clouds({"a.yaml": file("a", ", podLabels: [], containerCap: 3")})
    assert cloud["podLabels"] == {"jenkins": "slave"}
    assert cloud["containerCapStr"] == "3"


def test_all_problems_of_all_files_are_told_at_once() -> None:
    files = {
        "a.yaml": file("shop"),
        "b.yaml": file("shop", ", skipTlsVerify: true"),
        "c.yaml": file("c", ", jnlpregistry: '${TOKEN}'"),
        "d.yaml": "jenkins: [",
        "e.yaml": "unclassified: {}",
        "f.yaml": "jenkins: {numExecutors: 2, clouds: [{kubernetes: {name: f}}]}",
    }
    with pytest.raises(BuildkeepError) as caught:
        load_clouds(files)
    beginnings = [
        "c.yaml: ${TOKEN} would become a secret of the controller; write ^ before it to keep it",
        "d.yaml: no list of Kubernetes clouds under jenkins.clouds (",
        "e.yaml: no list of Kubernetes clouds under jenkins.clouds (KeyError('jenkins'))",
        "f.yaml: jenkins.numExecutors: not supported; supported: jenkins.clouds",
        "b.yaml: jenkins.clouds[0].kubernetes.skipTlsVerify: true is not one of: false",
        "b.yaml: jenkins.clouds[0].kubernetes.name: shop is the name of a.yaml: jenkins.clouds[0].kubernetes too",
        "f.yaml: jenkins.clouds[0].kubernetes.namespace: missing",
        "f.yaml: jenkins.clouds[0].kubernetes.jenkinsUrl: missing",
    ]
    assert len(caught.value.problems) == len(beginnings)
    for problem, beginning in zip(caught.value.problems, beginnings, strict=True):
        assert problem.startswith(beginning)

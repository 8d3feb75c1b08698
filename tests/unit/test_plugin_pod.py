"""The pods that the Kubernetes plugin makes of a small cloud, from its JCasC on."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod import (
    AgentInfo,
    Cloud,
    clouds,
    dynamic_pod,
    pod_request,
    static_pod,
    template_for_label,
)

JSON = dict[str, Any]
CLOUD = """
jenkins:
  clouds:
    - kubernetes:
        name: shop
        namespace: ci-shop
        jenkinsUrl: http://jenkins:8080
        jnlpregistry: docker.io
        podLabels: [{key: team, value: shop}]
        templates:
          - {name: bare, label: bare}
          - {name: elsewhere, label: "one two", namespace: ci-other, yaml: "metadata: {labels: {team: other, own: 1}}"}
          - name: tools
            yamlMergeStrategy: merge
            yaml: |
              spec:
                runtimeClassName: gvisor
                containers: [{name: tool, image: a, workingDir: /w, volumeMounts: [{name: x, mountPath: /w}]}]
"""
AGENT = AgentInfo("bare-1", "s3cr3t", 42)
REQUEST = {"label": "shop_1-x", "run_url": "job/shop/1/"}


def cloud(text: str = CLOUD, **attributes: Any) -> Cloud:
    """The cloud, with some attributes replaced."""
    (found,) = clouds([{"data": {"a.yaml": text}}]).values()
    return Cloud(found.name, {**found.attributes, **attributes}, found.templates)


def of_jenkinsfile(where: Cloud, **attributes: Any) -> JSON:
    """The pod for `agent { kubernetes { … } }`."""
    return dynamic_pod(where, pod_request(attributes, **REQUEST), AGENT)


def test_a_bare_template_becomes_an_agent() -> None:
    environment = {
        "JENKINS_SECRET": "s3cr3t",
        "JENKINS_AGENT_NAME": "bare-1",
        "REMOTING_OPTS": "-noReconnectAfter 1d",
        "JENKINS_NAME": "bare-1",
        "JENKINS_AGENT_WORKDIR": "/home/jenkins/agent",
        "JENKINS_URL": "http://jenkins:8080/",
    }
    assert static_pod(cloud(), "bare", AGENT) == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "bare-1",
            "namespace": "ci-shop",
            "labels": {
                "team": "shop",
                "jenkins/label": "bare",
                "jenkins/label-digest": "b9e2c5c9b81ab1605f269dab3ed81a8dd42016cb",
                "kubernetes.jenkins.io/controller": "http___jenkins_8080x",
            },
            "annotations": {"kubernetes.jenkins.io/last-refresh": "42"},
        },
        "spec": {
            "restartPolicy": "Never",
            "nodeSelector": {"kubernetes.io/os": "linux"},
            "volumes": [{"name": "workspace-volume", "emptyDir": {"medium": ""}}],
            "containers": [
                {
                    "name": "jnlp",
                    "image": "docker.io/jenkins/inbound-agent:3355.v388858a_47b_33-3-jdk21",
                    "env": [{"name": key, "value": value} for key, value in environment.items()],
                    "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}},
                    "volumeMounts": [
                        {"name": "workspace-volume", "mountPath": "/home/jenkins/agent", "readOnly": False}
                    ],
                }
            ],
        },
    }


def test_the_clouds_labels_win_over_yaml() -> None:
    labels = static_pod(cloud(), "elsewhere", AGENT)["metadata"]["labels"]
    assert (labels["team"], labels["own"]) == ("shop", "1")
    own = {"team": "other", "jenkins/label": "mine", "kubernetes.jenkins.io/controller": "me"}
    found = of_jenkinsfile(cloud(), yaml=f"metadata: {{labels: {own}}}")["metadata"]["labels"]
    assert (found["team"], found["jenkins/label"]) == ("shop", "shop_1-x")
    assert found["kubernetes.jenkins.io/controller"] == "http___jenkins_8080x"


# (what a Jenkinsfile says, the namespace of its pod)
NAMESPACES: list[tuple[JSON, str]] = [
    ({}, "ci-shop"),
    ({"namespace": "ci-blog"}, "ci-blog"),
    ({"inheritFrom": "elsewhere"}, "ci-shop"),
    ({"yaml": "metadata: {namespace: ci-blog}"}, "ci-blog"),
    ({"yaml": "metadata: {namespace: ci-blog}", "namespace": "kube-system"}, "ci-blog"),
]


@pytest.mark.parametrize(("attributes", "namespace"), NAMESPACES)
def test_the_namespace_of_a_jenkinsfiles_pod(attributes: JSON, namespace: str) -> None:
    assert of_jenkinsfile(cloud(), **attributes)["metadata"]["namespace"] == namespace


def test_a_template_picked_by_label_keeps_its_namespace() -> None:
    assert static_pod(cloud(), "elsewhere", AGENT)["metadata"]["namespace"] == "ci-other"


def test_only_a_jenkinsfiles_pod_names_its_build() -> None:
    assert set(static_pod(cloud(), "bare", AGENT)["metadata"]["annotations"]) == {"kubernetes.jenkins.io/last-refresh"}
    annotations = of_jenkinsfile(cloud(), yaml="metadata: {annotations: {runUrl: mine}}")["metadata"]["annotations"]
    assert annotations["runUrl"] == "job/shop/1/"
    assert annotations["buildUrl"] == "http://jenkins:8080/job/shop/1/"


def test_override_drops_the_yaml_of_the_parents_and_merge_keeps_it() -> None:
    child = {"inheritFrom": "tools", "yaml": "spec: {containers: [{name: mine, image: b}]}"}
    assert [one["name"] for one in of_jenkinsfile(cloud(), **child)["spec"]["containers"]] == ["mine", "jnlp"]
    merged = of_jenkinsfile(cloud(), **child, yamlMergeStrategy="merge")["spec"]["containers"]
    assert [one["name"] for one in merged] == ["tool", "mine", "jnlp"]


def test_fields_win_over_yaml() -> None:
    pod = of_jenkinsfile(
        cloud(),
        yaml="spec: {serviceAccountName: yaml, activeDeadlineSeconds: 1, containers: [{name: jnlp, image: yaml}]}",
        serviceAccount="field",
        activeDeadlineSeconds=2,
        containers=[{"name": "jnlp", "image": "field", "runAsUser": "7", "resourceLimitCpu": "1", "args": "a 'b c'"}],
    )
    assert (pod["spec"]["serviceAccountName"], pod["spec"]["activeDeadlineSeconds"]) == ("field", 2)
    (agent,) = pod["spec"]["containers"]
    assert (agent["image"], agent["args"], agent["resources"]) == ("field", ["a", "b c"], {"limits": {"cpu": "1"}})
    assert agent["securityContext"] == {"privileged": False, "runAsUser": 7}


def test_a_container_has_the_workspace_unless_something_else_is_there() -> None:
    tool, agent = static_pod(cloud(), "tools", AGENT)["spec"]["containers"]
    assert tool["volumeMounts"] == [{"name": "x", "mountPath": "/w"}]
    assert [one["mountPath"] for one in agent["volumeMounts"]] == ["/home/jenkins/agent"]


def test_the_agents_folder_is_that_of_all() -> None:
    yaml = "spec: {containers: [{name: jnlp, workingDir: /agent}, {name: tool, image: a}]}"
    containers = of_jenkinsfile(cloud(), yaml=yaml)["spec"]["containers"]
    assert [one["workingDir"] for one in containers] == ["/agent", "/agent"]
    assert {"name": "JENKINS_AGENT_WORKDIR", "value": "/agent"} in containers[0]["env"]


def test_an_agents_own_variables_win() -> None:
    yaml = "spec: {containers: [{name: jnlp, env: [{name: JENKINS_URL, value: mine}], resources: {}}]}"
    (agent,) = of_jenkinsfile(cloud(), yaml=yaml)["spec"]["containers"]
    assert [one["value"] for one in agent["env"] if one["name"] == "JENKINS_URL"] == ["mine"]
    assert agent["resources"] == {}


# (a pod's spec, whether the plugin adds its node selector)
PLACED = [("{}", True), ("{runtimeClassName: a}", False), ("{nodeSelector: {a: b}}", False),
          ("{affinity: {nodeAffinity: {}}}", False), ("{affinity: {podAffinity: {}}}", True)]  # fmt: skip


@pytest.mark.parametrize(("spec", "added"), PLACED)
def test_linux_nodes_are_the_default(spec: str, added: bool) -> None:
    selector = of_jenkinsfile(cloud(), yaml=f"spec: {spec}")["spec"].get("nodeSelector", {})
    assert ("kubernetes.io/os" in selector) is added


def test_the_restricted_context_fills_only_what_is_open() -> None:
    yaml = """
    spec:
      initContainers: [{name: i, image: a}]
      containers: [{name: c, image: a, securityContext: {privileged: true, runAsNonRoot: false, capabilities: {}}}]
    """
    pod = of_jenkinsfile(cloud(restrictedPssSecurityContext=True), yaml=yaml)["spec"]
    filled = {
        "allowPrivilegeEscalation": False,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["initContainers"][0]["securityContext"] == filled
    assert pod["containers"][0]["securityContext"] == {
        **filled,
        "privileged": True,
        "runAsNonRoot": False,
        "capabilities": {},
    }
    assert "securityContext" not in of_jenkinsfile(cloud(), yaml=yaml)["spec"]["initContainers"][0]


def test_numbers_and_booleans_become_text_where_only_text_can_stand() -> None:
    yaml = "spec: {nodeSelector: {a: true}, containers: [{name: c, image: a, args: [1], env: [{name: X, value: 0.5}]}]}"
    spec = of_jenkinsfile(cloud(), yaml=yaml)["spec"]
    assert (spec["nodeSelector"], spec["containers"][0]["args"]) == ({"a": "true"}, ["1"])
    assert spec["containers"][0]["env"] == [{"name": "X", "value": "0.5"}]


def test_a_template_is_found_by_one_of_its_labels() -> None:
    assert template_for_label(cloud(), "two") == "elsewhere"
    assert template_for_label(cloud(), "one two") is None


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"nodeProperties": []}, "podTemplate: nodeProperties is not supported; supported: activeDeadlineSeconds"),
        ({"yaml": "a: ["}, "yaml of a pod template: while parsing"),
        ({"yaml": "- a"}, "yaml of a pod template: no Pod; write a mapping with metadata and spec"),
        ({"yaml": "spec: []\n---\n"}, "yaml of a pod template: spec: cannot stand there; write a mapping"),
        (
            {"workspaceVolume": {"emptyDir": {}}},
            "podTemplate.workspaceVolume: 'emptyDir' is not supported; supported: dyn",
        ),
    ],
)
def test_what_cannot_become_a_pod_is_said(attributes: JSON, message: str) -> None:
    with pytest.raises(BuildkeepError) as caught:
        of_jenkinsfile(cloud(), **attributes)
    assert message in str(caught.value)


def test_an_unknown_template_is_told_with_those_that_exist() -> None:
    with pytest.raises(BuildkeepError, match="cloud shop has no template x; it has: bare, elsewhere, tools"):
        static_pod(cloud(), "x", AGENT)

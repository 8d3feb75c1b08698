"""Which cloud and template a job gets, and what a pod's status means."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import plugin_pod
from kubernetes.client.exceptions import ApiException

from testbed.controller import kube, pods, remotecommand
from testbed.controller.build import Build
from testbed.controller.declarative import read_jenkinsfile
from testbed.controller.failures import BuildError
from testbed.controller.folders import read_folders
from testbed.controller.model import Pipeline, PodTemplateAgent
from testbed.controller.selection import Choice, choose
from tests.unit.controller_world import jcasc, tar

INFO = plugin_pod.AgentInfo("agent-1", "secret", 0)
CLOUDS = [jcasc(name, "http://j:8080", Path("/home/jenkins/agent")) for name in ("blog", "shop")]


def choice(
    agent: str,
    folder: str = "shop",
    env: dict[str, str] | None = None,
    files: dict[str, str] | None = None,
    more: Sequence[dict[str, Any]] = (),
) -> Choice:
    """What an agent directive gives for a job of a folder."""
    pipeline = read_jenkinsfile(f"pipeline {{ {agent}\nstages {{ stage('s') {{ steps {{ }} }} }} }}")
    assert isinstance(pipeline, Pipeline)
    return choose(
        read_folders([*CLOUDS, *more]), Build(folder, "hello", 3, tar(files or {})), pipeline.agent, env or {}
    )


def test_label() -> None:
    """A template's label gives its pod, in its cloud's namespace, with the cloud's label."""
    found = choice('agent { label "${env.T}" }', env={"T": "shop-kaniko"})
    pod = found.plan(INFO).pod
    assert (found.cloud.name, pod["metadata"]["namespace"]) == ("shop", "ci-shop")
    assert pod["metadata"]["labels"]["buildkeep.dev/tenant"] == "shop"
    assert found.agent_name.startswith("shop-kaniko-")
    assert "runUrl" not in pod["metadata"]["annotations"]


def test_kubernetes() -> None:
    """The Jenkinsfile's yaml or yamlFile is merged by the plugin's rules; cloud and defaultContainer are ours."""
    options = "cloud 'shop'; inheritFrom 'shop-kaniko'; yamlFile './p/x.yaml'; defaultContainer 'k'"
    files = {"p/x.yaml": "spec: {containers: [{name: extra, image: e}]}"}
    found = choice(f"agent {{ kubernetes {{ {options} }} }}", files=files)
    pod = found.plan(INFO).pod
    assert {each["name"] for each in pod["spec"]["containers"]} == {"extra", "jnlp", "kaniko"}
    assert found.default_container == "k"
    assert pod["metadata"]["annotations"]["runUrl"] == "job/shop/job/hello/3/"
    assert found.agent_name.startswith("shop-hello-3-")


def nested(*templates: dict[str, Any], label: str = "inner", folder: str = "shop") -> Choice:
    """What `node(label)` inside these podTemplate blocks gives."""
    agent = PodTemplateAgent(1, label, tuple({"label": "x", "name": "x", "cloud": "shop", **one} for one in templates))
    return choose(read_folders(CLOUDS), Build(folder, "hello", 3, tar({})), agent, {})


def test_pod_template() -> None:
    """The innermost block, with what those around it have; its own cloud is asked for each of them."""
    outer = {"label": "outer", "yaml": "spec: {containers: [{name: extra, image: e}]}"}
    found = nested(outer, {"label": "inner", "name": "inner", "supplementalGroups": "1"})
    pod = found.plan(INFO).pod
    assert {each["name"] for each in pod["spec"]["containers"]} == {"extra", "jnlp"}
    assert (found.dynamic, pod["metadata"]["annotations"]["runUrl"]) == (True, "job/shop/job/hello/3/")
    assert found.agent_name.startswith("inner-")
    assert [note for note in found.notes if "supplementalGroups has no effect" in note]
    with pytest.raises(BuildError, match="Not authorized to use Kubernetes cloud: blog"):
        nested({"cloud": "blog"}, {"label": "inner"})


def test_a_configured_template_goes_before_a_pod_template() -> None:
    found = nested({"label": "shop-kaniko"}, label="shop-kaniko")
    assert (found.dynamic, found.template) == (False, "shop-kaniko")


def test_caps() -> None:
    """The cloud's, and the template's where it has one."""
    assert choice("agent { label 'shop-kaniko' }").caps == {"shop": 2}
    limited = nested({"label": "inner", "name": "inner", "instanceCap": 3})
    assert limited.caps == {"shop": 2, ("shop", "inner"): 3}


@pytest.mark.parametrize(
    ("agent", "folder", "words"),
    [
        ("agent { kubernetes { } }", "shop", "Not authorized to use Kubernetes cloud: null"),
        ("agent { kubernetes { cloud 'shop' } }", "blog", "Not authorized to use Kubernetes cloud: shop"),
        ("agent { kubernetes { cloud 'nope' } }", "shop", "Cloud does not exist: nope"),
        (
            "agent { label 'shop-kaniko' }",
            "blog",
            "Kubernetes cloud shop is not allowed for folder containing job b",
        ),
        ("agent { label 'nope' }", "shop", "There are no nodes with the label 'nope'; folder shop has: shop-kaniko"),
        ("agent any", "shop", "agent any: no template takes jobs without a label"),
        ("agent { kubernetes { cloud 'shop'; yamlFile 'no.yaml' } }", "shop", "yamlFile: there is no file no.yaml"),
    ],
)
def test_what_a_job_does_not_get(agent: str, folder: str, words: str) -> None:
    """Each is told in the plugin's words where it has any."""
    with pytest.raises(BuildError, match=words):
        choice(agent, folder)


def test_files_of_the_workspace() -> None:
    """By normal names, and only files that are in it."""
    build = Build("f", "n", 1, tar({"./a/b.txt": "text"}))
    assert build.file("a//b.txt") == "text"
    assert build.file("a") is None
    assert build.file("../a/b.txt") is None


def pod(**status: Any) -> dict[str, Any]:
    """A pod of two containers with this status."""
    return {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "jnlp"}, {"name": "k"}]}, "status": status}


def state(name: str, **how: Any) -> dict[str, Any]:
    """A container's status."""
    return {"name": name, "state": how}


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        (pod(), pods.Verdict()),
        (pod(phase="Running", containerStatuses=[state("jnlp", running={})]), pods.Verdict()),
        (pod(containerStatuses=[state("jnlp", running={"startedAt": "t"}), state("k", running={})]),
         pods.Verdict(running=True)),
        (pod(containerStatuses=[state("k", waiting={"reason": "ContainerCreating"})]), pods.Verdict()),
        (pod(containerStatuses=[state("k", waiting={"reason": "ErrImagePull"})]), pods.Verdict()),
        (pod(containerStatuses=[state("k", waiting={"reason": "ImagePullBackOff", "message": "m"})]), pods.Verdict()),
        (pod(containerStatuses=[state("k", waiting={"reason": "CreateContainerError", "message": "m"})]),
         pods.Verdict(problem="Container k cannot start: CreateContainerError: m")),
        (pod(containerStatuses=[state("k", terminated={"exitCode": 0})]),
         pods.Verdict(problem="Containers are terminated with exit codes: k: 0", ended=("k",))),
        (pod(initContainerStatuses=[state("i", terminated={"exitCode": 0})]), pods.Verdict()),
        (pod(initContainerStatuses=[state("i", terminated={"exitCode": 1})]),
         pods.Verdict(problem="Containers are terminated with exit codes: i: 1", ended=("i",))),
        (pod(phase="Failed", reason="Evicted", message="low on memory"),
         pods.Verdict(problem="Pod p is Failed: Evicted low on memory")),
    ],
)  # fmt: skip
def test_a_pods_status(given: dict[str, Any], verdict: pods.Verdict) -> None:
    """Running, waiting, or never."""
    assert pods.judge(given) == verdict


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (b'{"status":"Success"}', 0),
        (b'{"status":"Failure","details":{"causes":[{"reason":"ExitCode","message":"42"}]}}', 42),
    ],
)
def test_exit_codes_of_exec(status: bytes, code: int) -> None:
    """From the Status at the end."""
    assert remotecommand.exit_code(status) == code


def test_an_exec_without_exit_code() -> None:
    """A command that could not start, and a connection that broke, are no exit codes."""
    with pytest.raises(RuntimeError, match="no such file"):
        remotecommand.exit_code(b'{"status":"Failure","message":"exec: no such file"}')
    with pytest.raises(RuntimeError, match="ended before the command"):
        remotecommand.exit_code(b"")


def test_a_refused_exec_has_the_servers_words() -> None:
    """They are inside the text of the handshake's error."""
    body = '{"kind":"Status","message":"pods \\"p\\" is forbidden: denied request: [exec] no","reason":"Forbidden"}\n'
    error = ApiException(status=0, reason=f"Handshake status 403 Forbidden -+-+- {{'a': 'b'}} -+-+- {body}")
    assert kube.refused_handshake(error) == (403, 'pods "p" is forbidden: denied request: [exec] no', "Forbidden")
    assert kube.refused_handshake(ApiException(status=0, reason="no route")) == (0, "no route", "")


def test_paths_are_quoted() -> None:
    """A namespace out of a Jenkinsfile stays one part of the path."""
    assert kube.core("../x?dryRun=All", "pods") == "/api/v1/namespaces/..%2Fx%3FdryRun%3DAll/pods"

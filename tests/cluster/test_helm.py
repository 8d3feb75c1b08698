"""The chart as a release beside the playbook's tenants: installed, proven by its own test pod, taken away."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings

from testbed import paths
from testbed.tools import tool

HELMS = ("helm", "helm3")
CHART = paths.ROOT / "charts" / "agent-templates"
Done = subprocess.CompletedProcess[str]


def run(command: str, *words: str, given: str = "") -> Done:
    """A command against the cluster."""
    line = [str(tool(command)), "--kubeconfig", str(paths.kubeconfig()), *words]
    return subprocess.run(line, input=given, capture_output=True, text=True, timeout=240, check=False)


def life(helm: str) -> Mapping[str, Done]:
    """A release in a tenant's namespace, labelled as the playbook would: the walls hold for the release as well.

    Returns:
        What each command answered. None follows one that failed, but those that take everything away.
    """
    (tenant,) = read_settings({"tenants": [{"name": f"by-{helm}"}]}).tenants
    metadata = {"name": tenant.namespace, "labels": dict(tenant.labels), "annotations": dict(tenant.annotations)}
    namespace = json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    release, pod = ("--namespace", "jenkins"), ("agent-templates-test", "--namespace", tenant.namespace)
    commands: Mapping[str, Callable[[], Done]] = {
        "made": lambda: run("kubectl", "create", "-f", "-", given=namespace),
        "installed": lambda: run(
            helm, *release, "install", tenant.name, str(CHART), "--set", f"tenants[0].name={tenant.name}"
        ),
        "tested": lambda: run(helm, *release, "test", tenant.name, "--timeout", "180s"),
        "logs": lambda: run("kubectl", "logs", *pod, "--all-containers"),
    }
    answers: dict[str, Done] = {}
    for word, command in commands.items():
        answers[word] = command()
        if answers[word].returncode:
            answers["described"] = run("kubectl", "describe", "pod", *pod)
            break
    answers["uninstalled"] = run(helm, *release, "uninstall", tenant.name, "--wait")
    answers["gone"] = run("kubectl", "delete", "namespace", tenant.namespace, "--wait", "--timeout=120s")
    return answers


@pytest.fixture(scope="module")
def lives() -> Iterator[Mapping[str, Future[Mapping[str, Done]]]]:
    """A release's life with each Helm, side by side."""
    with ThreadPoolExecutor(len(HELMS)) as pool:
        yield {helm: pool.submit(life, helm) for helm in HELMS}


@pytest.mark.parametrize("helm", HELMS)
def test_the_pod_of_a_release_is_admitted_pulled_and_started(
    helm: str, lives: Mapping[str, Future[Mapping[str, Done]]]
) -> None:
    answers = lives[helm].result()
    assert not [(word, answer.stdout, answer.stderr) for word, answer in answers.items() if answer.returncode], answers
    assert "Succeeded" in answers["tested"].stdout
    # What its two containers print: who the agent runs as, and the builder's version.
    assert "uid=1000" in answers["logs"].stdout
    assert "Kaniko version" in answers["logs"].stdout

"""The chart as a release beside the playbook's tenants: installed, proven by its own test pod, taken away."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings

from testbed import paths
from testbed.tools import tool

TENANT = "by-helm"
CHART = paths.ROOT / "charts" / "agent-templates"
Helm = Callable[..., subprocess.CompletedProcess[str]]


def run(command: str, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """A command against the cluster."""
    line = [str(tool(command)), "--kubeconfig", str(paths.kubeconfig()), *words]
    return subprocess.run(line, input=given, capture_output=True, text=True, timeout=240, check=False)


@pytest.fixture(params=["helm", "helm3"])
def helm(request: pytest.FixtureRequest) -> Iterator[Helm]:
    """A Helm with a tenant's namespace, labelled as the playbook would: the walls hold for the release as well."""
    (tenant,) = read_settings({"tenants": [{"name": TENANT}]}).tenants
    metadata = {"name": tenant.namespace, "labels": dict(tenant.labels), "annotations": dict(tenant.annotations)}
    namespace = json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    made = run("kubectl", "create", "-f", "-", given=namespace)
    assert made.returncode == 0, made.stderr
    try:
        yield lambda *words: run(str(request.param), "--namespace", "jenkins", *words)
    finally:
        run(str(request.param), "--namespace", "jenkins", "uninstall", "by-helm", "--wait")
        gone = run("kubectl", "delete", "namespace", tenant.namespace, "--wait", "--timeout=120s")
    assert gone.returncode == 0, gone.stderr


def test_the_pod_of_a_release_is_admitted_pulled_and_started(helm: Helm) -> None:
    installed = helm("install", "by-helm", str(CHART), "--set", f"tenants[0].name={TENANT}")
    assert installed.returncode == 0, installed.stderr
    tested = helm("test", "by-helm", "--timeout", "180s")
    pod = ("agent-templates-test", "--namespace", f"ci-{TENANT}")
    assert tested.returncode == 0, tested.stdout + tested.stderr + run("kubectl", "describe", "pod", *pod).stdout
    assert "Succeeded" in tested.stdout
    # What its two containers print: who the agent runs as, and the builder's version.
    printed = run("kubectl", "logs", *pod, "--all-containers").stdout
    assert "uid=1000" in printed
    assert "Kaniko version" in printed

"""What docs/reference/pod-security.md says that Pod Security Admission says, it says."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.names import PSA_PREFIX, PSA_VERSION

from testbed.apiserver import ApiServer
from testbed.tools import tool
from tools.generate.reference import POD_SECURITY
from tools.generate.roles import load

ENTRIES = load(POD_SECURITY)
LEVELS = ("baseline", "restricted")
# What restricted asks for, so that an example breaks only what it is about.
HARDENED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def kubectl(server: ApiServer, *words: str, feed: object = None) -> subprocess.CompletedProcess[str]:
    """Runs kubectl as the administrator."""
    command = [str(tool("kubectl")), "--kubeconfig", str(server.kubeconfig()), *words]
    return subprocess.run(command, input=json.dumps(feed), capture_output=True, text=True)


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    """An API server with one namespace for each level, which may run privileged pods as every kubeadm cluster may."""
    with ApiServer(flags=["--allow-privileged=true"]) as running:
        for level in LEVELS:
            labels = {f"{PSA_PREFIX}enforce": level, f"{PSA_PREFIX}enforce-version": PSA_VERSION}
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": level, "labels": labels}}
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
            assert kubectl(running, "create", "-f", "-", feed=namespace).returncode == 0
            assert kubectl(running, "create", "-n", level, "-f", "-", feed=account).returncode == 0
        yield running


def answer(server: ApiServer, level: str, pod: Mapping[str, Any], container: Mapping[str, Any]) -> str:
    """What the API server says to a pod with one container named `tool`; empty when it is let in."""
    spec = {"containers": [{"name": "tool", "image": "registry.example/tool:1", **container}], **pod}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "example"}, "spec": spec}
    done = kubectl(server, "create", "-n", level, "--dry-run=server", "-f", "-", feed=body)
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry["words"][:40] for entry in ENTRIES])
def test_it_says_these_words(server: ApiServer, entry: Mapping[str, Any]) -> None:
    said = answer(server, entry["level"], entry.get("pod", {}), entry.get("container", {}))
    assert f'violates PodSecurity "{entry["level"]}:{PSA_VERSION}"' in said
    assert entry["words"] in said


@pytest.mark.parametrize("level", LEVELS)
def test_it_says_nothing_to_a_hardened_pod(server: ApiServer, level: str) -> None:
    assert answer(server, level, {}, {"securityContext": HARDENED}) == ""

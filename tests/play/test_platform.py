"""A platform that says in every pod where it runs: site.yml passes once the inventory names as much, and not before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.play.playbook import Cluster

TENANTS: dict[str, Any] = {"buildkeep_tenants": [{"name": "shop"}, {"name": "own", "nodes": {"tolerations": []}}]}
WORKER = "node-role.kubernetes.io/worker"
NODES: dict[str, Any] = {
    "selector": {WORKER: ""},
    "tolerations": [{"key": "kubernetes.io/arch", "operator": "Equal", "value": "amd64", "effect": "NoSchedule"}],
    "schedulers": ["platform"],
}
# As webhooks of platforms do it: beside what the pod says itself, and a scheduler only where it names none.
MUTATIONS = (
    "has(object.spec.nodeSelector) ? [JSONPatch{op: 'add', path: '/spec/nodeSelector/' + "
    f"jsonpatch.escapeKey('{WORKER}'), value: ''}}] : "
    f"[JSONPatch{{op: 'add', path: '/spec/nodeSelector', value: {{'{WORKER}': ''}}}}]",
    "object.spec.schedulerName == 'default-scheduler' ? "
    "[JSONPatch{op: 'replace', path: '/spec/schedulerName', value: 'platform'}] : []",
    "namespaceObject.metadata.name == 'ci-own' ? [] : "
    "[JSONPatch{op: 'add', path: '/spec/tolerations/-', value: Object.spec.tolerations{key: 'kubernetes.io/arch', "
    "operator: 'Equal', value: 'amd64', effect: 'NoSchedule'}}]",
)
API = "admissionregistration.k8s.io/v1"
PODS = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}
OBJECTS = (
    {
        "apiVersion": API,
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": "platform"},
        "spec": {
            "matchConstraints": {"resourceRules": [PODS]},
            "reinvocationPolicy": "Never",
            "failurePolicy": "Fail",
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": text}} for text in MUTATIONS],
        },
    },
    {
        "apiVersion": API,
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": "platform"},
        "spec": {"policyName": "platform"},
    },
)


@pytest.fixture(scope="module")
def platform(cluster: Cluster) -> Iterator[Cluster]:
    """Give a cluster that does so."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": OBJECTS})
    made = cluster.kubectl("apply", "-f", "-", stdin=text)
    assert made.returncode == 0, made.stderr
    yield cluster
    cluster.kubectl("delete", "-f", "-", stdin=text)
    cluster.run("buildkeep.ci.remove", {}).ok()


def notes(cluster: Cluster, name: str) -> dict[str, str]:
    """What is said of nodes on a namespace."""
    found: dict[str, str] = cluster.get("namespace", name)["metadata"].get("annotations", {})
    return {key.rpartition("/")[2]: text for key, text in found.items() if key.startswith("scheduler.alpha.")}


def test_a_platform_is_named_and_then_let_in(platform: Cluster) -> None:
    """Before that the run says which fields of a good pod are refused, and which variable is about them."""
    before = platform.run("site.yml", TENANTS)
    assert before.code != 0
    for shown in (f'spec.nodeSelector: \\"{WORKER}=\\"', 'spec.schedulerName: \\"platform\\"', "buildkeep_nodes"):
        assert shown in before.text or shown.replace("\\", "") in before.text, before.text[-3000:]
    given = {**TENANTS, "buildkeep_nodes": NODES}
    platform.run("site.yml", given).ok()
    selector, tolerations = f"{WORKER}=", json.dumps(NODES["tolerations"], separators=(",", ":"), sort_keys=True)
    for name in ("ci-shop", "buildkeep-canary"):
        assert notes(platform, name) == {"node-selector": selector, "defaultTolerations": tolerations}
    assert notes(platform, "ci-own") == {"node-selector": selector}

"""What in a namespace is somebody else's."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.removing_foreign import is_foreign

OURS = {"labels": {"app.kubernetes.io/managed-by": "buildkeep"}}
OWNED = {"ownerReferences": [{"kind": "ReplicaSet", "name": "x", "controller": True}]}
REFERRED = {"ownerReferences": [{"kind": "Node", "name": "x"}]}


@pytest.mark.parametrize(
    ("kind", "name", "metadata", "foreign"),
    [
        ("Secret", "token", {}, True),
        ("PersistentVolumeClaim", "cache", {}, True),
        ("Pod", "debug", {}, True),
        ("Pod", "of-a-replicaset", OWNED, False),
        ("Pod", "referred-to", REFERRED, True),
        ("ConfigMap", "kube-root-ca.crt", {}, False),
        ("ConfigMap", "settings", {}, True),
        ("ConfigMap", "buildkeep-ca", OURS, False),
        ("ConfigMap", "taken-over", {**OURS, "annotations": {"buildkeep.dev/adopted": "true"}}, True),
        ("Role", "ours-whatever-it-says", {**OURS, "annotations": {"buildkeep.dev/adopted": "true"}}, False),
        ("ServiceAccount", "default", {}, False),
        ("ServiceAccount", "deployer", {}, True),
        ("Secret", "default", {}, True),
        ("Event", "x", {}, False),
        ("EndpointSlice", "x", {}, False),
    ],
)
def test_is_foreign(kind: str, name: str, metadata: dict[str, Any], foreign: bool) -> None:
    assert is_foreign({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, **metadata}}) is foreign

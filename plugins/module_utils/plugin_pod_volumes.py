"""Volumes, workspaces and variables of the Kubernetes plugin: their attributes, and what they become.

A port of `volumes/*`, `volumes/workspace/*` and `model/*` (jenkinsci/kubernetes-plugin 4423.vb_59f230b_ce53). A volume
is a mapping with every argument of its symbol, and the symbol itself under `symbol`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_java import normalize_path
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_values import (
    REQUIRED,
    Fields,
    flag,
    number,
    text,
    trimmed,
)

JSON = dict[str, Any]
Volume = Mapping[str, Any]

WORKSPACE = "workspace-volume"
_TEXT = (None, text)
_FLAG = (None, flag)
_MOUNT: Fields = {"mountPath": (REQUIRED, text)}
# `EphemeralVolume` keeps an empty accessModes, `DynamicPVC` makes it the default; our readers take both for none.
_PROVISIONED: Fields = {"accessModes": _TEXT, "requestsSize": (None, trimmed), "storageClassName": (None, trimmed)}
_NFS: Fields = {"serverAddress": _TEXT, "serverPath": _TEXT, "readOnly": _FLAG}
_CLAIM: Fields = {"claimName": _TEXT, "readOnly": _FLAG}

VOLUMES: Mapping[str, Fields] = {
    "configMapVolume": {**_MOUNT, "configMapName": _TEXT, "optional": _FLAG, "subPath": _TEXT},
    "dynamicPVC": {**_MOUNT, **_PROVISIONED},
    "emptyDirVolume": {**_MOUNT, "memory": _FLAG},
    "genericEphemeralVolume": {**_MOUNT, **_PROVISIONED},
    "hostPathVolume": {**_MOUNT, "hostPath": _TEXT, "readOnly": _FLAG},
    "nfsVolume": {**_MOUNT, **_NFS},
    "persistentVolumeClaim": {**_MOUNT, **_CLAIM},
    "secretVolume": {**_MOUNT, "secretName": _TEXT, "defaultMode": (None, number), "optional": _FLAG},
}
WORKSPACES: Mapping[str, Fields] = {
    "dynamicPVC": _PROVISIONED,
    "emptyDirWorkspaceVolume": {"memory": _FLAG, "sizeLimit": (None, trimmed)},
    "genericEphemeralVolume": _PROVISIONED,
    "hostPathWorkspaceVolume": {"hostPath": _TEXT},
    "nfsWorkspaceVolume": _NFS,
    "persistentVolumeClaimWorkspaceVolume": _CLAIM,
}
# `WorkspaceVolume.getDefault`. One that leaves `memory` out is not equal to it, so it counts over a parent's.
DEFAULT_WORKSPACE: Volume = {"symbol": "emptyDirWorkspaceVolume", "memory": False, "sizeLimit": None}
_KEY: Fields = {"key": (REQUIRED, text)}
VARIABLES: Mapping[str, Fields] = {
    **{key: {**_KEY, "value": _TEXT} for key in ("envVar", "podEnvVar", "containerEnvVar")},
    "secretEnvVar": {**_KEY, "secretName": _TEXT, "secretKey": _TEXT, "optional": _FLAG},
}


def build_variable(variable: Mapping[str, Any]) -> JSON:
    """Make a variable (`KeyValueEnvVar.buildEnvVar`, `SecretEnvVar.buildEnvVar`)."""
    if variable["symbol"] != "secretEnvVar":
        return _given({"name": variable["key"], "value": variable["value"]})
    secret = {"key": variable["secretKey"], "name": variable["secretName"], "optional": variable["optional"]}
    return {"name": variable["key"], "valueFrom": {"secretKeyRef": _given(secret)}}


def build_volumes(volumes: Iterable[Volume], workspace: Volume, pod: str) -> tuple[list[JSON], dict[str, JSON]]:
    """Make the volumes of a pod and their mounts, by path (`PodTemplateBuilder.build`).

    Of two volumes at one path the first counts. The workspace's mount is each container's own.

    Args:
        volumes: of the template.
        workspace: of the template.
        pod: its name.
    """
    mounts: dict[str, JSON] = {}
    result: list[JSON] = []
    for volume in volumes:
        path = normalize_path(volume["mountPath"])
        if path in mounts:
            continue
        name = f"volume-{len(mounts)}"
        read_only = volume["symbol"] == "hostPathVolume" and bool(volume["readOnly"])
        mounts[path] = {"mountPath": path, "name": name, "readOnly": read_only}
        if volume.get("subPath") is not None:
            mounts[path]["subPath"] = normalize_path(volume["subPath"])
        result.append({"name": name, **_BUILDERS[volume["symbol"]](volume, claim_name(volume, pod))})
    result.append({"name": WORKSPACE, **_BUILDERS[workspace["symbol"]](workspace, claim_name(workspace, pod))})
    return result, mounts


def claim_name(volume: Volume, pod: str) -> str:
    """Name the claim of a `dynamicPVC` (`DynamicPVCVolume.getPvcName`, `DynamicPVCWorkspaceVolume.getPvcName`).

    The plugin draws eight letters at random for a volume that is no workspace; ours come from its path, so that the
    same request gives the same pod.
    """
    if "mountPath" not in volume:
        return f"pvc-workspace-{pod}"
    digest = hashlib.sha256(volume["mountPath"].encode()).hexdigest()
    return f"pvc-{pod}-{digest[:8]}"


def build_claim(volume: Volume, created: Mapping[str, Any]) -> JSON:
    """Make the claim of a `dynamicPVC` (`DynamicPVC.createPVC`); it goes with its pod.

    Args:
        volume: a volume or workspace.
        created: the pod as the API server answered, with name, namespace, uid and labels in its metadata.
    """
    metadata = created["metadata"]
    owner = {
        "apiVersion": "v1",
        "kind": "Pod",
        "controller": True,
        "name": metadata["name"],
        "uid": metadata["uid"],
    }
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": claim_name(volume, metadata["name"]),
            "namespace": metadata["namespace"],
            "labels": dict(metadata.get("labels") or {}),
            "ownerReferences": [owner],
        },
        "spec": _provisioned(volume),
    }


def _provisioned(volume: Volume) -> JSON:
    """What a claim asks for (`ProvisionedVolume`): a list of access modes stays one text, which the API refuses."""
    spec = {
        "accessModes": [volume["accessModes"] or "ReadWriteOnce"],
        "resources": {"requests": {"storage": volume["requestsSize"] or "10Gi"}},
        "storageClassName": volume["storageClassName"],
    }
    return _given(spec)


def _empty_dir(volume: Volume, _claim: str) -> JSON:
    settings = {"medium": "Memory" if volume["memory"] else "", "sizeLimit": volume.get("sizeLimit")}
    return {"emptyDir": _given(settings)}


def _ephemeral(volume: Volume, _claim: str) -> JSON:
    return {"ephemeral": {"volumeClaimTemplate": {"spec": _provisioned(volume)}}}


def _nfs(volume: Volume, _claim: str) -> JSON:
    read_only = bool(volume["readOnly"])
    return {"nfs": _given({"path": volume["serverPath"], "readOnly": read_only, "server": volume["serverAddress"]})}


def _claimed(volume: Volume, _claim: str) -> JSON:
    claim = {"claimName": volume["claimName"], "readOnly": bool(volume["readOnly"])}
    return {"persistentVolumeClaim": _given(claim)}


def _dynamic(_volume: Volume, claim: str) -> JSON:
    return {"persistentVolumeClaim": {"claimName": claim, "readOnly": False}}


def _host_path(volume: Volume, _claim: str) -> JSON:
    return {"hostPath": _given({"path": volume["hostPath"]})}


def _renamed(volume: Volume, _claim: str, source: str, names: Mapping[str, str]) -> JSON:
    return {source: _given({name: volume[attribute] for attribute, name in names.items()})}


def _given(mapping: Mapping[str, Any]) -> JSON:
    return {key: value for key, value in mapping.items() if value is not None}


_SECRET = {"secretName": "secretName", "optional": "optional", "defaultMode": "defaultMode"}
_BUILDERS: Mapping[str, Callable[[Volume, str], JSON]] = {
    "configMapVolume": partial(_renamed, source="configMap", names={"configMapName": "name", "optional": "optional"}),
    "secretVolume": partial(_renamed, source="secret", names=_SECRET),
    **dict.fromkeys(("emptyDirVolume", "emptyDirWorkspaceVolume"), _empty_dir),
    **dict.fromkeys(("hostPathVolume", "hostPathWorkspaceVolume"), _host_path),
    **dict.fromkeys(("nfsVolume", "nfsWorkspaceVolume"), _nfs),
    **dict.fromkeys(("persistentVolumeClaim", "persistentVolumeClaimWorkspaceVolume"), _claimed),
    "genericEphemeralVolume": _ephemeral,
    "dynamicPVC": _dynamic,
}

"""The configuration that kind is given, and the words of its commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PARTS_IN_NODE = "/buildkeep/parts"  # the cache's parts, read-only: what fills the registry


def render(*, own_node: bool, parts: Path, may_raise_limits: bool) -> dict[str, Any]:
    """The Cluster object of kind for one node.

    `own_node` is the node image of testbed.node (its network plugin is built in, its cgroup driver is cgroupfs),
    else kind's published one. A root that may not raise resource limits needs the kubelet to forgive that.
    """
    kubelet: dict[str, Any] = {"kind": "KubeletConfiguration", "failCgroupV1": False, "serializeImagePulls": False}
    proxy = {"kind": "KubeProxyConfiguration", "conntrack": {"maxPerCore": 0, "min": 0,
             "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"}}  # fmt: skip
    networking: dict[str, Any] = {"apiServerAddress": "127.0.0.1", "kubeProxyMode": "iptables",
                                  "podSubnet": "10.244.0.0/24", "serviceSubnet": "10.96.0.0/16"}  # fmt: skip
    if own_node:
        kubelet["cgroupDriver"] = "cgroupfs"
        networking["disableDefaultCNI"] = True
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "networking": networking,
        "featureGates": {} if may_raise_limits else {"KubeletInUserNamespace": True},
        "kubeadmConfigPatches": [json.dumps(kubelet), json.dumps(proxy)],
        "containerdConfigPatches": [] if own_node else [
            '[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = "/etc/containerd/certs.d"\n'
        ],
        "nodes": [{"role": "control-plane",
                   "extraMounts": [{"hostPath": str(parts), "containerPath": PARTS_IN_NODE, "readOnly": True}]}],
    }  # fmt: skip


def create_command(kind: Path, cluster: str, image: str, config: Path, kubeconfig: Path) -> list[str]:
    """The command that makes a cluster and returns when its API server answers."""
    return [str(kind), "create", "cluster", "--name", cluster, "--image", image, "--config", str(config),
            "--kubeconfig", str(kubeconfig), "--retain"]  # fmt: skip


def delete_command(kind: Path, cluster: str, kubeconfig: Path) -> list[str]:
    """The command that deletes a cluster's containers and volumes."""
    return [str(kind), "delete", "cluster", "--name", cluster, "--kubeconfig", str(kubeconfig)]

"""The task `buildkeep.ci.node_profiles`: from plain arguments to a plain result."""

from __future__ import annotations

from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster, connect
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import CONNECTION, Mode
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles import by_daemonset, needing
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles_nodes import places
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles_rollout import landing, live, ready_nodes, wait
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings, read_settings

ARGUMENTS: dict[str, Any] = {
    "settings": {"type": "dict", "default": {}},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "nodes": {"type": "list", "elements": "str", "default": []},
    "timeout": {"type": "float", "default": 180.0},
    **CONNECTION,
}


def node_profiles(arguments: dict[str, Any], mode: Mode) -> dict[str, Any]:
    """Does the task. Raises BuildkeepError; see plugins/modules/node_profiles.py for arguments and result."""
    cluster = connect(arguments["kubeconfig"] or "", arguments["context"] or "")
    if mode.check or live(cluster) is None:
        return {"changed": False, "nodes": [], "msg": "nothing is waited for"}
    if arguments["state"] == "absent":
        return _removed(cluster, arguments["nodes"], arguments["timeout"])
    return _installed(cluster, read_settings(arguments["settings"]), arguments["timeout"])


def _installed(cluster: Cluster, settings: Settings, timeout: float) -> dict[str, Any]:
    if not by_daemonset(settings):
        return {"changed": False, "nodes": [], "msg": "nothing is waited for"}
    every = places(settings, [tenant for tenants in needing(settings).values() for tenant in tenants])
    ready, missing = wait(cluster, lambda: landing(cluster, every), timeout)
    if missing:
        remedy = (
            "mend the node, or keep agents off it by buildkeep_nodes; look with "
            "kubectl -n buildkeep-system describe pods; then run again"
        )
        raise BuildkeepError(
            [
                f"buildkeep_node_profiles: {text}: its profiles are not in use after {timeout:g} s; {remedy}"
                for text in missing
            ]
        )
    if not ready:
        words = "there is no node yet that agents can land on; those to come get the profiles when they come"
        return {"changed": False, "nodes": [], "msg": words, "warnings": [words]}
    listed = f"profiles of {', '.join(needing(settings))} can be loaded on {', '.join(ready)}"
    return {"changed": False, "nodes": ready, "msg": listed}


def _removed(cluster: Cluster, nodes: list[str], timeout: float) -> dict[str, Any]:
    def well() -> list[str]:
        return [name for name in ready_nodes(cluster) if name in nodes]

    done, missing = wait(cluster, well, timeout)
    words = missing + [f"node {name}: it is not ready, or gone" for name in sorted(set(nodes) - set(well()))]
    found = {"changed": False, "nodes": done, "msg": f"profiles were taken from {', '.join(done) or 'no node'}"}
    remedy = "what is in its folder /var/lib/kubelet/seccomp/buildkeep stays; delete it by hand"
    return {**found, "warnings": [f"{text}; {remedy}" for text in words]} if words else found

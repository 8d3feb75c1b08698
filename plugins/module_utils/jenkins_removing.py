"""Takes the release away. Jenkins home stays, and is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_helm import Helm
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import difference, key_of
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import Mode

_INSTANCE = "app.kubernetes.io/instance"
_KEEP = "helm.sh/resource-policy"


def removed(cluster: Cluster, helm: Helm, settings: JenkinsSettings, mode: Mode) -> dict[str, Any]:
    """Uninstall the release where there is one.

    Args:
        cluster: to look for what stays.
        helm: the command.
        settings: which release.
        mode: check changes nothing, diff shows what goes.
    """
    release = helm.release()
    result: dict[str, Any] = {"changed": release is not None, "msg": "nothing to do"}
    if release is not None:
        result["msg"] = f"release {settings.namespace}/{settings.name} taken away"
        if mode.diff:
            gone = [one for one in release.objects if (one["metadata"].get("annotations") or {}).get(_KEEP) != "keep"]
            result["diff"] = [difference(key_of(one), one, None) for one in gone]
        if not mode.check:
            helm.uninstall()
    homes = [_told(one) for one in _claims(cluster, settings)]
    if homes and release is not None:
        result["warnings"] = [
            f"Jenkins home stays in namespace {settings.namespace}: {', '.join(homes)}. Delete it yourself if nobody "
            "needs it; a new installation of the same name takes it over"
        ]
    return result


def _claims(cluster: Cluster, settings: JenkinsSettings) -> list[dict[str, Any]]:
    resource = cluster.resource("v1", "PersistentVolumeClaim")
    return list(cluster.list(resource, settings.namespace, selector=f"{_INSTANCE}={settings.name}"))


def _told(claim: Mapping[str, Any]) -> str:
    size = ((claim["spec"].get("resources") or {}).get("requests") or {}).get("storage", "?")
    volume = claim["spec"].get("volumeName")
    return f"PersistentVolumeClaim {claim['metadata']['name']} ({size}{f', volume {volume}' if volume else ''})"

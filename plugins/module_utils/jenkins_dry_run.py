"""Every pod that the chart can lead to, sent as a dry run into the namespace that is to hold it."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_judging import name_of, pods
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings

_SUFFIX = "-dry-run"
# Seconds until a new namespace has its ServiceAccount `default`, without which it takes no pod.
_ACCOUNT_SECONDS = 30.0
_PAUSE_SECONDS = 0.2
# Quota is asked last: who is refused by it alone has passed everything else.
_QUOTA = "exceeded quota"


def pod(item: Mapping[str, Any], template: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    """Make a pod of a template.

    The ServiceAccount is left out, because the chart makes it later; without one no token is mounted.
    """
    metadata = template.get("metadata") or {}
    spec = {key: value for key, value in template["spec"].items() if key != "serviceAccountName"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": item["metadata"]["name"][:200] + _SUFFIX,
            "namespace": namespace,
            **{key: metadata[key] for key in ("labels", "annotations") if metadata.get(key)},
        },
        "spec": {**spec, "automountServiceAccountToken": False},
    }


def admitted(cluster: Cluster, settings: JenkinsSettings, rendered: Sequence[Mapping[str, Any]]) -> None:
    """See that the namespace takes each pod.

    Args:
        cluster: to ask; nothing is made.
        settings: where the pods are to run.
        rendered: everything that the chart gives.

    Raises:
        BuildkeepError: the API server's words about each pod that it refuses.
    """
    _wait_account(cluster, settings.namespace)
    problems = [
        f"cluster: namespace {settings.namespace} refuses the pod of {name_of(item)}: {error.server_message}. Correct "
        "the value under buildkeep_jenkins.values that leads to it"
        for item, template in pods(rendered)
        if (error := _refusal(cluster, pod(item, template, settings.namespace)))
    ]
    if problems:
        raise BuildkeepError(problems)


def _wait_account(cluster: Cluster, namespace: str) -> None:
    resource, end = cluster.resource("v1", "ServiceAccount"), time.monotonic() + _ACCOUNT_SECONDS
    while cluster.get(resource, namespace, "default") is None:
        if time.monotonic() > end:
            text = f"namespace {namespace} got no ServiceAccount `default` within {_ACCOUNT_SECONDS:g} s"
            raise BuildkeepError([f"cluster: {text}. See whether kube-controller-manager runs."])
        threading.Event().wait(_PAUSE_SECONDS)


def _refusal(cluster: Cluster, made: Mapping[str, Any]) -> ApiError | None:
    resource = cluster.resource("v1", "Pod")
    path = resource.path(made["metadata"]["namespace"])
    try:
        cluster.client.request("POST", path, made, query={"dryRun": "All"}, what="try the controller's pod")
    except ApiError as error:
        return None if error.status == 403 and _QUOTA in error.server_message else error
    return None

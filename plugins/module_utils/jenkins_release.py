"""What a release would change, asked of the API server by dry runs before anything is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.client import APPLY_PATCH
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError, NotServed
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster, parallel
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_helm import Release
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import Key, comparable, difference, key_of

Object = dict[str, Any]
_MANAGER = "helm"
_NAME, _SPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"
_KEEP = "helm.sh/resource-policy"
_HOOK = "helm.sh/hook"
# What holds something that cannot be made again.
_PRECIOUS = ("PersistentVolumeClaim", "Secret")
DEPLOYED = "deployed"
_REMEDIES: Mapping[str, str] = {
    "PersistentVolumeClaim": "Put buildkeep_jenkins.storage back to {live}; to move Jenkins home to another volume, "
    "back it up, and restore it to a claim named in values.persistence.existingClaim",
    "StatefulSet": "Take the changed value back; or delete the StatefulSet without its pod, "
    "`kubectl -n {namespace} delete statefulset {name} --cascade=orphan`, and run again",
}


@dataclass(frozen=True)
class Plan:
    """What a release would change: a diff for each object, and whether the release itself is another."""

    diffs: Sequence[dict[str, str]] = field(default_factory=tuple)
    release: bool = False

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.diffs) or self.release


def marked(item: Mapping[str, Any], settings: JenkinsSettings) -> Object:
    """Give the object as Helm sends it: in the release's namespace, with the marks of its release."""
    metadata = dict(item["metadata"])
    annotations = {**(metadata.get("annotations") or {}), _NAME: settings.name, _SPACE: settings.namespace}
    labels = {**(metadata.get("labels") or {}), "app.kubernetes.io/managed-by": "Helm"}
    return {**item, "metadata": {**metadata, "annotations": annotations, "labels": labels}}


def lasting(objects: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Leave out hooks, which are no part of a release."""
    return [one for one in objects if _HOOK not in (one["metadata"].get("annotations") or {})]


def plan(
    cluster: Cluster,
    settings: JenkinsSettings,
    rendered: Sequence[Mapping[str, Any]],
    values: Mapping[str, Any],
    current: Release | None,
) -> Plan:
    """Ask the API server what it would make of the rendered objects.

    Args:
        cluster: to ask; nothing is changed.
        settings: where the release is, and of which chart.
        rendered: what the chart gives.
        values: from which it was rendered.
        current: the release as it is.

    Raises:
        BuildkeepError: what stands in the way, each with its remedy: objects of others, fields that cannot be changed
            in place, and what an upgrade would delete that cannot be made again.
    """
    wanted = [_placed(cluster, marked(one, settings), settings.namespace) for one in lasting(rendered)]
    there = cluster.get(cluster.resource("v1", "Namespace"), "", settings.namespace) is not None
    looks = parallel(lambda one: _look(cluster, one, settings, there), wanted)
    kept = {key_of(one) for one in wanted}
    old = [_placed(cluster, dict(one), settings.namespace) for one in (current.objects if current else ())]
    gone = [one for one in old if key_of(one) not in kept]
    leaving = parallel(lambda one: _leave(cluster, one), gone)
    problems = [problem for problem, _ in (*looks, *leaving) if problem]
    if problems:
        raise BuildkeepError(problems)
    same = current is not None and current.status == DEPLOYED and current.values == values
    return Plan([diff for _, diff in (*looks, *leaving) if diff], not same)


def _placed(cluster: Cluster, item: Object, namespace: str) -> Object:
    if item["metadata"].get("namespace"):
        return item
    try:
        namespaced = cluster.resource(item["apiVersion"], item["kind"]).namespaced
    except NotServed:
        namespaced = True  # said when it is asked for
    return {**item, "metadata": {**item["metadata"], "namespace": namespace}} if namespaced else item


Looked = tuple[str, dict[str, str] | None]


def _look(cluster: Cluster, item: Object, settings: JenkinsSettings, there: bool) -> Looked:
    """One object: the problem or nothing, and the diff or nothing."""
    key = key_of(item)
    try:
        resource = cluster.resource(key.api_version, key.kind)
    except NotServed:
        text = f"the API server does not serve {key.kind} in {key.api_version}"
        return f"{key}: {text}; install what serves it, or leave out the value that asks for it", None
    live = cluster.get(resource, key.namespace, key.name) if there else None
    if live is not None and (problem := _foreign(key, live, settings)):
        return problem, None
    if not there:
        return "", difference(key, None, item)
    query = {"fieldManager": _MANAGER, "force": "true", "fieldValidation": "Strict", "dryRun": "All"}
    try:
        after = cluster.client.request(
            "PATCH",
            resource.path(key.namespace, key.name),
            item,
            query=query,
            content_type=APPLY_PATCH,
            what=f"apply {key}",
        ).body
    except ApiError as error:
        return _refused(key, live, error), None
    if live is not None and comparable(live) == comparable(after):
        return "", None
    return "", difference(key, live, after)


def _foreign(key: Key, live: Mapping[str, Any], settings: JenkinsSettings) -> str:
    """Why an object that is there cannot become one of the release (helm, pkg/action/validate.go), or nothing."""
    metadata = live["metadata"]
    annotations, labels = metadata.get("annotations") or {}, metadata.get("labels") or {}
    owner = (annotations.get(_NAME), annotations.get(_SPACE), labels.get("app.kubernetes.io/managed-by"))
    if owner == (settings.name, settings.namespace, "Helm"):
        return ""
    whose = f"belongs to the Helm release {owner[1]}/{owner[0]}" if owner[0] else "was made by somebody else"
    return (
        f"cluster: {key} is there already and {whose}. If it is a Jenkins that is to stay as it is, set "
        "buildkeep_jenkins_install: false; else delete it, or name another buildkeep_controller.name or namespace"
    )


def _refused(key: Key, live: Mapping[str, Any] | None, error: ApiError) -> str:
    remedy = _REMEDIES.get(key.kind, "") if live is not None else ""
    if not remedy:
        return error.problems[0]
    spec = (live or {}).get("spec") or {}
    size = ((spec.get("resources") or {}).get("requests") or {}).get("storage", "")
    told = f"size {size}, class {spec.get('storageClassName') or '(none)'}" if size else ""
    words = remedy.format(live=told, namespace=key.namespace, name=key.name)
    return f"{key}: cannot be changed in place: {error.server_message}. {words}."


def _leave(cluster: Cluster, item: Object) -> Looked:
    """An object of the release that the new one does not have: Helm deletes it unless it is to be kept."""
    key = key_of(item)
    try:
        live = cluster.get(cluster.resource(key.api_version, key.kind), key.namespace, key.name)
    except NotServed:
        return "", None
    if live is None or (live["metadata"].get("annotations") or {}).get(_KEEP) == "keep":
        return "", None
    if key.kind in _PRECIOUS:
        keep = f"kubectl -n {key.namespace} annotate {key.kind.lower()} {key.name} {_KEEP}=keep"
        return f"{key}: the upgrade would delete it. To keep it, run `{keep}`; else delete it yourself first.", None
    return "", difference(key, live, None)

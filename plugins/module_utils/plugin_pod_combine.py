"""How the Kubernetes plugin merges a pod with its parent.

A port of the rules of `PodTemplateUtils.combine` (jenkinsci/kubernetes-plugin 4423.vb_59f230b_ce53), which serve two
ends there and here: YAML fragments under the merge strategy `merge`, and the pod made of a template's fields over the
pod made of its YAML. Pods are plain mappings, as in a manifest; nothing given is changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_java import in_hash_order

JSON = dict[str, Any]

# Where a child's value, if it has one, replaces the parent's. Of all other fields of a pod only the parent's count,
# also where it has none: a child cannot bring hostPID, runtimeClassName or pod-level hardening.
_POD_SCALARS = (
    *("serviceAccount", "serviceAccountName", "schedulerName"),
    *("activeDeadlineSeconds", "hostNetwork", "shareProcessNamespace"),
)
_CONTAINER_SCALARS = ("image", "imagePullPolicy", "command", "workingDir", "args", "tty")
_SECURITY_SCALARS = ("privileged", "runAsUser", "runAsGroup")


def combine_pods(parent: Mapping[str, Any], child: Mapping[str, Any]) -> JSON:
    """Merge two pods (`PodTemplateUtils.combine(Pod, Pod)`).

    Args:
        parent: a pod, or a part of one; what stands in it stays unless the child may replace it.
        child: a pod, or a part of one.

    Raises:
        BuildkeepError: where the plugin fails: two containers of one name, two volumes or mounts of one in the parent.
    """
    result = deepcopy(dict(parent))
    result["metadata"] = _metadata(_part(parent, "metadata"), _part(child, "metadata"))
    old, new = _part(parent, "spec"), _part(child, "spec")
    spec = deepcopy(dict(old))
    _replace(spec, new, _POD_SCALARS)
    security = _part(new, "securityContext")
    if security or old.get("securityContext"):
        spec["securityContext"] = {**_part(old, "securityContext"), **_some(security, "runAsUser", "runAsGroup")}
    merged = {
        "nodeSelector": {**_part(old, "nodeSelector"), **_part(new, "nodeSelector")},
        "containers": _combine_containers(_items(old, "containers"), _items(new, "containers")),
        "initContainers": _combine_containers(_items(old, "initContainers"), _items(new, "initContainers")),
        "volumes": _hashed("volumes", "name", _items(old, "volumes"), _items(new, "volumes")),
        "tolerations": [*_items(old, "tolerations"), *_items(new, "tolerations")],
        "imagePullSecrets": _by("name", _items(old, "imagePullSecrets"), _items(new, "imagePullSecrets")),
    }
    spec.update({key: deepcopy(value) for key, value in merged.items() if value})
    result["spec"] = spec
    return result


def combine_containers(parent: Mapping[str, Any] | None, child: Mapping[str, Any]) -> JSON:
    """Merge two containers of one name (`PodTemplateUtils.combine(Container, Container)`).

    Of a child's securityContext only privileged, runAsUser, runAsGroup and capabilities count. Its capabilities
    replace the parent's, both lists at once, since the plugin's model has empty lists where YAML names none; so empty
    ones give back what the parent dropped.

    Raises:
        BuildkeepError: where the plugin fails: a null list, two mounts of one path in the parent.
    """
    if parent is None:
        return deepcopy(dict(child))
    nulls = [key for key in ("envFrom", "volumeMounts") if None in (parent.get(key, ()), child.get(key, ()))]
    if nulls:
        where = f"container {child.get('name')}"
        raise BuildkeepError([f"{where}: {key} is null, at which the plugin fails; leave it out" for key in nulls])
    result = deepcopy(dict(parent))
    _replace(result, child, _CONTAINER_SCALARS)
    merged = {
        "env": _variables(_items(parent, "env"), _items(child, "env")),
        "envFrom": [one for one in (*_items(parent, "envFrom"), *_items(child, "envFrom")) if _has_source(one)],
        "volumeMounts": _hashed("volumeMounts", "mountPath", *(_items(one, "volumeMounts") for one in (parent, child))),
    }
    for key, value in merged.items():
        result.pop(key, None)
        if value:
            result[key] = deepcopy(value)
    # Present even when empty: the plugin's default requests are for an agent container without this field only.
    result["resources"] = {
        kind: {**_part(_part(parent, "resources"), kind), **_part(_part(child, "resources"), kind)}
        for kind in ("requests", "limits")
        if _part(_part(parent, "resources"), kind) or _part(_part(child, "resources"), kind)
    }
    security = _security(_part(parent, "securityContext"), _part(child, "securityContext"))
    if security:
        result["securityContext"] = security
    return result


def _security(parent: Mapping[str, Any], child: Mapping[str, Any]) -> JSON:
    wanted = {key: child[key] if child.get(key) is not None else parent.get(key) for key in _SECURITY_SCALARS}
    capabilities = _capabilities(parent.get("capabilities"), child.get("capabilities"))
    numbers = (wanted["runAsUser"], wanted["runAsGroup"])
    if not wanted["privileged"] and numbers == (None, None) and capabilities is None:
        return deepcopy(dict(parent))
    wanted["capabilities"] = capabilities
    rest = {key: value for key, value in parent.items() if key not in wanted}
    return deepcopy({**rest, **{key: value for key, value in wanted.items() if value is not None}})


def _capabilities(parent: Mapping[str, Any] | None, child: Mapping[str, Any] | None) -> JSON | None:
    if parent is None or child is None:
        given = parent if child is None else child
        return None if given is None else dict(given)
    lists = {key: parent.get(key) if child.get(key, []) is None else child.get(key) for key in ("add", "drop")}
    return {key: value for key, value in lists.items() if value}


def _metadata(parent: Mapping[str, Any], child: Mapping[str, Any]) -> JSON:
    result = dict(parent)
    _replace(result, child, ("name", "namespace"))
    for key in ("labels", "annotations"):
        if parent.get(key) or child.get(key):
            result[key] = {**_part(parent, key), **_part(child, key)}
    return result


def _combine_containers(parent: Sequence[JSON], child: Sequence[JSON]) -> list[JSON]:
    known, own = _by_name("containers", "name", parent), _by_name("containers", "name", child)
    combined = {name: combine_containers(known.get(name), one) for name, one in own.items()}
    return list({**known, **combined}.values())


def _variables(parent: Sequence[JSON], child: Sequence[JSON]) -> list[JSON]:
    """By name; one without a name is dropped (`combineEnvVars`)."""
    return list(in_hash_order((one["name"], one) for one in (*parent, *child) if one.get("name")).values())


def _has_source(source: Mapping[str, Any]) -> bool:
    """Whether it names a ConfigMap or Secret; another is dropped (`combinedEnvFromSources`)."""
    return any(_part(source, key).get("name") for key in ("configMapRef", "secretRef"))


def _hashed(what: str, key: str, parent: Sequence[JSON], child: Sequence[JSON]) -> list[JSON]:
    """By key, in the order of the plugin's hash table; a second item of one key in the parent is an error there."""
    met = [*_by_name(what, key, parent).items(), *((str(item.get(key)), item) for item in child)]
    return list(in_hash_order(met).values())


def _by_name(what: str, key: str, items: Sequence[JSON]) -> dict[str, JSON]:
    found: dict[str, JSON] = {}
    for item in items:
        name = str(item.get(key))
        if name in found:
            raise BuildkeepError([f"{what}: two have the {key} {name}, which the plugin cannot merge; remove one"])
        found[name] = item
    return found


def _replace(result: JSON, child: Mapping[str, Any], keys: Sequence[str]) -> None:
    """Take over a child's values that are neither absent nor empty; `false` is a value."""
    result.update({key: deepcopy(child[key]) for key in keys if child.get(key) not in (None, "", [])})


def _by(key: str, *lists: Sequence[JSON]) -> list[JSON]:
    return list({item.get(key): item for items in lists for item in items}.values())


def _some(mapping: Mapping[str, Any], *keys: str) -> JSON:
    return {key: mapping[key] for key in keys if mapping.get(key) is not None}


def _part(mapping: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    return mapping.get(key) or {}


def _items(mapping: Mapping[str, Any], key: str) -> Sequence[JSON]:
    return mapping.get(key) or []

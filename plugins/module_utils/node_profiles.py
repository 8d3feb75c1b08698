"""How the builders' seccomp profiles reach nodes: the objects of the one namespace whose pods may touch nodes.

Everything is made of the templates of the role `node_profiles`. What its policy about pods allows is read from the
pods of the other templates, so that neither can be changed without the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils import manifests, names
from ansible_collections.buildkeep.ci.plugins.module_utils.apparmor import named, profile_name
from ansible_collections.buildkeep.ci.plugins.module_utils.backends import SCC
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles_nodes import Place, affinity, places
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles_shapes import shapes
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles_ways import DAEMONSET
from ansible_collections.buildkeep.ci.plugins.module_utils.pod_security_labels import pinned
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import CHART
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings
from ansible_collections.buildkeep.ci.plugins.module_utils.tenants import Tenant

Object = dict[str, Any]

OWNER = "node_profiles"
NAME = "node-profiles"
POLICY_PODS, POLICY_WRITES = "buildkeep-system-pods", "buildkeep-system"
RULE = "system"
# The kubelet's folder for profiles where nobody moved it (--root-dir); `localhostProfile` is a path below it.
SECCOMP_ROOT = "/var/lib/kubelet/seccomp"
FOLDER = "buildkeep"
_LOCALHOST = f"Localhost/{FOLDER}/"
_ROLES = Path(__file__).resolve().parents[2] / "roles"
_ROLE = _ROLES / "node_profiles"
_SCRIPTS = ("install", "installed", "sleep", "remove", "removed", "probe")
_CONTROLLERS = "system:serviceaccount:kube-system:"
# Runs all controllers under this name where they were given no accounts of their own.
_MANAGER = "system:kube-controller-manager"
_MAKERS = (_MANAGER, f"{_CONTROLLERS}daemon-set-controller")
# Who writes what belongs to a namespace or a DaemonSet (kubernetes, pkg/controller).
_WRITERS = (
    *_MAKERS,
    *(
        f"{_CONTROLLERS}{name}"
        for name in ("root-ca-cert-publisher", "namespace-controller", "generic-garbage-collector")
    ),
)
_KINDS = (
    "v1/Namespace",
    "v1/ServiceAccount",
    "v1/ConfigMap",
    "v1/ResourceQuota",
    "apps/v1/DaemonSet",
    "networking.k8s.io/v1/NetworkPolicy",
)
_OF_POLICIES = tuple(f"{names.ADMISSION_API}/ValidatingAdmissionPolicy{end}" for end in ("", "Binding"))


def kinds(settings: Settings) -> list[str]:
    """Name the kinds of the role's objects; where nothing is to stay all of them, served or not."""
    return [*_KINDS, *(_OF_POLICIES if settings.backend.policies or settings.state == "absent" else ())]


def localhost_builders(settings: Settings, tenant: Tenant) -> list[str]:
    """Name the builders of a tenant that run only where nodes have their seccomp profiles."""
    if tenant.seccomp != "confined":
        return []
    builders = settings.profiles.builders
    return [name for name in tenant.builders if name in builders and builders[name].seccomp.startswith(_LOCALHOST)]


def needing(settings: Settings) -> dict[str, list[Tenant]]:
    """Give the tenants that need a builder's profile on nodes, by builder; builders in the order of the table."""
    found: dict[str, list[Tenant]] = {name: [] for name in settings.profiles.builders}
    for tenant in settings.present:
        for name in localhost_builders(settings, tenant):
            found[name].append(tenant)
    return {name: tenants for name, tenants in found.items() if tenants}


def profile_files(settings: Settings, chart: Path = CHART) -> dict[str, str]:
    """Give the seccomp profiles that nodes need, texts by file name (`<builder>-<hash>.json`)."""
    return {
        settings.profiles.builders[name].seccomp.removeprefix(_LOCALHOST): (
            chart / "seccomp" / f"{name}.json"
        ).read_text(encoding="utf-8")
        for name in needing(settings)
    }


def previous_files() -> list[str]:
    """Name the files of the release before this one, which stay on nodes."""
    return list(yaml.safe_load((_ROLE / "files" / "previous.yaml").read_text(encoding="utf-8")) or [])


def node_files(settings: Settings, chart: Path = CHART) -> dict[str, Any]:
    """Give what is copied to nodes over their connections.

    Returns:
        `seccomp` and `apparmor`, texts by name, and `keep`, files of the release before this one that stay.
    """
    apparmor = {}
    for name in needing(settings) if settings.apparmor else ():
        source = (chart / "apparmor" / f"{name}.profile").read_text(encoding="utf-8")
        apparmor[profile_name(name, source)] = named(name, source)
    return {"seccomp": profile_files(settings, chart), "apparmor": apparmor, "keep": previous_files()}


def by_daemonset(settings: Settings) -> bool:
    """Whether the DaemonSet is to be there: it is wanted, and there is something for it to do."""
    return settings.node_profiles == DAEMONSET and settings.backend.policies and bool(needing(settings))


def system_objects(settings: Settings, *, probing: bool = False, removing: bool = False) -> list[Object]:
    """Give the objects of the namespace `buildkeep-system`; none where nothing is to run there.

    Args:
        settings: of the inventory, with the cluster's backend.
        probing: whether probe pods are to run there, or have left a record.
        removing: whether the DaemonSet that is there is to be replaced by one that takes everything away from nodes.
            Nothing of it is taken over: whoever made it would choose what runs as root on every node.
    """
    installing = by_daemonset(settings) and not removing
    if not (installing or probing or removing):
        return []
    context = _context(settings)
    context |= {"affinity": affinity([Place()])} if removing else {}
    pods = ["probe", *(["daemonset"] if installing else []), *(["removal"] if removing else [])]
    context |= {
        "shapes": shapes(_rendered([_template(name) for name in pods], {**context, "probe": NAME})),
        "labels": _labels(installing or removing),
    }
    context |= {"annotations": {names.ANNOTATION_OPENSHIFT_NODES: ""} if settings.backend.name == SCC else {}}
    wanted = ["serviceaccount", "networkpolicy", "resourcequota", "pods", "system"]
    wanted += ["configmap", "daemonset"] if installing else ["removal"] if removing else []
    found = _rendered([_ROLES / "tenants/templates/namespace.yaml.j2", *(_template(name) for name in wanted)], context)
    bindings = [
        {"binding": {"name": name, "policy": name, "actions": ["Deny"], "selector": [_here()]}}
        for name in (POLICY_PODS, POLICY_WRITES)
    ]
    return found + manifests.render([str(_ROLES / "pod_security/templates/binding.yaml.j2")], {}, bindings)


def probe_pod(settings: Settings, name: str, node: str, place: Place) -> Object:
    """Give the pod that asks a node about user namespaces.

    Args:
        settings: of the inventory.
        name: of the pod.
        node: where it is to run.
        place: what lets pods onto that node.
    """
    (pod,) = _rendered([_template("probe")], {**_context(settings), "probe": name})
    only = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [only]}}
    where = {"affinity": {"nodeAffinity": required}, "tolerations": [dict(one) for one in place.tolerations]}
    return {**pod, "spec": {**pod["spec"], **where}}


def canaries(settings: Settings) -> list[Object]:
    """Give the cases for `buildkeep.ci.canary` that prove the fence: the probe with another image, and as it is."""
    pod = probe_pod(settings, "canary", "none", Place())
    (container,) = pod["spec"]["containers"]
    other = {**pod, "spec": {**pod["spec"], "containers": [{**container, "image": f"{container['image']}-other"}]}}
    case: Object = {"namespace": names.SYSTEM_NAMESPACE}
    return [
        {**case, "name": "another image", "pod": other, "expect": "refused", "policy": POLICY_PODS, "rule": RULE},
        {**case, "name": "a pod of ours", "pod": pod, "expect": "admitted"},
    ]


def _context(settings: Settings) -> Object:
    files, builders = profile_files(settings), settings.profiles.builders
    every = places(settings, [tenant for tenants in needing(settings).values() for tenant in tenants])
    return {
        "name": names.SYSTEM_NAMESPACE,
        "namespace": names.SYSTEM_NAMESPACE,
        "account": NAME,
        "daemonset": NAME,
        "configmap": f"{NAME}-{_digest(files)}",
        "policy_pods": POLICY_PODS,
        "policy_writes": POLICY_WRITES,
        "files": files,
        "previous": previous_files(),
        "image": settings.node_profiles_image,
        "scripts": {name: manifests.script(_ROLE / "files" / f"{name}.sh") for name in _SCRIPTS},
        "confined": {name: _confined(builders[name].seccomp.removeprefix("Localhost/")) for name in needing(settings)},
        "seccomp": SECCOMP_ROOT,
        "folder": f"{SECCOMP_ROOT}/{FOLDER}",
        "affinity": affinity(every),
        "tolerations": _merged(place.tolerations for place in every),
        "makers": list(_MAKERS),
        "controllers": list(_WRITERS),
        "manage": {"group": names.MANAGE_GROUP, "resource": names.MANAGE_RESOURCE, "verb": names.MANAGE_VERB},
    }


def _confined(profile: str) -> Object:
    """Security context of a container that runs under a profile, to show that it can be loaded."""
    return {
        "runAsUser": 65534,
        "runAsGroup": 65534,
        "runAsNonRoot": True,
        "privileged": False,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "Localhost", "localhostProfile": profile},
    }


def _labels(host_path: bool) -> dict[str, str]:
    level = "privileged" if host_path else "restricted"
    return {names.LABEL_TENANT: names.SYSTEM_NAMESPACE, names.LABEL_MODE: "enforce", **pinned(level)}


def _here() -> Object:
    return {"key": names.LABEL_TENANT, "operator": "In", "values": [names.SYSTEM_NAMESPACE]}


def _merged(lists: Iterable[Sequence[Mapping[str, str]]]) -> list[Object]:
    every = {json.dumps(dict(one), sort_keys=True): dict(one) for found in lists for one in found}
    return [every[text] for text in sorted(every)]


def _digest(files: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(dict(files), sort_keys=True).encode()).hexdigest()[:12]


def _template(name: str) -> Path:
    return _ROLE / "templates" / f"{name}.yaml.j2"


def _rendered(paths: Sequence[Path], context: Mapping[str, Any]) -> list[Object]:
    return manifests.render([str(path) for path in paths], context, None)

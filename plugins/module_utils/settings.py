"""The inventory, checked as a whole and made into what roles work with."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.backends import SCC, Backend, backend_of
from ansible_collections.buildkeep.ci.plugins.module_utils.controller import CONTROLLER, Controller, read_controller
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.images import SHELL, template_images
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings, read_jenkins
from ansible_collections.buildkeep.ci.plugins.module_utils.names import NAMESPACE_PREFIX
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles_ways import INSTALLED
from ansible_collections.buildkeep.ci.plugins.module_utils.nodes import Nodes, read_nodes
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profiles, load_profiles
from ansible_collections.buildkeep.ci.plugins.module_utils.render_options import VARIABLES
from ansible_collections.buildkeep.ci.plugins.module_utils.scc import POD_ANNOTATIONS
from ansible_collections.buildkeep.ci.plugins.module_utils.schema import nearest
from ansible_collections.buildkeep.ci.plugins.module_utils.settings_checks import faults, sentence
from ansible_collections.buildkeep.ci.plugins.module_utils.tenants import Tenant, read_tenant

_CHART = Path(__file__).resolve().parents[2] / "charts/agent-templates"
# What each variable is where the inventory leaves it out.
DEFAULTS: Mapping[str, Any] = {
    "tenants": [],
    "images": [],
    "mode": "enforce",
    "namespace_prefix": NAMESPACE_PREFIX,
    "controller": {},
    "controller_elsewhere": "refuse",
    "builders": {},
    "agent_image": "",
    "trusted_ca": "",
    "state": "present",
    "backend": "auto",
    "unenforced": "refuse",
    "break_glass": "",
    "pod_annotations": [],
    "storage_classes": [],
    "templates": "any",
    "pod_defaults": False,
    "nodes": {},
    "user_namespaces": "auto",
    "node_profiles": "none",
    "node_profiles_image": SHELL,
    "apparmor": False,
    "jenkins": {},
    "jenkins_install": False,
}
# Variables that say how to reach the cluster, and how to render for none; the action plugins read them.
_CONNECTION = ("kubeconfig", "context", *VARIABLES)


@dataclass(frozen=True)
class Settings:
    """A checked inventory.

    Attributes:
        tenants: every tenant, those to be taken away included.
        images: allowlist entries for all tenants: what our templates need, then `buildkeep_images`.
        mode: mode of tenants that name none.
        prefix: what each tenant's namespace begins with.
        controller: the Jenkins controller.
        controller_elsewhere: what becomes of a run where the controller has rights beside tenants, `refuse` or `warn`.
        profiles: the profile table, with the inventory's images in it.
        trusted_ca: certificates (PEM) for builders, or empty.
        state: `present` or `absent`.
        backend: what enforces pod security; `admission` where neither the inventory nor a cluster said.
        unenforced: what becomes of a run where the backend leaves something unenforced, `refuse` or `accept`.
        break_glass: group whose members the pod rules let through, or empty.
        pod_annotations: keys, or prefixes that end with `/`, of annotations that pods may carry beyond the usual ones.
        storage_classes: StorageClasses that tenants' claims may use.
        pod_defaults: whether fields that a pod leaves out are filled in with the strict values.
        nodes: what pods may say of nodes, where a tenant says nothing else; and the schedulers of the cluster.
        user_namespaces: whether builders get user namespaces, `auto` (where the cluster has them) or `never`.
        node_profiles: how seccomp profiles reach the nodes, `none`, `daemonset`, `connection` or `installed`.
        node_profiles_image: image of what puts them there, and of probes.
        apparmor: whether the nodes have AppArmor, and get our profiles.
        jenkins: Jenkins itself, as the role `jenkins` installs it.
    """

    tenants: tuple[Tenant, ...]
    images: tuple[str, ...]
    mode: str
    prefix: str
    controller: Controller
    controller_elsewhere: str
    profiles: Profiles
    trusted_ca: str
    state: str
    backend: Backend
    unenforced: str
    break_glass: str
    pod_annotations: tuple[str, ...]
    storage_classes: tuple[str, ...]
    pod_defaults: bool
    nodes: Nodes
    user_namespaces: str
    node_profiles: str
    node_profiles_image: str
    apparmor: bool
    jenkins: JenkinsSettings

    @property
    def present(self) -> tuple[Tenant, ...]:
        """The tenants that are to be there."""
        return tuple(tenant for tenant in self.tenants if tenant.state == "present")


def read_settings(raw: Mapping[str, Any]) -> Settings:
    """Check an inventory and derive everything from it.

    Args:
        raw: variables of the inventory without their prefix `buildkeep_`: `tenants`, `images`, `mode` and so on
            (DEFAULTS lists them). A key that is missing or None takes its default. Roles that need no tenants leave
            them out; a list that is given must name one.

    Raises:
        BuildkeepError: with every problem, each naming the variable, where there is one the tenant, and the remedy.
    """
    given = json.loads(json.dumps(dict(raw), default=str))
    found_backend = given.get("backend")
    if isinstance(found_backend, Mapping):  # a role has asked the cluster
        given["backend"] = found_backend.get("name")
    values = {**DEFAULTS, **{key: value for key, value in given.items() if key in DEFAULTS and value is not None}}
    problems = [_unknown(key) for key in given if key not in DEFAULTS and key not in _CONNECTION]
    if "tenants" in given and not values["tenants"]:
        problems.append("buildkeep_tenants: names no tenant. List at least one, such as `[{name: shop}]`.")
    # A role that is not told how profiles reach nodes has no say in it.
    ways = {} if "node_profiles" in given else {"node_profiles": INSTALLED}
    found = faults({**values, **ways}, _schema(), _table())
    problems += [sentence(fault, values) for fault in found]
    broken = {fault.path.partition(".")[0] for fault in found}
    images = {key: values[key] if key not in broken else DEFAULTS[key] for key in ("builders", "agent_image")}
    try:
        profiles = load_profiles(overrides=images["builders"], agent_image=images["agent_image"])
    except BuildkeepError as error:
        raise BuildkeepError([*problems, *error.problems]) from error
    if problems:
        raise BuildkeepError(problems)
    return _settings(values, profiles, backend_of(found_backend or values["backend"]))


@functools.cache
def _schema() -> Mapping[str, Any]:
    schema: Mapping[str, Any] = json.loads((_CHART / "values.schema.json").read_text(encoding="utf-8"))
    return schema


@functools.cache
def _table() -> Mapping[str, Any]:
    table: Mapping[str, Any] = yaml.safe_load((_CHART / "profiles.yaml").read_text(encoding="utf-8"))
    return table


def _unknown(key: str) -> str:
    known = [f"buildkeep_{name}" for name in (*DEFAULTS, *_CONNECTION)]
    return (
        f"buildkeep_{key}: unknown variable{nearest(f'buildkeep_{key}', known)}. Known variables: {', '.join(known)}."
    )


def _settings(values: Mapping[str, Any], profiles: Profiles, backend: Backend) -> Settings:
    own = [image for image in values["images"] if image not in template_images(profiles)]
    prefix, common = values["namespace_prefix"], {key: values[key] for key in ("mode", "templates")}
    nodes = read_nodes(values["nodes"])
    tenants = tuple(read_tenant({**common, **entry}, prefix, profiles, nodes) for entry in values["tenants"])
    present = [tenant for tenant in tenants if tenant.state == "present"]
    whose = {**CONTROLLER, **values["controller"]}
    return Settings(
        tenants=tenants,
        images=(*template_images(profiles), *own),
        mode=values["mode"],
        prefix=prefix,
        controller=read_controller(values["controller"]),
        controller_elsewhere=values["controller_elsewhere"],
        profiles=profiles,
        trusted_ca=values["trusted_ca"],
        state=values["state"],
        backend=backend,
        unenforced=values["unenforced"],
        break_glass=values["break_glass"],
        pod_annotations=(*values["pod_annotations"], *(POD_ANNOTATIONS if backend.name == SCC else ())),
        storage_classes=tuple(values["storage_classes"]),
        pod_defaults=values["pod_defaults"],
        nodes=nodes,
        jenkins=read_jenkins(values["jenkins"], whose, present, install=values["jenkins_install"]),
        **{key: values[key] for key in ("user_namespaces", "node_profiles", "node_profiles_image", "apparmor")},
    )

"""What the roles of site.yml apply, in the order in which they do, without a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.allowlist_other import allowlist_stages
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_backup import backup_objects
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_objects import jenkins_objects
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import Object, key_of, own, parse, render
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles import system_objects
from ansible_collections.buildkeep.ci.plugins.module_utils.pod_security import pod_security_objects, tenant_bindings
from ansible_collections.buildkeep.ci.plugins.module_utils.rbac_outside import outside
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings
from ansible_collections.buildkeep.ci.plugins.module_utils.tenant_objects import canary_objects, tenant_objects

_ROLES = Path(__file__).resolve().parents[2] / "roles"
# Names of the templates that the roles list too: `tenants` for its own and the canaries' namespace, `jenkins`, `rbac`.
CANARY_TEMPLATES = ("namespace", "resourcequota", "serviceaccounts", "canary-role", "canary-rolebinding")
CANARY_WIDE_TEMPLATES = ("canary-clusterrole", "canary-clusterrolebinding")
TENANT_TEMPLATES = ("namespace", "resourcequota", "limitrange", "serviceaccounts", "canary-role", "canary-rolebinding")
JENKINS_TEMPLATES = ("namespace", "sidecar-role", "sidecar-rolebinding")
RIGHTS_TEMPLATES = ("controller-role", "controller-rolebinding")
# What enforces; the role `pod_security` makes the namespace that it is proven in too, and what that needs.
_WALLS = frozenset(
    {
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "PodSecurityPolicy",
        "SecurityContextConstraints",
    }
)


@dataclass(frozen=True)
class Wave:
    """Objects that may be applied together, once all before them are: the folder's name, and what is in it."""

    name: str
    objects: tuple[Object, ...]


def waves(settings: Settings, chart: str, priority_class: str = "") -> list[Wave]:
    """Give everything that site.yml applies for an inventory; the controller's rights come last.

    Args:
        settings: of the inventory, with the backend of the cluster that the objects are for.
        chart: what the chart renders for it, as YAML.
        priority_class: name of that cluster's globalDefault PriorityClass, or empty.

    Raises:
        BuildkeepError: for an object that holds a secret, which no file may, and for one that two roles make.
    """
    backend = own(pod_security_objects(settings, settings.images, priority_class), "pod_security")
    canary = own(
        _rendered("tenants", CANARY_TEMPLATES, [canary_objects(settings)])
        + _rendered("pod_security", CANARY_WIDE_TEMPLATES, [canary_objects(settings)]),
        "pod_security",
    )
    each = tenant_objects(settings)
    # Tokens are bound to its Secret, which holds nothing; but no Secret is written into a file.
    login = [item for item in outside(settings) if item["kind"] != "Secret"]
    found = [
        Wave("00-policies", tuple(item for item in backend if item["kind"] in _WALLS)),
        # An engine serves the second only once it has the first.
        *(
            Wave(f"0{2 + 2 * number}-images", _owned(stage, "registry_allowlist"))
            for number, stage in enumerate(allowlist_stages(settings))
        ),
        Wave("10-canary", (*canary, *(item for item in backend if item["kind"] not in _WALLS))),
        Wave(
            "20-tenants", _owned([*_rendered("tenants", TENANT_TEMPLATES, each), *tenant_bindings(settings)], "tenants")
        ),
        Wave("25-node-profiles", _owned(system_objects(settings), "node_profiles")),
        Wave("27-jenkins", _owned(_jenkins(settings), "jenkins")),
        Wave("30-agent-templates", _owned(parse(chart, "the chart"), "agent_templates")),
        Wave("90-rbac", (*_owned(_rendered("rbac", RIGHTS_TEMPLATES, each), "rbac"), *_owned(login, "rbac_outside"))),
    ]
    _check(item for wave in found for item in wave.objects)
    return [wave for wave in found if wave.objects]


def _jenkins(settings: Settings) -> list[Object]:
    """What stands beside the release; that is Helm's, and its Secrets are made where the cluster is."""
    if not settings.jenkins.install:
        return []
    return _rendered("jenkins", JENKINS_TEMPLATES, [jenkins_objects(settings.jenkins)]) + backup_objects(
        settings.jenkins
    )


def _owned(items: Iterable[Object], owner: str) -> tuple[Object, ...]:
    return tuple(own(items, owner))


def _rendered(role: str, names: Sequence[str], each: Sequence[dict[str, Any]]) -> list[Object]:
    return render([str(_ROLES / role / "templates" / f"{name}.yaml.j2") for name in names], {}, each)


def _check(items: Iterable[Object]) -> None:
    problems, seen = [], set()
    for item in items:
        key = key_of(item)
        if item["kind"] == "Secret":
            problems.append(f"{key}: a Secret is never written into a file; give it to the cluster another way")
        if key in seen:
            problems.append(f"{key} is made by two roles; keep one of the two")
        seen.add(key)
    if problems:
        raise BuildkeepError(problems)

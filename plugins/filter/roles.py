"""What the roles ask of the logic in module_utils: inventory in, plain data out."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import (
    allowlist_other,
    canary_cases,
    pod_security,
    tenant_objects,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.backends import AUTO
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.names import POLICIES_PODS, POLICY_WORKLOADS
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles_checks import conditions, legacy, unheld
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles_ways import NONE
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings, read_settings
from ansible_collections.buildkeep.ci.plugins.plugin_utils.filters import of_settings

Raw = Mapping[str, Any]
# Where the inventory cannot be read, nothing is said about what the cluster leaves unenforced.
_UNREAD: Mapping[str, Any] = {
    "backend": AUTO,
    "unenforced": "",
    "pod_defaults": False,
    "impossible": {},
    "conditions": [],
    "warned": [],
    "jenkins": "",
    "outside": "",
}


def checked(raw: Raw, helm: str = "") -> dict[str, Any]:
    """Give the arguments of `buildkeep.ci.preflight`: problems, as whom canaries are sent, namespaces that must exist.

    Args:
        raw: the inventory's variables without their prefix.
        helm: name or path of the helm command that is needed; empty where none is.
    """
    problems: list[str] = []
    if helm and not shutil.which(helm):
        problems.append(f"agent_templates_helm: there is no command {helm}. Install Helm 4 or 3, or give its path.")
    try:
        settings = read_settings({"tenants": [], "node_profiles": NONE, **raw})
    except BuildkeepError as error:
        nothing: dict[str, Any] = {"user": "", "groups": [], "namespaces": [], "access": {}, **_UNREAD}
        return {"problems": [*error.problems, *problems], **nothing}
    if settings.state == "absent":
        problems.append("buildkeep_state: absent is not for site.yml. To take everything away run buildkeep.ci.remove.")
    installs = settings.jenkins.install
    namespaces = [] if installs else [settings.controller.namespace]
    access = tenant_objects.access(settings)
    walls = {"backend": raw.get("backend") or AUTO, "unenforced": settings.unenforced}
    return {
        "problems": problems,
        "namespaces": namespaces,
        "access": access,
        **walls,
        "pod_defaults": settings.pod_defaults,
        "impossible": pod_security.impossible(settings),
        "conditions": conditions(settings),
        "warned": [*legacy(settings), *unheld(settings)],
        "jenkins": settings.controller.namespace if installs else "",
        "outside": settings.controller.namespace if settings.controller.cluster else "",
        **tenant_objects.identity(settings),
    }


def objects(settings: Settings, live: Sequence[Sequence[str]], priority: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Give the objects of the policy backend, with the allowlist of the cluster as it is now.

    Args:
        settings: of the inventory.
        live: what the lookup `buildkeep.ci.allowlist` gives: one list, or none where there is no policy yet.
        priority: what the lookup `buildkeep.ci.priority_class` gives: one name, or none.
    """
    return pod_security.pod_security_objects(settings, live[0] if live else [], priority[0] if priority else "")


def allowlist(settings: Settings, priority: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Give the policies that hold the inventory's allowlist, about pods and workloads; none where none are served.

    Args:
        settings: of the inventory.
        priority: as for objects().
    """
    if not settings.backend.policies:
        return []
    found = objects(settings, [settings.images], priority)
    kind = "ValidatingAdmissionPolicy"
    held = (*POLICIES_PODS, POLICY_WORKLOADS)
    return [one for one in found if one["kind"] == kind and one["metadata"]["name"] in held]


class FilterModule:
    """The filters, by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Give Ansible the filters."""
        return {
            "access": of_settings(tenant_objects.access),
            "allowlist_canaries": of_settings(canary_cases.allowlist_cases),
            "canary_identity": of_settings(tenant_objects.identity),
            "canary_objects": of_settings(tenant_objects.canary_objects),
            "checked": checked,
            "entry_canaries": of_settings(canary_cases.entry_cases),
            "allowlist_objects": of_settings(allowlist),
            "allowlist_stages": of_settings(allowlist_other.allowlist_stages),
            "images": of_settings(lambda settings: list(settings.images)),
            "pod_security_kinds": of_settings(pod_security.pod_security_kinds),
            "pod_security_objects": of_settings(objects),
            "removed_kinds": lambda _: pod_security.all_kinds(),
            "tenant_bindings": of_settings(pod_security.tenant_bindings),
            "rule_canaries": of_settings(canary_cases.rule_cases),
            "summary": of_settings(tenant_objects.summary),
            "tenant_canaries": of_settings(canary_cases.tenant_cases),
            "tenant_objects": of_settings(tenant_objects.tenant_objects),
        }

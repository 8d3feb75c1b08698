"""What the roles ask of the logic in module_utils: inventory in, plain data out."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.buildkeep.ci.plugins.module_utils import canary_cases, tenant_objects
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.names import POLICY_PODS
from ansible_collections.buildkeep.ci.plugins.module_utils.policies import build_policies, options_of
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings, read_settings

Raw = Mapping[str, Any]


def _of_settings(work: Callable[..., Any]) -> Callable[..., Any]:
    """Make a filter over an inventory of a function over settings."""

    @wraps(work)
    def filtered(raw: Raw, *arguments: Any) -> Any:
        try:
            return work(read_settings(raw), *arguments)
        except BuildkeepError as error:
            raise AnsibleFilterError(str(error)) from error

    return filtered


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
        settings = read_settings({"tenants": [], **raw})
    except BuildkeepError as error:
        return {"problems": [*error.problems, *problems], "user": "", "groups": [], "namespaces": [], "access": {}}
    if settings.state == "absent":
        problems.append("buildkeep_state: absent is not for site.yml. To take everything away run buildkeep.ci.remove.")
    namespaces = [settings.controller.namespace]
    access = tenant_objects.access(settings)
    return {"problems": problems, "namespaces": namespaces, "access": access, **tenant_objects.identity(settings)}


def policies(settings: Settings, live: Sequence[Sequence[str]], priority: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Give all policies and bindings, with the allowlist of the cluster as it is now.

    Args:
        settings: of the inventory.
        live: what the lookup `buildkeep.ci.allowlist` gives: one list, or none where there is no policy yet.
        priority: what the lookup `buildkeep.ci.priority_class` gives: one name, or none.
    """
    return _build(settings, live[0] if live else [], priority)


def _build(settings: Settings, images: Sequence[str], priority: Sequence[str]) -> list[dict[str, Any]]:
    name = priority[0] if priority else ""
    return build_policies(
        settings.profiles,
        images,
        settings.controller,
        settings.prefix,
        priority_class=name,
        options=options_of(settings),
    )


def pods_policy(settings: Settings, priority: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Give the policy about pods alone, with the allowlist of the inventory; `priority` as for policies()."""
    built = _build(settings, settings.images, priority)
    return [one for one in built if one["metadata"]["name"] == POLICY_PODS]


class FilterModule:
    """The filters, by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Give Ansible the filters."""
        return {
            "access": _of_settings(tenant_objects.access),
            "allowlist_canaries": _of_settings(canary_cases.allowlist_cases),
            "canary_identity": _of_settings(tenant_objects.identity),
            "canary_objects": _of_settings(tenant_objects.canary_objects),
            "checked": checked,
            "entry_canaries": _of_settings(canary_cases.entry_cases),
            "pods_policy": _of_settings(pods_policy),
            "policies": _of_settings(policies),
            "rule_canaries": _of_settings(canary_cases.rule_cases),
            "summary": _of_settings(tenant_objects.summary),
            "tenant_canaries": _of_settings(canary_cases.tenant_cases),
            "tenant_objects": _of_settings(tenant_objects.tenant_objects),
        }

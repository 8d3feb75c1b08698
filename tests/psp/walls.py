"""Puts in place what the roles `pod_security` and `tenants` make for PodSecurityPolicies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ansible_collections.buildkeep.ci.plugins.module_utils import tenant_objects
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import render
from ansible_collections.buildkeep.ci.plugins.module_utils.psp import psp_bindings, psp_objects
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings

from testbed.apiserver import ApiServer
from tests.api.api import Object
from tests.api.apply_support import Engine

TEMPLATES = Path(__file__).resolve().parents[2] / "roles" / "tenants" / "templates"
PARTS = ("namespace", "serviceaccounts", "canary-role", "canary-rolebinding")


def _space(variables: Object, builders: Sequence[str], *more: str) -> list[Object]:
    made = render([str(TEMPLATES / f"{name}.yaml.j2") for name in (*PARTS, *more)], {}, [variables])
    return [*made, *psp_bindings(variables["namespace"], variables["name"], builders)]


def prepare(server: ApiServer, settings: Settings) -> None:
    """Apply the policies, the namespace for canaries, and the tenants' namespaces.

    Without their quota: nobody counts pods here, and what is not counted yet is refused.
    """
    canaries = _space(tenant_objects.canary_objects(settings), list(settings.profiles.builders), "resourcequota")
    Engine(server, "pod_security").run(*psp_objects(settings), *canaries)
    spaces = zip(settings.present, tenant_objects.tenant_objects(settings), strict=True)
    Engine(server, "tenants").run(*(item for tenant, one in spaces for item in _space(one, tenant.builders)))

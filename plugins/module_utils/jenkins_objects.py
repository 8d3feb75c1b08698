"""What the role jenkins makes beside the release: variables of its templates."""

from __future__ import annotations

from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import rbac_verbs
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings
from ansible_collections.buildkeep.ci.plugins.module_utils.names import PSA_PREFIX, PSA_VERSION

_LEVEL = "restricted"
_MODES = ("enforce", "audit", "warn")


def jenkins_objects(settings: JenkinsSettings) -> dict[str, Any]:
    """Give the variables: the namespace with its Pod Security labels, and what the side-car may do."""
    levels = {f"{PSA_PREFIX}{mode}": _LEVEL for mode in _MODES}
    return {
        "namespace": settings.namespace,
        "labels": {**levels, **{f"{label}-version": PSA_VERSION for label in levels}},
        "sidecar_role": f"{settings.name}-casc-reload",
        "sidecar_rules": rbac_verbs.rules(where=rbac_verbs.CONTROLLER),
        "service_account": settings.service_account,
    }

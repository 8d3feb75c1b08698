"""What the role jenkins makes beside the release: variables of its templates."""

from __future__ import annotations

from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import rbac_verbs
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings
from ansible_collections.buildkeep.ci.plugins.module_utils.pod_security_labels import pinned


def jenkins_objects(settings: JenkinsSettings) -> dict[str, Any]:
    """Give the variables: the namespace with its Pod Security labels, and what the side-car may do."""
    return {
        "namespace": settings.namespace,
        "labels": pinned("restricted"),
        "sidecar_role": f"{settings.name}-casc-reload",
        "sidecar_rules": rbac_verbs.rules(where=rbac_verbs.CONTROLLER),
        "service_account": settings.service_account,
    }

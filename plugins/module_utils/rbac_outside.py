"""What a Jenkins outside of the cluster logs in with: a ServiceAccount, and tokens that expire and are renewed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import manifests
from ansible_collections.buildkeep.ci.plugins.module_utils.controller import Controller
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings

IMAGE = "docker.io/library/python:3.13-alpine"
HOURS = 24
_ROLE = Path(__file__).resolve().parents[2] / "roles" / "rbac"
_ACCOUNT = ("outside-serviceaccount", "outside-secret")
_RENEWAL = tuple(f"renewal-{kind}" for kind in ("serviceaccount", "role", "rolebinding", "configmap", "cronjob"))
TEMPLATES = _ACCOUNT + _RENEWAL
# Kubernetes counts a step of hours from midnight on.
_LONGEST_STEP = 12
KINDS = (
    "v1/ServiceAccount",
    "v1/Secret",
    "v1/ConfigMap",
    "batch/v1/CronJob",
    "rbac.authorization.k8s.io/v1/Role",
    "rbac.authorization.k8s.io/v1/RoleBinding",
)


def outside(settings: Settings) -> list[dict[str, Any]]:
    """Give the objects in the controller's namespace; none where the controller is in the cluster.

    `buildkeep_controller.cluster.renewal` holds `secret` (name of a Secret with `user` and `token` of a user of
    Jenkins, and `ca.crt` where Jenkins has a private CA), `hours` (of a token's life) and `image`; without it nothing
    renews the token.
    """
    controller = settings.controller
    if not controller.cluster:
        return []
    renewal: Mapping[str, Any] = controller.cluster.get("renewal") or {}
    names = _ACCOUNT + (_RENEWAL if renewal else ())
    paths = [str(_ROLE / "templates" / f"{name}.yaml.j2") for name in names]
    return manifests.render(paths, _context(controller, renewal), None)


def _context(controller: Controller, renewal: Mapping[str, Any]) -> dict[str, Any]:
    hours = int(renewal.get("hours") or HOURS)
    bound = f"{controller.service_account}-token"
    env = {
        "API": "https://kubernetes.default.svc",
        "NAMESPACE": controller.namespace,
        "ACCOUNT": controller.service_account,
        "BOUND": bound,
        "HOURS": str(hours),
        "JENKINS_URL": f"{controller.url.rstrip('/')}/",
        "CREDENTIALS_ID": controller.cluster["credentialsId"],
        "LOGIN": "/login",
    }
    return {
        "namespace": controller.namespace,
        "account": controller.service_account,
        "bound": bound,
        "renewer": f"{controller.service_account}-token-renewal",
        "secret": renewal.get("secret", ""),
        "image": renewal.get("image") or IMAGE,
        "schedule": f"17 */{min(max(hours // 3, 1), _LONGEST_STEP)} * * *",
        "env": [{"name": name, "value": value} for name, value in env.items()],
        "script": (_ROLE / "files" / "renew.py").read_text(encoding="utf-8"),
    }

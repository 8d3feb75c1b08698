"""The chart `agent-templates` as the role uses it: rendered once for all tenants, and its pods tried before use."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.controller import values_of
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.names import CANARY_NAMESPACE, LABEL_TENANT, POLICY_PODS
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod import AgentInfo, Cloud, clouds, static_pod
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings, read_settings
from ansible_collections.buildkeep.ci.plugins.module_utils.tenants import Tenant

CHART = Path(__file__).resolve().parents[2] / "charts" / "agent-templates"
RELEASE = "buildkeep"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# No profile has it, and in the canaries' namespace no Pod Security level answers before the policy.
_FOREIGN_CAPABILITY = "SYS_ADMIN"


def chart_values(settings: Settings, deadline: int, *, user_namespaces: bool = False) -> dict[str, Any]:
    """Say an inventory in the chart's words.

    Args:
        settings: the checked inventory.
        deadline: seconds after which a builder's pod is ended.
        user_namespaces: whether the nodes give pods user namespaces.
    """
    return {
        "controller": values_of(settings.controller),
        "namespacePrefix": settings.prefix,
        "agent": {"image": settings.profiles.agent_image, "activeDeadlineSeconds": deadline},
        "builders": {name: {"image": profile.image} for name, profile in settings.profiles.builders.items()},
        "tenants": [_tenant(tenant) for tenant in settings.present],
        "userNamespaces": user_namespaces,
        "appArmor": settings.apparmor,
        "trustedCA": settings.trusted_ca,
        # The roles `tenants` and `rbac` make these.
        "serviceAccount": {"create": False},
        "rbac": {"create": False},
    }


def _tenant(tenant: Tenant) -> dict[str, Any]:
    cache = {"registry": tenant.cache, "claims": dict(tenant.cache_claims)}
    optional = {"push": tenant.push, "cache": {key: value for key, value in cache.items() if value}}
    return {
        "name": tenant.name,
        "builders": list(tenant.builders),
        "limits": {"pods": tenant.limits["pods"]},
        "seccomp": tenant.seccomp,
        **{key: value for key, value in optional.items() if value},
    }


def helm_template(helm: str, values: Mapping[str, Any], chart: Path = CHART) -> str:
    """Render the chart by one `helm template`, values through its standard input, without the test pod.

    Raises:
        BuildkeepError: when helm is missing, or refuses; with its words.
    """
    command = [helm, "template", RELEASE, str(chart), "--skip-tests", "--values", "-"]
    try:
        done = subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=False)
    except OSError as error:
        remedy = "install Helm 4 or 3, or set agent_templates_helm to its path"
        raise BuildkeepError([f"agent_templates_helm: cannot run {helm!r} ({error.strerror}); {remedy}"]) from None
    if done.returncode:
        raise BuildkeepError([f"helm template of {chart} failed: {done.stderr.strip()}"])
    return done.stdout


def canaries(settings: Settings, manifests: str) -> list[dict[str, Any]]:
    """List the pods to try: what each template really gives, and for each builder the same with one right too many.

    Args:
        settings: the checked inventory.
        manifests: what the chart renders for it.

    Returns:
        cases for the action `buildkeep.ci.canary`.

    Raises:
        BuildkeepError: when the rendered clouds are not what Jenkins and its plugin take.
    """
    objects = filter(None, yaml.load_all(manifests, Loader=_LOADER))
    found = clouds(item for item in objects if item["metadata"]["namespace"] == settings.controller.namespace)
    good = list(_good(settings, found))
    first: dict[str, dict[str, Any]] = {}
    # One right too many is a matter of policies; another backend has canaries of its own.
    for builder, case in good if settings.backend.policies else ():
        first.setdefault(builder, case)
    return [case for _, case in good] + [
        _bad(builder, case["pod"], "builder" if builder in settings.profiles.relaxed else "restricted")
        for builder, case in first.items()
    ]


def render(settings: Mapping[str, Any], helm: str, deadline: int, *, user_namespaces: bool = False) -> dict[str, Any]:
    """Do what the action `buildkeep.ci.render_templates` is for: the chart's objects, and the canaries for them.

    Raises:
        BuildkeepError: with every problem of the inventory, or of the rendering.
    """
    checked = read_settings(settings)
    manifests = helm_template(helm, chart_values(checked, deadline, user_namespaces=user_namespaces))
    return {"manifests": manifests, "canaries": canaries(checked, manifests)}


def _good(settings: Settings, found: Mapping[str, Cloud]) -> Iterator[tuple[str, dict[str, Any]]]:
    for tenant in settings.present:
        for builder in tenant.builders:
            name = f"{tenant.name}-{builder}"
            pod = static_pod(found[tenant.name], name, AgentInfo(f"canary-{name}", "none"))
            case = {"name": f"template {name}", "namespace": tenant.namespace, "pod": pod, "expect": "admitted"}
            yield builder, case


def _bad(builder: str, pod: Mapping[str, Any], rule: str) -> dict[str, Any]:
    changed = deepcopy(dict(pod))
    changed["metadata"]["namespace"] = CANARY_NAMESPACE
    changed["metadata"]["labels"][LABEL_TENANT] = CANARY_NAMESPACE
    container = next(one for one in changed["spec"]["containers"] if one["name"] == builder)
    security = container["securityContext"]
    security["capabilities"] = {**security["capabilities"], "add": [*_added(security), _FOREIGN_CAPABILITY]}
    return {
        "name": f"template of {builder} with {_FOREIGN_CAPABILITY}",
        "namespace": CANARY_NAMESPACE,
        "pod": changed,
        "expect": "refused",
        "policy": POLICY_PODS,
        "rule": rule,
    }


def _added(security: Mapping[str, Any]) -> list[str]:
    added: list[str] = security["capabilities"].get("add") or []
    return added

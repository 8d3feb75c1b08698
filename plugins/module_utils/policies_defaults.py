"""The optional policy that fills in what a pod of a tenant leaves out: strict values only, and only what is absent.

It takes nothing away from the rules: they see the pod afterwards, and a builder is left as it is, for its profile says
what it needs. It is evaluated where MutatingAdmissionPolicy is v1 only (Kubernetes 1.36), so its CEL may be newer than
that of the rules. Apply configurations cannot set capabilities, whose lists are atomic; JSON patches can.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import images, manifests, names
from ansible_collections.buildkeep.ci.plugins.module_utils.cel import literal
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profiles
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings

TEMPLATES = Path(__file__).resolve().parents[2] / "roles" / "pod_security" / "templates"
POLICY_DEFAULTS = "buildkeep-defaults"
# Field of the pod's spec, and its value where it is absent.
_POD: Mapping[str, str] = {"automountServiceAccountToken": "false"}
# Field of the pod's securityContext, which the API server itself fills in where there is none.
_POD_SECURITY: Mapping[str, str] = {"seccompProfile": "{'type': 'RuntimeDefault'}"}
# Field of a container's securityContext: (its value, whether the pod's own holds for the container as well).
_CONTAINER: Mapping[str, tuple[str, bool]] = {
    "allowPrivilegeEscalation": ("false", False),
    "runAsNonRoot": ("true", True),
    "capabilities": ("{'drop': ['ALL']}", False),
}


def build_defaults(settings: Settings) -> list[dict[str, Any]]:
    """Give the policy and its binding, or nothing where the inventory or the cluster has none."""
    if not (settings.pod_defaults and settings.backend.mutations):
        return []
    context = {"name": POLICY_DEFAULTS, **defaults_context(settings.profiles, settings.break_glass)}
    paths = [str(TEMPLATES / name) for name in ("defaults.yaml.j2", "defaults-binding.yaml.j2")]
    return manifests.render(paths, context, None)


def served_problem(pod_defaults: bool, served: bool) -> str | None:
    """Say that the policy is wanted where an API server does not serve its kind; None where all is well."""
    if served or not pod_defaults:
        return None
    return (
        "buildkeep_pod_defaults: the cluster serves no MutatingAdmissionPolicy (Kubernetes 1.36 and newer do). "
        "Leave it out; agent templates have these values anyway."
    )


def defaults_context(profiles: Profiles, break_glass: str = "") -> dict[str, Any]:
    """Give what the templates insert.

    Args:
        profiles: the profile table; containers with the image of a builder are left as they are.
        break_glass: group whose members' pods are left as they are, or empty.
    """
    marks = [f"{images.repository(one.image)}{end}" for one in profiles.relaxed.values() for end in (":", "@")]
    return {
        "conditions": list(_conditions(break_glass)),
        "mutations": [_of_pod(), *(_of_containers(field, marks) for field in ("containers", "initContainers"))],
        "label_tenant": names.LABEL_TENANT,
        "label_mode": names.LABEL_MODE,
        "canary_namespace": names.CANARY_NAMESPACE,
        "system_namespace": names.SYSTEM_NAMESPACE,
    }


def _conditions(break_glass: str) -> Iterable[dict[str, str]]:
    # A Windows pod can drop no capability; the rules refuse it.
    yield {"name": "linux", "expression": "object.spec.?os.?name.orValue('linux') == 'linux'"}
    if break_glass:
        groups = f"!({literal(break_glass)} in request.userInfo.groups)"
        yield {"name": "no-emergency", "expression": groups}


def _of_pod() -> str:
    context = "object.spec.?securityContext"
    parts = [_absent(f"object.spec.?{field}", f"'/spec/{field}'", value) for field, value in _POD.items()]
    parts.append(_absent(context, "'/spec/securityContext'", "Object.spec.securityContext{}"))
    for field, value in _POD_SECURITY.items():
        parts.append(_absent(f"{context}.?{field}", f"'/spec/securityContext/{field}'", value))
    return " + ".join(parts)


def _of_containers(field: str, marks: Iterable[str]) -> str:
    """Write the patch of all containers in a list of the spec.

    Privileged ones are left to the rules: without privilege escalation the API refuses them, in words of its own.
    """
    one, path = f"object.spec.{field}[i]", f"'/spec/{field}/' + string(i) + '/securityContext"
    context = f"{one}.?securityContext"
    parts = [_absent(context, f"{path}'", f"Object.spec.{field}.securityContext{{}}")]
    for name, (value, of_pod) in _CONTAINER.items():
        more = f" && !object.spec.?securityContext.?{name}.hasValue()" if of_pod else ""
        parts.append(_absent(f"{context}.?{name}", f"{path}/{name}'", value, more))
    capabilities = f" && {context}.?capabilities.hasValue()"
    parts.append(_absent(f"{context}.?capabilities.?drop", f"{path}/capabilities/drop'", "['ALL']", capabilities))
    spared = (
        f"{literal(list(marks))}.exists(m, {one}.?image.orValue('').startsWith(m)) || "
        f"{context}.?privileged.orValue(false) || "
        f"{context}.?capabilities.?add.orValue([]).exists(k, k in ['SYS_ADMIN', 'CAP_SYS_ADMIN'])"
    )
    return (
        f"lists.range(size(object.spec.?{field}.orValue([]))).filter(i, !({spared}))"
        f".map(i, {' + '.join(parts)}).flatten()"
    )


def _absent(value: str, path: str, filled: str, more: str = "") -> str:
    patch = f"[JSONPatch{{op: 'add', path: {path}, value: {filled}}}]"
    return f"(!{value}.hasValue(){more} ? {patch} : [])"

"""The policies as static manifests, which an API server reads from its own disk at its start (KEP-5793).

They hold from the first request on and nobody can change them through the API. They may have no params, and their names
end so that no object of the API can have them (apiserver, pkg/admission/plugin/policy/manifest/loader).
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from ansible_collections.buildkeep.ci.plugins.module_utils.backends import Backend
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import Object, own
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import render as render_templates
from ansible_collections.buildkeep.ci.plugins.module_utils.pod_security import pod_security_objects
from ansible_collections.buildkeep.ci.plugins.module_utils.policies import policy_context
from ansible_collections.buildkeep.ci.plugins.module_utils.render_files import marked
from ansible_collections.buildkeep.ci.plugins.module_utils.render_layout import object_path
from ansible_collections.buildkeep.ci.plugins.module_utils.render_options import STATIC_SINCE
from ansible_collections.buildkeep.ci.plugins.module_utils.render_yaml import to_yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings

SUFFIX = ".static.k8s.io"
FOLDER = PurePosixPath("static")
# Apart from the configuration: of this folder the API server reads every file as a policy.
MANIFESTS = FOLDER / "policies"
CONFIGURATION = FOLDER / "admission-configuration.yaml"
# Where the manifests are to be on the machines of the control plane.
ON_MACHINES = "/etc/kubernetes/buildkeep/policies"
_GUARD = "buildkeep-policies"
_TEMPLATES = Path(__file__).resolve().parents[2] / "roles" / "pod_security" / "templates"
_POLICY, _BINDING = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"
_CONFIG_GROUP = "apiserver.config.k8s.io/v1"


def static_problem(version: tuple[int, int], backend: Backend | None) -> str:
    """Say why a cluster can have no static manifests, with the remedy; empty where it can."""
    if version < STATIC_SINCE or (backend is not None and not backend.policies):
        oldest = ".".join(map(str, STATIC_SINCE))
        return f"buildkeep_render_static: needs Kubernetes {oldest} and its policies; leave it out for this cluster"
    return ""


def static_files(settings: Settings, priority_class: str = "") -> dict[PurePosixPath, str]:
    """Give the text of each file by its path: the manifests, and the API server's admission configuration."""
    found = {MANIFESTS / object_path(item): marked(to_yaml(item)) for item in static_objects(settings, priority_class)}
    return {**found, CONFIGURATION: marked(to_yaml(configuration()))}


def static_objects(settings: Settings, priority_class: str = "") -> list[Object]:
    """Give the policies and bindings under names for static manifests, and one more that guards those of the API."""
    found = pod_security_objects(settings, settings.images, priority_class)
    guard = render_templates([str(_TEMPLATES / "policies.yaml.j2")], policy_context(settings), None)
    binding = {"name": _GUARD, "policy": _GUARD, "actions": ["Deny"], "selector": []}
    guard += render_templates([str(_TEMPLATES / "binding.yaml.j2")], {"binding": binding}, None)
    policies = [item for item in [*found, *guard] if item["kind"] in (_POLICY, _BINDING)]
    return own([_renamed(item) for item in policies], "pod_security")


def configuration(folder: str = ON_MACHINES) -> Object:
    """Give the file for the flag --admission-control-config-file, with the manifests in this folder."""
    inner = {
        "apiVersion": _CONFIG_GROUP,
        "kind": "ValidatingAdmissionPolicyConfiguration",
        "staticManifestsDir": folder,
    }
    return {
        "apiVersion": _CONFIG_GROUP,
        "kind": "AdmissionConfiguration",
        "plugins": [{"name": "ValidatingAdmissionPolicy", "configuration": inner}],
    }


def _renamed(item: Object) -> Object:
    spec = item["spec"]
    if item["kind"] == _BINDING:
        spec = {**spec, "policyName": spec["policyName"] + SUFFIX}
    return {**item, "metadata": {**item["metadata"], "name": item["metadata"]["name"] + SUFFIX}, "spec": spec}

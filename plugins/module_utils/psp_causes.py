"""Why a PodSecurityPolicy did not refuse what it must: the plugin is off, or a policy of others lets the pod in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.canaries import Case, Reply
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster
from ansible_collections.buildkeep.ci.plugins.module_utils.names import CANARY_GROUP, SA_DEFAULT
from ansible_collections.buildkeep.ci.plugins.module_utils.psp import PREFIX

ANNOTATION = "kubernetes.io/psp"
_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_WORDS = "PodSecurityPolicy:"
# Any pod does: the plugin refuses it, or writes which policy let it in.
_PROBE = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "buildkeep-canary"},
    "spec": {"containers": [{"name": "canary", "image": "canary.buildkeep.invalid/foreign:1"}]},
}
_PROBED = "default"
OFF = (
    "the API server serves PodSecurityPolicy but does not enforce it, for its admission plugin of that name is off: "
    "give the system's own namespaces policies first, else their pods are refused, then add PodSecurityPolicy to "
    "--enable-admission-plugins; or write buildkeep_backend: psa"
)


def psp_cause(cluster: Cluster, case: Case, reply: Reply) -> str:
    """Say why a pod was let in, and what to do. Raises ApiError where the cluster may not be asked."""
    if not reply.by and plugin_is_on(cluster) is False:
        return OFF
    return sentence([reply.by] if reply.by else usable(cluster, case))


def sentence(policies: Sequence[str]) -> str:
    """Say which policies let a pod in that none must.

    Args:
        policies: names of those that the pod's ServiceAccount or whoever sends the request may use.
    """
    others = [name for name in policies if not name.startswith(PREFIX)]
    if others:
        return (
            f"{' or '.join(others)}, a PodSecurityPolicy that Buildkeep did not make, lets it in: take the right to "
            "`use` it from the pod's ServiceAccount and from the controller, and from the groups system:authenticated, "
            "system:serviceaccounts and that of the namespace; bind it to those who need it"
        )
    if not policies:
        return OFF
    return f"{' or '.join(policies)} is not the policy of this release; run the role pod_security"


def plugin_is_on(cluster: Cluster) -> bool | None:
    """Tell whether the API server enforces PodSecurityPolicies, by a dry run; None where that shows neither."""
    path = f"{cluster.resource('v1', 'Pod').path(_PROBED)}"
    try:
        answer = cluster.client.request(
            "POST", path, _PROBE, query={"dryRun": "All"}, what="see whether the plugin PodSecurityPolicy is on"
        )
    except ApiError as error:
        return True if _WORDS in error.server_message else None
    return ANNOTATION in (answer.body["metadata"].get("annotations") or {})


def usable(cluster: Cluster, case: Case) -> list[str]:
    """Name the PodSecurityPolicies that the pod's ServiceAccount, or whom the case names as its user, may use."""
    account = case.pod["spec"].get("serviceAccountName", SA_DEFAULT)
    users = [f"system:serviceaccount:{case.namespace}:{account}", *([case.user] if case.user else [])]
    names = [item["metadata"]["name"] for item in cluster.list(cluster.resource("policy/v1beta1", "PodSecurityPolicy"))]
    return sorted(name for name in names if any(_may_use(cluster, user, case.namespace, name) for user in users))


def _may_use(cluster: Cluster, user: str, namespace: str, policy: str) -> bool:
    attributes = {"group": "policy", "resource": "podsecuritypolicies", "verb": "use", "name": policy}
    groups = ["system:authenticated"]
    if user.startswith("system:serviceaccount:"):
        groups += ["system:serviceaccounts", f"system:serviceaccounts:{user.split(':')[2]}"]
    spec: dict[str, Any] = {
        "user": user,
        "groups": [*groups, CANARY_GROUP],
        "resourceAttributes": {**attributes, "namespace": namespace},
    }
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    answer = cluster.client.request("POST", _REVIEWS, body, what=f"ask who may use PodSecurityPolicy {policy}")
    return bool(answer.body["status"].get("allowed"))

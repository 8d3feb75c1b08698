"""Who the cluster's own controllers are, for the policies that guard more than pods.

They are let through by their exact user names: a right to change an object somewhere else would make a deputy of every
operator that acts on what a tenant writes. An operator that must write such objects in tenants' namespaces gets the
verb `manage`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import cel, names, scc_bindings

_CONTROLLERS = "system:serviceaccount:kube-system:"
_OPENSHIFT = "system:serviceaccount:openshift-infra:"
# Runs its token controller, and where it was given no accounts of their own all its controllers, under this name
# (kubernetes, cmd/kube-controller-manager/app/controllermanager.go).
_MANAGER = "system:kube-controller-manager"

# kubernetes, pkg/controller/{endpoint,endpointslice,endpointslicemirroring}.
ENDPOINT_CONTROLLERS = (
    _MANAGER,
    *(f"{_CONTROLLERS}{name}-controller" for name in ("endpoint", "endpointslice", "endpointslicemirroring")),
)
# The first creates `default`, the second marks and removes tokens of old. OpenShift's create `builder` and `deployer`,
# and give every ServiceAccount a pull secret for the cluster's own registry, for which they ask for its tokens
# (openshift-controller-manager, pkg/serviceaccounts/controllers and pkg/internalregistry/controllers).
ACCOUNT_CONTROLLERS = (
    _MANAGER,
    f"{_CONTROLLERS}service-account-controller",
    f"{_CONTROLLERS}legacy-service-account-token-cleaner",
    f"{_OPENSHIFT}serviceaccount-controller",
    f"{_OPENSHIFT}serviceaccount-pull-secrets-controller",
)
# What gives pods the identity of their ServiceAccount on a node of GKE, chosen by the pod's address. Google does not
# write down whether it asks under this name or as the node.
TOKEN_GIVERS = (f"{_CONTROLLERS}gke-metadata-server",)
# Annotations of objects that concern nobody but the tools that wrote the objects.
TOOL_ANNOTATIONS = ("kubectl.kubernetes.io/", "helm.sh/", "meta.helm.sh/")

# API groups of whose kinds each is a way into a namespace: the Gateway API, and what is older than it. The last two are
# GKE's own and that which leads in from other clusters.
ROUTE_GROUPS = (
    "gateway.networking.k8s.io",
    "gateway.networking.x-k8s.io",
    "route.openshift.io",
    "traefik.io",
    "traefik.containo.us",
    "projectcontour.io",
    "k8s.nginx.org",
    "networking.istio.io",
    "getambassador.io",
    "configuration.konghq.com",
    "networking.gke.io",
    "multicluster.x-k8s.io",
)

# About what is in no tenant's namespace, and no label of ours: the mode of the cluster holds.
BY_CLUSTER = (names.POLICY_PERSISTENTVOLUMES, names.POLICY_CONFIGMAPS)

# Beginnings of keys by which a namespace gives its pods identities, nodes and a mesh of other programs. OpenShift's own
# controllers write others (openshift.io/sa.scc.*).
NAMESPACE_KEYS = (
    "openshift.io/node-selector",
    "iam.amazonaws.com/",
    "eks.amazonaws.com/",
    "istio-injection",
    "istio.io/",
    "sidecar.istio.io/",
    "linkerd.io/",
    "config.linkerd.io/",
)

# Whether an update is one of an object that the playbook wrote; the chart's have Helm's label instead.
_LABELS = "oldObject.metadata.?labels"
_MADE_BY_US = (
    f"request.operation == 'UPDATE' && {_LABELS}[{cel.literal(names.LABEL_MANAGED_BY)}].orValue('') == "
    f"{cel.literal(names.MANAGED_BY)} && {_LABELS}[{cel.literal(names.LABEL_ROLE)}].hasValue()"
)


def context(user: str, controller: str) -> Mapping[str, Any]:
    """Give what the templates of these policies insert under the name `guards`.

    Args:
        user: of the controller, `system:serviceaccount:<namespace>:<name>`.
        controller: its name.
    """
    return {
        "sidecar_label": controller + names.SIDECAR_SUFFIX,
        # In the second one the rule is proven, by who has no right in the first.
        "sidecar_namespaces": [user.split(":")[2], names.CANARY_NAMESPACE],
        "endpoint_controllers": list(ENDPOINT_CONTROLLERS),
        "account_controllers": list(ACCOUNT_CONTROLLERS),
        "token_givers": list(TOKEN_GIVERS),
        "tool_annotations": list(TOOL_ANNOTATIONS),
        "namespace_keys": list(NAMESPACE_KEYS),
        "route_groups": list(ROUTE_GROUPS),
        "mark_prefix": f"{names.DOMAIN}/",
        "manager": f"whoever has the verb {names.MANAGE_VERB} on {names.MANAGE_RESOURCE}.{names.MANAGE_GROUP}",
        "made_by_us": _MADE_BY_US,
        "openshift_binder": scc_bindings.OPENSHIFT_CREATOR,
        "openshift_bindings": {name: _binding(*content) for name, content in scc_bindings.OPENSHIFT.items()},
    }


def _binding(role: str, kind: str, subject: str) -> list[str]:
    """The ClusterRole, and what stands before and after the namespace in the subject as the policy writes it."""
    if kind == "ServiceAccount":
        return [role, "system:serviceaccount:", f":{subject}"]
    before, _, after = subject.partition("{namespace}")
    return [role, f"{kind} {before}", after]

"""Rights that own a cluster, or a node of it, where no wall stands: what is asked about the controller.

Sources: kubernetes.io, "Role Based Access Control Good Practices", section "Privilege escalation risks"; what runs pods
is each kind that holds a pod template.
"""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.buildkeep.ci.plugins.module_utils.names import MANAGE_GROUP, MANAGE_RESOURCE, MANAGE_VERB
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight import Right

Row = tuple[str, str, tuple[str, ...]]
_RBAC = "rbac.authorization.k8s.io"
_ADMISSION = "admissionregistration.k8s.io"
_WRITE = ("create", "patch", "update")
_ALL = (*_WRITE, "delete", "deletecollection")


def _rights(rows: Sequence[Row]) -> tuple[Right, ...]:
    return tuple(Right(verb, group, resource) for group, resource, verbs in rows for verb in verbs)


# Who has this has all of the others.
EVERYTHING = Right("*", "*", "*")
# Asked about every namespace, since an authorizer that is not RBAC (a cloud's IAM) shows in no object of the cluster.
TELLING = _rights(
    (
        ("", "pods", ("create",)),
        ("", "pods/exec", ("create",)),
        ("", "secrets", ("get", "list")),
    )
)
# Asked about all namespaces at once, and about those in which a RoleBinding names the controller.
FURTHER = _rights(
    (
        ("apps", "daemonsets", _WRITE),
        ("apps", "deployments", _WRITE),
        ("apps", "statefulsets", _WRITE),
        ("apps", "replicasets", _WRITE),
        ("batch", "jobs", _WRITE),
        ("batch", "cronjobs", _WRITE),
        ("", "replicationcontrollers", _WRITE),
        ("", "pods", ("patch", "update")),
        ("", "pods/ephemeralcontainers", ("patch", "update")),
        # Before Kubernetes 1.35 a command by websocket is a `get`.
        ("", "pods/exec", ("get",)),
        ("", "pods/attach", ("create", "get")),
        ("", "pods/binding", ("create",)),
        ("", "bindings", ("create",)),
        ("", "secrets", ("watch",)),
        ("", "serviceaccounts/token", ("create",)),
        ("", "serviceaccounts", ("impersonate",)),
        (_RBAC, "rolebindings", _WRITE),
        (_RBAC, "roles", ("bind", "escalate")),
    )
)
# Of no namespace. The named ones are those with which a right on any name is the worst; whoever may with every name
# may with this one as well.
CLUSTER_WIDE = (
    Right(MANAGE_VERB, MANAGE_GROUP, MANAGE_RESOURCE),
    Right("impersonate", "", "users"),
    Right("impersonate", "", "groups", name="system:masters"),
    Right("bind", _RBAC, "clusterroles", name="cluster-admin"),
    *_rights(
        (
            ("", "nodes/proxy", ("get", "create")),
            (_RBAC, "clusterroles", ("escalate", *_WRITE)),
            (_RBAC, "clusterrolebindings", _WRITE),
            (_ADMISSION, "validatingadmissionpolicies", _ALL),
            (_ADMISSION, "validatingadmissionpolicybindings", _ALL),
            (_ADMISSION, "mutatingadmissionpolicies", _ALL),
            (_ADMISSION, "mutatingadmissionpolicybindings", _ALL),
            (_ADMISSION, "validatingwebhookconfigurations", _ALL),
            (_ADMISSION, "mutatingwebhookconfigurations", _ALL),
            ("", "persistentvolumes", ("create",)),
            ("", "namespaces", ("patch", "update")),
            ("certificates.k8s.io", "certificatesigningrequests/approval", ("patch", "update")),
        )
    ),
)


def manage(namespaces: Sequence[str]) -> tuple[Right, ...]:
    """The right to change single tenants, which a ClusterRole with `resourceNames` gives.

    Args:
        namespaces: of tenants.
    """
    return tuple(Right(MANAGE_VERB, MANAGE_GROUP, MANAGE_RESOURCE, name=name) for name in namespaces)

"""What stands on the mutation tests' API server beside the mutants: a kind of others, rights, and a last policy."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.buildkeep.ci.plugins.module_utils.scc_bindings import OPENSHIFT_CREATOR

from tests.api.api import RBAC, Api, Object, until
from tests.api.conftest import bind

_GROUP = "rbac.authorization.k8s.io"
_CLEANUP, _ENDPOINTS = (f"system:serviceaccount:kube-system:{name}-controller" for name in ("namespace", "endpoint"))
_NAMES = ("dev", _CLEANUP, _ENDPOINTS, OPENSHIFT_CREATOR, "system:node:n", "system:serviceaccount:jenkins:jenkins")
# In every mutant's namespace: all rights for those who ask, but not that of whoever manages tenants.
EVERYBODY: Object = {
    "metadata": {"name": "everybody"},
    "roleRef": {"apiGroup": _GROUP, "kind": "ClusterRole", "name": "all"},
    "subjects": [{"kind": "User", "apiGroup": _GROUP, "name": name} for name in _NAMES],
}
# Refuses namespaces that are labelled so; shows that the server has read every policy that was made before.
END: Object = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicy",
    "metadata": {"name": "end"},
    "spec": {
        "matchConstraints": {
            "resourceRules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["namespaces"]}
            ]
        },
        "validations": [{"expression": "false"}],
    },
}
_SCHEMA = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
# A kind of route, as the Gateway API installs it.
_ROUTES: Object = {
    "metadata": {
        "name": "httproutes.gateway.networking.k8s.io",
        "annotations": {"api-approved.kubernetes.io": "unapproved, a stand-in"},
    },
    "spec": {
        "group": "gateway.networking.k8s.io",
        "names": {"plural": "httproutes", "kind": "HTTPRoute"},
        "scope": "Namespaced",
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": _SCHEMA}],
    },
}


def furnish(server: Api) -> None:
    """Make what the cases and probes need."""
    server.create("/apis/node.k8s.io/v1/runtimeclasses", {"metadata": {"name": "weak"}, "handler": "runc"}).done()
    server.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", _ROUTES).done()
    until(lambda: server.request("GET", "/apis/gateway.networking.k8s.io/v1/httproutes"), lambda answer: answer.ok)
    groups = ["", _GROUP, "apps", "batch", "discovery.k8s.io", "networking.k8s.io", "gateway.networking.k8s.io"]
    everything = [{"apiGroups": groups, "resources": ["*"], "verbs": ["*"]}]
    of_cluster = ["namespaces", "namespaces/status", "namespaces/finalize", "persistentvolumes"]
    for name, granted in (("all", everything), ("cluster", [{**everything[0], "resources": of_cluster}])):
        server.create(f"{RBAC}/clusterroles", {"metadata": {"name": name}, "rules": granted}).done()
    bind(server, f"{RBAC}/clusterrolebindings", "ClusterRole", "cluster", "dev")


def users(server: Api) -> Mapping[str, Api]:
    """Who asks: `dev` holds every right in the mutants' namespaces but manages no tenants."""
    return {
        "admin": server,
        "dev": server.user("dev"),
        "controller": server.account("jenkins", "jenkins"),
        "cleanup": server.user(_CLEANUP),
        "endpoints": server.user(_ENDPOINTS),
        "openshift": server.user(OPENSHIFT_CREATOR),
        "scheduler": server.user("system:kube-scheduler"),
        "node": server.user("system:node:n", "system:nodes"),
    }

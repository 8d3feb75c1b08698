"""Ways into a namespace that a cluster gets with what is installed on it: kinds of gateways, routes and the like."""

from __future__ import annotations

import pytest

from tests.api.api import Answer, Api, Object, until
from tests.api.guarded import almighty, one, sentence

SPACE = "ci-routes"
LEADS = "Service of type ClusterIP; the cluster itself writes its endpoints"
# Group, version, plural and kind of one resource of each.
INSTALLED = [
    ("gateway.networking.k8s.io", "v1", "gateways", "Gateway"),
    ("route.openshift.io", "v1", "routes", "Route"),
    ("traefik.io", "v1alpha1", "ingressroutes", "IngressRoute"),
    ("projectcontour.io", "v1", "httpproxies", "HTTPProxy"),
    ("k8s.nginx.org", "v1", "virtualservers", "VirtualServer"),
    ("networking.istio.io", "v1", "virtualservices", "VirtualService"),
    ("gateway.networking.x-k8s.io", "v1alpha1", "xlistenersets", "XListenerSet"),
    ("traefik.containo.us", "v1alpha1", "ingressroutes", "IngressRoute"),
    ("getambassador.io", "v3alpha1", "mappings", "Mapping"),
    ("configuration.konghq.com", "v1beta1", "tcpingresses", "TCPIngress"),
    ("networking.gke.io", "v1", "frontendconfigs", "FrontendConfig"),
    ("multicluster.x-k8s.io", "v1alpha1", "serviceexports", "ServiceExport"),
]


def definition(group: str, version: str, plural: str, kind: str) -> Object:
    """A CustomResourceDefinition that takes anything."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    served = {"name": version, "served": True, "storage": True, "schema": schema, "subresources": {"status": {}}}
    names = {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}
    # Groups of the Kubernetes project are kept for what it approves.
    approved = {"api-approved.kubernetes.io": "unapproved, for a test"}
    return {
        "metadata": {"name": f"{plural}.{group}", "annotations": approved},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [served]},
    }


@pytest.fixture(scope="module")
def dev(admin: Api, shop: str) -> Api:
    """A user with every right in the namespace of a cluster where all of them are installed."""
    user = almighty(admin, SPACE)
    for row in INSTALLED:
        admin.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition(*row)).done()
    return user


@pytest.mark.parametrize(("group", "version", "plural", "kind"), INSTALLED, ids=[row[0] for row in INSTALLED])
def test_only_managers_lead_in(admin: Api, dev: Api, group: str, version: str, plural: str, kind: str) -> None:
    path = f"/apis/{group}/{version}/namespaces/{SPACE}/{plural}"
    made = {"apiVersion": f"{group}/{version}", "kind": kind, "metadata": {"name": "x"}, "spec": {"to": "x"}}

    def make() -> Answer:
        return admin.create(path, made)

    until(make, lambda answer: answer.ok)
    other = {**made, "metadata": {"name": "other"}}
    expected = one("services", "kind", kind, LEADS)
    assert sentence(dev.create(path, other, dry=True), "services") == expected
    assert sentence(dev.patch(f"{path}/x", {"spec": {"to": "y"}}, dry=True), "services") == expected
    noted = sentence(dev.patch(f"{path}/x", {"metadata": {"annotations": {"a": "b"}}}, dry=True), "services")
    assert noted == one("services", "metadata.annotations", "dev", "components of the cluster")
    assert dev.patch(f"{path}/x/status", {"status": {"admitted": True}}, dry=True).ok
    assert dev.patch(f"{path}/x", {"metadata": {"finalizers": ["example.com/x"]}}, dry=True).ok
    assert dev.request("DELETE", f"{path}/x").ok

"""Services, endpoints and Ingresses in a tenant's namespace: nothing leads in, and nobody's traffic is taken over."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.api import Api, Object
from tests.api.guarded import CONTROLLERS, allow, almighty, grant, manage, one, sentence

SPACE = "ci-services"
CORE = f"/api/v1/namespaces/{SPACE}"
SLICES = f"/apis/discovery.k8s.io/v1/namespaces/{SPACE}/endpointslices"
INGRESSES = f"/apis/networking.k8s.io/v1/namespaces/{SPACE}/ingresses"
LEADS = "Service of type ClusterIP; the cluster itself writes its endpoints"
ADDRESSES = {"subsets": [{"addresses": [{"ip": "10.0.0.9"}], "ports": [{"port": 443}]}]}
SLICE = {"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.9"]}], "ports": [{"port": 443}]}
NEG = '{"ingress":true}'
INGRESS = {"spec": {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}}}


def service(name: str = "web", **spec: Any) -> Object:
    """A Service."""
    return {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}], "selector": {"app": "web"}, **spec}}


def named(name: str, body: Object) -> Object:
    """An object with a name."""
    return {"metadata": {"name": name}, **body}


@pytest.fixture(scope="module")
def dev(admin: Api, shop: str) -> Api:
    """A user with every right in the namespace, which has a Service of its own and one from before."""
    user = almighty(admin, SPACE)
    user.create(f"{CORE}/services", service("inside")).done()
    # Made by whoever manages tenants, so as if it had stood there when the namespace became a tenant's.
    admin.create(f"{CORE}/services", service("before", type="LoadBalancer", externalIPs=["192.0.2.7"])).done()
    admin.create(f"{CORE}/endpoints", named("before", ADDRESSES)).done()
    admin.create(INGRESSES, named("before", INGRESS)).done()
    return user


BAD_SERVICES = [
    ({"type": "NodePort"}, [one("services", "spec.type", "NodePort", "ClusterIP")]),
    ({"type": "LoadBalancer"}, [one("services", "spec.type", "LoadBalancer", "ClusterIP")]),
    (
        {"type": "ExternalName", "externalName": "evil.example", "selector": None},
        [one("services", "spec.type", "ExternalName", "ClusterIP")],
    ),
    ({"externalIPs": ["10.0.0.1", "192.0.2.1"]}, [one("services", "spec.externalIPs", "10.0.0.1, 192.0.2.1", "none")]),
    (
        {"type": "NodePort", "externalIPs": ["192.0.2.1"]},
        [
            one("services", "spec.type", "NodePort", "ClusterIP"),
            one("services", "spec.externalIPs", "192.0.2.1", "none"),
        ],
    ),
]


@pytest.mark.parametrize(("spec", "sentences"), BAD_SERVICES, ids=str)
def test_a_service_stays_inside(admin: Api, dev: Api, spec: Object, sentences: list[str]) -> None:
    expected = "; ".join(sentences)
    assert sentence(dev.create(f"{CORE}/services", service(**spec), dry=True), "services") == expected
    changed = dev.patch(f"{CORE}/services/inside", {"spec": spec}, dry=True)
    assert sentence(changed, "services") == expected
    assert admin.create(f"{CORE}/services", service(**spec), dry=True).ok


@pytest.mark.parametrize("spec", [{}, {"clusterIP": "None"}, {"selector": None}, {"type": "ClusterIP"}], ids=str)
def test_services_of_the_cluster_are_free(dev: Api, spec: Object) -> None:
    answer = dev.create(f"{CORE}/services", service(**spec), dry=True)
    assert answer.ok and not answer.warnings, answer.message


def test_annotations_of_a_service_are_orders(admin: Api, dev: Api) -> None:
    allowed = "keys without slash, and those of kubectl and Helm"
    key = "external-dns.alpha.kubernetes.io/hostname"
    orders = {key: "www.example.com"}
    expected = one("services", "metadata.annotations", key, allowed)
    made = service()
    made["metadata"]["annotations"] = orders
    inside = f"{CORE}/services/inside"
    for answer in (
        dev.create(f"{CORE}/services", made, dry=True),
        dev.patch(inside, {"metadata": {"annotations": orders}}, dry=True),
        dev.patch(f"{inside}/status", {"metadata": {"annotations": orders}}, dry=True),
    ):
        assert sentence(answer, "services") == expected
    made["metadata"]["annotations"] = {"a": "b", "meta.helm.sh/release-name": "x", "cloud.google.com/neg": NEG}
    assert dev.create(f"{CORE}/services", made, dry=True).ok
    other = {"metadata": {"annotations": {"cloud.google.com/neg": '{"exposed_ports":{"80":{}}}'}}}
    assert "[services]" in sentence(dev.patch(inside, other, dry=True), "services")
    allow(admin, "system:neg", "", ["services"], ["patch", "update"])
    assert admin.user("system:neg").patch(inside, other, dry=True).ok


def test_in_mode_audit_all_of_it_only_warns(admin: Api, audit: str) -> None:
    grant(admin, "auditdev", {"apiGroups": ["*"], "resources": ["services", "serviceaccounts"], "verbs": ["create"]})
    grant(admin, "auditdev", {"apiGroups": ["*"], "resources": ["persistentvolumeclaims"], "verbs": ["create"]})
    user, path = admin.user("auditdev"), f"/api/v1/namespaces/{audit}"
    size = {"requests": {"storage": "1Gi"}}
    claim = {"metadata": {"name": "x"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": size}}
    for kind, body, policy in (
        ("services", service(type="NodePort"), "services"),
        ("serviceaccounts", {"metadata": {"name": "x", "annotations": {"a": "b"}}}, "serviceaccounts"),
        ("persistentvolumeclaims", claim, "claims"),
    ):
        answer = user.create(f"{path}/{kind}", body, dry=True)
        assert answer.ok and any(f"buildkeep-{policy}-audit" in text for text in answer.warnings), answer


def test_what_stood_there_before_can_live_and_go(dev: Api) -> None:
    old = f"{CORE}/services/before"
    assert dev.patch(old, {"metadata": {"labels": {"a": "b"}, "finalizers": ["example.com/x"]}}, dry=True).ok
    more = dev.patch(old, {"spec": {"ports": [{"port": 81}]}}, dry=True)
    assert sentence(more, "services").startswith("[services] field spec.type: ")
    assert dev.patch(old, {"spec": {"type": "ClusterIP", "externalIPs": None}}, dry=True).ok
    assert dev.patch(f"{INGRESSES}/before", {"metadata": {"finalizers": ["example.com/x"]}}, dry=True).ok
    for path in (old, f"{CORE}/endpoints/before", f"{INGRESSES}/before"):
        assert dev.request("DELETE", f"{path}?dryRun=All").ok


def test_a_load_balancers_address_is_written_by_the_cluster(admin: Api, dev: Api) -> None:
    status = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.8"}]}}}
    path = f"{CORE}/services/before/status"
    allowed = "components of the cluster"
    assert sentence(dev.patch(path, status, dry=True), "services") == one(
        "services", "status.loadBalancer", "dev", allowed
    )
    assert dev.patch(path, {"metadata": {"labels": {"a": "b"}}}, dry=True).ok
    allow(admin, "system:cloud", "", ["services/status", "services"], ["patch", "update"])
    assert admin.user("system:cloud").patch(path, status, dry=True).ok
    wider = admin.user("system:cloud").patch(f"{CORE}/services/inside", {"spec": {"type": "NodePort"}}, dry=True)
    assert sentence(wider, "services") == one("services", "spec.type", "NodePort", "ClusterIP")


BY_HAND = [
    (f"{CORE}/endpoints", "Endpoints", ADDRESSES),
    (SLICES, "EndpointSlice", SLICE),
    (INGRESSES, "Ingress", INGRESS),
]


@pytest.mark.parametrize(("path", "kind", "body"), BY_HAND, ids=[kind for _, kind, _ in BY_HAND])
def test_nothing_else_leads_in(admin: Api, dev: Api, path: str, kind: str, body: Object) -> None:
    made = named("new", body)
    assert sentence(dev.create(path, made, dry=True), "services") == one("services", "kind", kind, LEADS)
    admin.create(path, made).done()
    change = {"spec": {"ingressClassName": "x"}} if kind == "Ingress" else {"metadata": {"labels": {"a": "b"}}}
    assert sentence(dev.patch(f"{path}/new", change, dry=True), "services") == one("services", "kind", kind, LEADS)
    snippet = {"metadata": {"annotations": {"nginx.ingress.kubernetes.io/server-snippet": "return 302 evil;"}}}
    refused = sentence(dev.patch(f"{path}/new", snippet, dry=True), "services")
    assert refused == one("services", "metadata.annotations", "dev", "components of the cluster")
    assert dev.request("DELETE", f"{path}/new").ok


@pytest.mark.parametrize("name", ["endpoint", "endpointslice", "endpointslicemirroring"])
def test_the_clusters_controllers_write_endpoints(admin: Api, dev: Api, name: str) -> None:
    """As themselves: with the rights that every cluster gives them, not as the administrator."""
    controller = admin.user(f"{CONTROLLERS}:{name}-controller", "system:serviceaccounts")
    path, body = (f"{CORE}/endpoints", ADDRESSES) if name == "endpoint" else (SLICES, SLICE)
    made = named(f"of-{name}", body)
    made["metadata"]["labels"] = {"kubernetes.io/service-name": "inside"}
    stored = controller.create(path, made).done()
    stored["metadata"]["annotations"] = {"endpoints.kubernetes.io/last-change-trigger-time": "now"}
    stored["metadata"]["labels"]["service.kubernetes.io/headless"] = ""
    controller.request("PUT", f"{path}/of-{name}", stored).done()
    assert sentence(dev.request("PUT", f"{path}/of-{name}", made), "services").startswith("[services] field kind: ")


def test_whoever_may_write_endpoints_elsewhere_is_none_of_them(admin: Api, dev: Api) -> None:
    """An operator that acts on what a tenant writes must not become the tenant's hand, unless a manager says so."""
    allow(admin, "operator", "discovery.k8s.io", ["endpointslices"], ["create", "update"])
    operator = admin.user("operator")
    made = named("x", SLICE)
    assert operator.create(SLICES.replace(SPACE, "kube-system"), made, dry=True).ok
    refused = sentence(operator.create(SLICES, made, dry=True), "services")
    assert refused == one("services", "kind", "EndpointSlice", LEADS)
    manage(admin, "operator", SPACE)
    assert operator.create(SLICES, made, dry=True).ok

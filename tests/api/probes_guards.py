"""Requests about Services, ServiceAccounts, claims, volumes and workloads, as probes.py has them about the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.api import pods
from tests.api.pods import Object
from tests.api.probes import CORE, MARK, Probe, named

SLICES = "/apis/discovery.k8s.io/v1/namespaces/$ns/endpointslices"
INGRESSES = "/apis/networking.k8s.io/v1/namespaces/$ns/ingresses"
ENDPOINTS: Object = {"subsets": [{"addresses": [{"ip": "10.0.0.9"}], "ports": [{"port": 443}]}]}
SLICE: Object = {"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.9"]}]}
ROUTES = "/apis/gateway.networking.k8s.io/v1/namespaces/$ns/httproutes"
ROUTE: Object = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "HTTPRoute",
    "metadata": {"name": "new"},
    "spec": {},
}
BACKEND: Object = {"spec": {"defaultBackend": {"service": {"name": "old", "port": {"number": 443}}}}}
ADDRESS: Object = {"status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.9"}]}}}


def service(**spec: Any) -> Object:
    """A Service."""
    return {"spec": {"ports": [{"port": 443}], **spec}}


SERVICES = (
    Probe("dev", f"POST {CORE}/services", named(**service(type="NodePort"))),
    Probe("dev", f"POST {CORE}/services", named(**service(externalIPs=["10.0.0.9"]))),
    Probe("dev", f"POST {CORE}/services", named(**service()), refused=False),
    Probe("dev", f"PATCH {CORE}/services/old", {"spec": {"externalIPs": ["10.0.0.9"]}}),
    Probe("dev", f"PATCH {CORE}/services/public/status", ADDRESS),
    Probe("dev", f"PATCH {CORE}/services/old", {"metadata": {"annotations": {"example.com/name": "x"}}}),
    Probe("dev", f"POST {CORE}/endpoints", named(**ENDPOINTS)),
    Probe("dev", f"PATCH {CORE}/endpoints/old", ENDPOINTS),
    Probe("dev", f"POST {SLICES}", named(**SLICE)),
    Probe("dev", f"PATCH {SLICES}/old", {"endpoints": [{"addresses": ["10.0.0.8"]}]}),
    Probe("dev", f"POST {INGRESSES}", named(**BACKEND)),
    Probe("dev", f"PATCH {INGRESSES}/old", {"spec": {"defaultBackend": {"service": {"name": "other"}}}}),
    Probe("dev", f"POST {ROUTES}", ROUTE),
    Probe("dev", f"PATCH {ROUTES}/old", {"spec": {"x": "y"}}),
    Probe("endpoints", f"POST {CORE}/endpoints", named(**ENDPOINTS), refused=False),
    Probe("admin", f"POST {CORE}/services", named(**service(type="NodePort")), refused=False),
)
ACCOUNTS = f"{CORE}/serviceaccounts"
QUIET: Object = {"automountServiceAccountToken": False}
TOKEN: Object = {"spec": {"audiences": ["sts.amazonaws.com"]}}
POD_TOKEN: Object = {
    "spec": {"audiences": ["x"], "boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "good"}}
}
TOKEN_SECRET = named(
    metadata={"annotations": {"kubernetes.io/service-account.name": "agent"}},
    type="kubernetes.io/service-account-token",
)
SERVICEACCOUNTS = (
    Probe("dev", f"POST {ACCOUNTS}", named()),
    Probe("dev", f"POST {ACCOUNTS}", named(**QUIET), refused=False),
    Probe("dev", f"PATCH {ACCOUNTS}/agent", {"metadata": {"annotations": {"eks.amazonaws.com/role-arn": "x"}}}),
    Probe("dev", f"PATCH {ACCOUNTS}/agent", {"imagePullSecrets": [{"name": "x"}]}),
    Probe("dev", f"PATCH {ACCOUNTS}/agent", {"secrets": [{"name": "x"}]}),
    Probe("dev", f"PATCH {ACCOUNTS}/agent", {"metadata": MARK}),
    Probe("dev", f"DELETE {ACCOUNTS}/agent"),
    Probe("dev", f"DELETE {ACCOUNTS}/plain"),
    Probe("dev", f"POST {ACCOUNTS}/agent/token", TOKEN),
    Probe("dev", f"POST {CORE}/secrets", TOKEN_SECRET),
    Probe(
        "dev",
        f"PATCH {CORE}/secrets/old",
        {"metadata": {"annotations": {"kubernetes.io/service-account.name": "agent"}}},
    ),
    Probe("dev", f"POST {CORE}/secrets", named(type="Opaque"), refused=False),
    Probe("admin", f"POST {ACCOUNTS}", named(), refused=False),
    Probe("cleanup", f"DELETE {ACCOUNTS}/agent", refused=False),
    Probe("node", f"POST {ACCOUNTS}/agent/token", POD_TOKEN, refused=False),
)
CLAIMS_PATH = f"{CORE}/persistentvolumeclaims"


def claim(**spec: Any) -> Object:
    """A claim of a class that tenants may use."""
    size = {"requests": {"storage": "1Gi"}}
    return {"spec": {"storageClassName": "fast", "accessModes": ["ReadWriteOnce"], "resources": size, **spec}}


COPY = {"kind": "Database", "apiGroup": "example.org", "name": "x"}
CLAIMS = (
    Probe("dev", f"POST {CLAIMS_PATH}", named(**claim()), refused=False),
    Probe("dev", f"POST {CLAIMS_PATH}", named(**claim(storageClassName="local-path"))),
    Probe("dev", f"POST {CLAIMS_PATH}", named(**claim(volumeName="somebodys"))),
    Probe("dev", f"POST {CLAIMS_PATH}", named(**claim(volumeMode="Block"))),
    Probe("dev", f"POST {CLAIMS_PATH}", named(**claim(volumeAttributesClassName="gold"))),
    Probe("dev", f"POST {CLAIMS_PATH}", named(**claim(dataSourceRef=COPY))),
    Probe("dev", f"POST {CLAIMS_PATH}", named(metadata={"annotations": {"example.org/path": "/"}}, **claim())),
    Probe("dev", f"PATCH {CLAIMS_PATH}/old", {"metadata": {"annotations": {"example.org/path": "/"}}}),
    Probe("dev", f"PATCH {CLAIMS_PATH}/old/status", {"metadata": {"annotations": {"example.org/path": "/"}}}),
    Probe("admin", f"POST {CLAIMS_PATH}", named(**claim(storageClassName="local-path")), refused=False),
)
VOLUMES_PATH = "/api/v1/persistentvolumes"


def volume(name: str, **spec: Any) -> Object:
    """A PersistentVolume of the node for a claim of a tenant."""
    known = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/"}}
    claimed = {"namespace": "ci-$ns", "name": "data"}
    return named(name, metadata={"labels": {"mutant": "$ns"}}, spec={**known, "claimRef": claimed, **spec})


VOLUMES = (
    Probe("dev", f"POST {VOLUMES_PATH}", volume("new-$ns")),
    Probe("dev", f"POST {VOLUMES_PATH}", volume("new-$ns", hostPath=None, flexVolume={"driver": "acme/mount"})),
    Probe("dev", f"POST {VOLUMES_PATH}", volume("new-$ns", storageClassName="fast"), refused=False),
    Probe(
        "dev", f"POST {VOLUMES_PATH}", volume("new-$ns", hostPath=None, nfs={"server": "x", "path": "/"}), refused=False
    ),
    Probe("dev", f"POST {VOLUMES_PATH}", volume("new-$ns", claimRef={"namespace": "x", "name": "y"}), refused=False),
    Probe("dev", f"PATCH {VOLUMES_PATH}/free-$ns", {"spec": {"claimRef": {"namespace": "ci-$ns", "name": "data"}}}),
    Probe("dev", f"PATCH {VOLUMES_PATH}/bound-$ns", {"metadata": {"annotations": {"a": "b"}}}, refused=False),
    Probe("admin", f"POST {VOLUMES_PATH}", volume("new-$ns"), refused=False),
)
FILES_PATH = f"{CORE}/configmaps"
SIDECAR = {"labels": {"jenkins-jenkins-config": ""}}
FILES = (
    Probe("dev", f"POST {FILES_PATH}", named(metadata=SIDECAR)),
    Probe("dev", f"POST {FILES_PATH}", named(), refused=False),
    Probe("dev", f"PATCH {FILES_PATH}/plain", {"metadata": SIDECAR}),
    Probe("dev", f"PATCH {FILES_PATH}/files", {"metadata": {"labels": {"jenkins-jenkins-config": None}}}),
    Probe("dev", f"PATCH {FILES_PATH}/files", {"data": {"users.yaml": "{}"}}),
    Probe("dev", f"PATCH {FILES_PATH}/files", {"binaryData": {"users.yaml": "e30="}}),
    Probe("dev", f"PATCH {FILES_PATH}/files", {"immutable": True}),
    Probe("dev", f"PATCH {FILES_PATH}/files", {"metadata": {"annotations": {"k8s-sidecar-target-directory": "/x"}}}),
    Probe("dev", f"PATCH {FILES_PATH}/files", {"metadata": {"finalizers": ["example.org/x"]}}, refused=False),
    Probe("dev", f"DELETE {FILES_PATH}/files"),
    Probe("dev", f"DELETE {FILES_PATH}/plain", refused=False),
    Probe("admin", f"POST {FILES_PATH}", named(metadata=SIDECAR), refused=False),
    Probe("cleanup", f"DELETE {FILES_PATH}/files", refused=False),
)
APPS, BATCH = "/apis/apps/v1/namespaces/$ns", "/apis/batch/v1/namespaces/$ns"
LABELS = {"app": "x", "buildkeep.dev/tenant": pods.TENANT}


def template(**spec: Any) -> Object:
    """A pod template of an honest agent, with changes of its spec."""
    agent = pods.dynamic_agent()["spec"]
    return {"metadata": {"labels": LABELS}, "spec": {**agent, "restartPolicy": "Always", **spec}}


def workload(kind: str, **changes: Any) -> Object:
    """The spec of a workload."""
    made = template(**changes)
    if kind == "jobs":
        return {"spec": {"template": {**made, "spec": {**made["spec"], "restartPolicy": "Never"}}}}
    if kind == "cronjobs":
        return {"spec": {"schedule": "@daily", "jobTemplate": workload("jobs", **changes)}}
    selector = {"app": "x"} if kind == "replicationcontrollers" else {"matchLabels": {"app": "x"}}
    return {
        "spec": {"selector": selector, "template": made, **({"serviceName": "x"} if kind == "statefulsets" else {})}
    }


KINDS = {
    **dict.fromkeys(("deployments", "statefulsets", "daemonsets", "replicasets"), APPS),
    **dict.fromkeys(("jobs", "cronjobs"), BATCH),
    "replicationcontrollers": CORE,
}
OWNED = {
    "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "x", "uid": "1", "controller": True}]
}
WORKLOADS = (
    *(Probe("dev", f"POST {path}/{kind}", named(**workload(kind, hostPID=True))) for kind, path in KINDS.items()),
    *(Probe("dev", f"POST {path}/{kind}", named(**workload(kind)), refused=False) for kind, path in KINDS.items()),
    *(Probe("dev", f"PATCH {KINDS[kind]}/{kind}/old", workload(kind, hostPID=True))
      for kind in ("deployments", "cronjobs", "replicationcontrollers")),
    Probe("dev", f"PATCH {APPS}/deployments/bad", {"metadata": {"labels": {"a": "b"}}}, refused=False),
    Probe("dev", f"POST {APPS}/replicasets", named(metadata=OWNED, **workload("replicasets", hostPID=True)),
          refused=False),
)  # fmt: skip
PROBES: Mapping[str, Sequence[Probe]] = {
    "buildkeep-services": SERVICES,
    "buildkeep-serviceaccounts": SERVICEACCOUNTS,
    "buildkeep-claims": CLAIMS,
    "buildkeep-persistentvolumes": VOLUMES,
    "buildkeep-configmaps": FILES,
    "buildkeep-workloads": WORKLOADS,
}
STANDING: Mapping[str, Sequence[tuple[str, Object]]] = {
    "buildkeep-services": (
        (f"{CORE}/services", named("old", **service())),
        (f"{CORE}/services", named("public", **service(type="LoadBalancer"))),
        (f"{CORE}/endpoints", named("old")),
        (SLICES, named("old", **SLICE)),
        (INGRESSES, named("old", **BACKEND)),
        (ROUTES, {**ROUTE, "metadata": {"name": "old"}}),
    ),
    "buildkeep-serviceaccounts": (
        (ACCOUNTS, named("plain")),
        (f"{CORE}/pods", pods.put(pods.dynamic_agent(), "metadata/name", "good")),
        (f"{CORE}/secrets", named("old", **{key: one for key, one in TOKEN_SECRET.items() if key != "metadata"},
                                  metadata={"annotations": {"kubernetes.io/service-account.name": "pusher"}})),
    ),
    "buildkeep-claims": ((CLAIMS_PATH, named("old", **claim())),),
    "buildkeep-persistentvolumes": (
        (VOLUMES_PATH, volume("free-$ns", claimRef=None)),
        (VOLUMES_PATH, volume("bound-$ns")),
    ),
    "buildkeep-configmaps": ((FILES_PATH, named("plain")), (FILES_PATH, named("files", metadata=SIDECAR))),
    "buildkeep-workloads": (
        *((f"{KINDS[kind]}/{kind}", named("old", **workload(kind)))
          for kind in ("deployments", "cronjobs", "replicationcontrollers")),
        (f"{APPS}/deployments", named("bad", **workload("deployments", hostPID=True))),
    ),
}  # fmt: skip

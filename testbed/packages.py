"""The web site of apk packages in the cluster: its image, its Kubernetes objects."""

from __future__ import annotations

from typing import Any

from testbed import apk, certificates, paths
from testbed.images import Recipe

NAME, NAMESPACE = "packages", "registry"
ADDRESS = certificates.PACKAGES_ADDRESS
ZONE = certificates.PACKAGES_ZONE  # every name of it is answered with ADDRESS
PORT, CODE, CONTENT, TLS = 8443, "/opt/buildkeep", "/srv", "/tls"


def image() -> Recipe:
    """The web server with the packages in it."""
    return Recipe(
        "buildkeep.test/packages",
        base="python",
        files={f"{CODE}/testbed/{name}": paths.TESTBED / name for name in ("__init__.py", "website.py")},
        taken={f"{CONTENT}/{apk.FOLDER}": ("apk", apk.FOLDER)},
        config={
            "Entrypoint": ["/usr/bin/python3", "-m", "testbed.website"],
            "Cmd": [CONTENT, str(PORT), f"{TLS}/tls.crt", f"{TLS}/tls.key"],
            "User": "1000:1000",
            "Env": [f"PYTHONPATH={CODE}", "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1"],
        },
    )


def objects(reference: str) -> list[dict[str, Any]]:
    """The Deployment and the Service; `reference` is the image's. The certificate is the registry's Secret."""
    labels = {"app.kubernetes.io/name": NAME}
    meta: dict[str, Any] = {"name": NAME, "namespace": NAMESPACE, "labels": labels}
    container = {
        "name": NAME,
        "image": reference,
        "ports": [{"containerPort": PORT}],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
        "volumeMounts": [{"name": "tls", "mountPath": TLS, "readOnly": True}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    pod = {"automountServiceAccountToken": False, "enableServiceLinks": False, "containers": [container],
           "tolerations": [{"operator": "Exists"}], "terminationGracePeriodSeconds": 1,
           "volumes": [{"name": "tls", "secret": {"secretName": "registry"}}]}  # fmt: skip
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta,
         "spec": {"replicas": 1, "selector": {"matchLabels": labels},
                  "template": {"metadata": {"labels": labels}, "spec": pod}}},
        {"apiVersion": "v1", "kind": "Service", "metadata": meta,
         "spec": {"clusterIP": ADDRESS, "selector": labels, "ports": [{"port": 443, "targetPort": PORT}]}},
    ]  # fmt: skip

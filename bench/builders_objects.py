"""The objects that a measurement of builders needs on its cluster."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import names

from testbed import catalog
from testbed.registry import CONFIG

JSON = dict[str, Any]


def certificate(host: str, folder: Path) -> tuple[str, str]:
    """A certificate that is its own authority, and its key (PEM), made in a folder."""
    words = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=bench"]
    words += ["-addext", f"subjectAltName=DNS:{host}", "-keyout", str(folder / "key"), "-out", str(folder / "crt")]
    subprocess.run(["/usr/bin/openssl", "req", "-x509", *words], check=True, capture_output=True)
    return (folder / "crt").read_text(encoding="ascii"), (folder / "key").read_text(encoding="ascii")


def tenant(name: str, home: str, builders: Sequence[str]) -> JSON:
    """A tenant's namespace, as the role `tenants` makes it."""
    labels = {names.LABEL_TENANT: name, names.LABEL_MODE: "enforce", f"{names.PSA_PREFIX}enforce": "baseline"}
    annotations = {names.ANNOTATION_BUILDERS: ",".join(builders)}
    return {"kind": "Namespace", "metadata": {"name": home, "labels": labels, "annotations": annotations}}


def namespace(name: str) -> JSON:
    """A namespace in which everything may run."""
    labels = {f"{names.PSA_PREFIX}enforce": "privileged"}
    return {"kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def registry(home: str, certificate: str, key: str, ca: str) -> list[JSON]:
    """A registry whose storage goes with its pod, so that nothing of what is pushed stays."""
    label = {"app.kubernetes.io/name": "registry"}
    volumes = [
        {"name": "tls", "secret": {"secretName": "registry"}},
        {"name": "config", "configMap": {"name": "registry"}},
        {"name": "storage", "emptyDir": {}},
    ]
    paths_of = {"tls": "/tls", "config": "/etc/distribution", "storage": "/var/lib/registry"}
    container = {
        "name": "registry",
        "image": catalog.REGISTRY_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["registry", "serve", "/etc/distribution/config.yml"],
        "env": [{"name": "OTEL_TRACES_EXPORTER", "value": "none"}],
        "readinessProbe": {"tcpSocket": {"port": 443}, "periodSeconds": 1},
        "volumeMounts": [{"name": name, "mountPath": path} for name, path in paths_of.items()],
    }
    meta = {"name": "registry", "namespace": home}
    spec = {"containers": [container], "volumes": volumes, "automountServiceAccountToken": False}
    return [
        {"kind": "Secret", "metadata": meta, "stringData": {"tls.crt": certificate, "tls.key": key}},
        {"kind": "ConfigMap", "metadata": meta, "data": {"config.yml": CONFIG}},
        {"kind": "ConfigMap", "metadata": {"name": "buildkeep-ca", "namespace": home}, "data": {"ca.crt": ca}},
        {"kind": "Service", "metadata": meta, "spec": {"selector": label, "ports": [{"port": 443}]}},
        {"kind": "Pod", "metadata": {**meta, "labels": label}, "spec": spec},
    ]

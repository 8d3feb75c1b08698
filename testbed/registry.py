"""The registry in the cluster, and how names reach it: Kubernetes objects, containerd's hosts file, CoreDNS' file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from testbed import catalog
from testbed.certificates import ADDRESS, ZONES

NAMESPACE = "registry"
STORAGE_IN_NODE = "/var/lib/buildkeep/registry"
CA_IN_NODE = "/etc/containerd/certs.d/buildkeep-ca.crt"
HOSTS_IN_NODE = "/etc/containerd/certs.d/_default/hosts.toml"

CONFIG = """\
version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: /var/lib/registry}
  delete: {enabled: true}
http:
  addr: :443
  tls: {certificate: /tls/tls.crt, key: /tls/tls.key}
"""


def hosts_toml() -> str:
    """Containerd's hosts file for every registry name: ours answers, the real one is never asked."""
    url = f"https://{ADDRESS}"
    return f'server = "{url}"\n[host."{url}"]\n  capabilities = ["pull", "resolve"]\n  ca = "{CA_IN_NODE}"\n'


def corefile(upstream: Sequence[str]) -> str:
    """CoreDNS' configuration: names of registries have our address, the rest is as kubeadm's.

    `upstream` are the name servers for what is outside the cluster; with none such names do not resolve.
    """
    zones = " ".join(f"{zone}:53" for zone in ZONES)
    forward = f"    forward . {' '.join(upstream)}\n" if upstream else ""
    return (
        f'{zones} {{\n    errors\n    template IN A {{\n        answer "{{{{ .Name }}}} 60 IN A {ADDRESS}"\n    }}\n'
        "    template IN ANY {\n        rcode NOERROR\n    }\n}\n"
        ".:53 {\n    errors\n    health {\n        lameduck 1s\n    }\n    ready\n"
        "    kubernetes cluster.local in-addr.arpa ip6.arpa {\n        pods insecure\n"
        "        fallthrough in-addr.arpa ip6.arpa\n        ttl 30\n    }\n"
        f"{forward}    cache 30\n    reload\n}}\n"
    )


def name_servers(resolv_conf: str) -> list[str]:
    """The name servers of a resolv.conf that a pod can reach: none on the loopback."""
    found = [words[1] for line in resolv_conf.splitlines() if (words := line.split())[:1] == ["nameserver"]]
    return [address for address in found if not address.startswith("127.") and address != "::1"]


def objects(state: Path, upstream: Sequence[str]) -> list[dict[str, Any]]:
    """The objects to apply: namespace, certificate, configuration, Deployment, Service, and CoreDNS' ConfigMap.

    `state` holds registry.crt and registry.key.
    """
    labels = {"app.kubernetes.io/name": "registry"}
    meta: dict[str, Any] = {"name": "registry", "namespace": NAMESPACE, "labels": labels}
    tls = {name: (state / file).read_text() for name, file in
           {"tls.crt": "registry.crt", "tls.key": "registry.key"}.items()}  # fmt: skip
    volumes = {
        "config": ("/etc/distribution", {"configMap": {"name": "registry"}}),
        "tls": ("/tls", {"secret": {"secretName": "registry"}}),
        "storage": ("/var/lib/registry", {"hostPath": {"path": STORAGE_IN_NODE, "type": "Directory"}}),
    }
    container = {
        "name": "registry",
        "image": catalog.REGISTRY_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["registry", "serve", "/etc/distribution/config.yml"],
        "env": [{"name": "OTEL_TRACES_EXPORTER", "value": "none"}],
        "ports": [{"containerPort": 443}],
        "readinessProbe": {"httpGet": {"path": "/v2/", "port": 443, "scheme": "HTTPS"}, "periodSeconds": 1},
        "volumeMounts": [{"name": name, "mountPath": path} for name, (path, _) in volumes.items()],
    }
    pod = {"automountServiceAccountToken": False, "containers": [container], "enableServiceLinks": False,
           "tolerations": [{"operator": "Exists"}],
           "volumes": [{"name": name, **source} for name, (_, source) in volumes.items()]}  # fmt: skip
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "kubernetes.io/tls", "stringData": tls},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"config.yml": CONFIG}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta,
         "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "strategy": {"type": "Recreate"},
                  "template": {"metadata": {"labels": labels}, "spec": pod}}},
        {"apiVersion": "v1", "kind": "Service", "metadata": meta,
         "spec": {"clusterIP": ADDRESS, "selector": labels, "ports": [{"port": 443}]}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "coredns", "namespace": "kube-system"},
         "data": {"Corefile": corefile(upstream)}},
    ]  # fmt: skip

"""The registries in the cluster, and how names reach it: Kubernetes objects, containerd's hosts file, CoreDNS' file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from testbed import catalog
from testbed.certificates import ADDRESS, PACKAGES_ADDRESS, PACKAGES_ZONE, RESTRICTED_ADDRESS, RESTRICTED_HOST, ZONES

NAMESPACE = "registry"
NAME, RESTRICTED = "registry", "restricted"  # of two registries over one storage, the second demands credentials
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
PASSWORDS = "auth: {htpasswd: {realm: buildkeep testbed, path: /passwords/htpasswd}}\n"


def hosts_toml() -> str:
    """Containerd's hosts file for every registry name: ours answers, the real one is never asked."""
    url = f"https://{ADDRESS}"
    return f'server = "{url}"\n[host."{url}"]\n  capabilities = ["pull", "resolve"]\n  ca = "{CA_IN_NODE}"\n'


def _zone(zones: Sequence[str], address: str) -> str:
    """A block of the Corefile: every name in these zones has this address."""
    return (
        f"{' '.join(f'{zone}:53' for zone in zones)} {{\n    errors\n"
        f'    template IN A {{\n        answer "{{{{ .Name }}}} 60 IN A {address}"\n    }}\n'
        "    template IN ANY {\n        rcode NOERROR\n    }\n}\n"
    )


def corefile(upstream: Sequence[str]) -> str:
    """CoreDNS' configuration: names of registries have our address, the rest is as kubeadm's.

    `upstream` are the name servers for what is outside the cluster; with none such names do not resolve.
    """
    zones = (
        _zone(ZONES, ADDRESS) + _zone([RESTRICTED_HOST], RESTRICTED_ADDRESS) + _zone([PACKAGES_ZONE], PACKAGES_ADDRESS)
    )
    forward = f"    forward . {' '.join(upstream)}\n" if upstream else ""
    return (
        f"{zones}"
        ".:53 {\n    errors\n    health {\n        lameduck 1s\n    }\n    ready\n"
        "    kubernetes cluster.local in-addr.arpa ip6.arpa {\n        pods insecure\n"
        "        fallthrough in-addr.arpa ip6.arpa\n        ttl 30\n    }\n"
        f"{forward}    cache 30\n    reload\n}}\n"
    )


def name_servers(resolv_conf: str) -> list[str]:
    """The name servers of a resolv.conf that a pod can reach: none on the loopback."""
    found = [words[1] for line in resolv_conf.splitlines() if (words := line.split())[:1] == ["nameserver"]]
    return [address for address in found if not address.startswith("127.") and address != "::1"]


def _server(name: str, address: str, config: str, volumes: Mapping[str, tuple[str, Any]]) -> list[dict[str, Any]]:
    """ConfigMap, Deployment and Service of one registry; `volumes` maps a name to its path and source."""
    labels = {"app.kubernetes.io/name": name}
    meta: dict[str, Any] = {"name": name, "namespace": NAMESPACE, "labels": labels}
    volumes = {
        "config": ("/etc/distribution", {"configMap": {"name": name}}),
        "tls": ("/tls", {"secret": {"secretName": NAME}}),
        "storage": ("/var/lib/registry", {"hostPath": {"path": STORAGE_IN_NODE, "type": "Directory"}}),
        **volumes,
    }
    container = {
        "name": "registry",
        "image": catalog.REGISTRY_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["registry", "serve", "/etc/distribution/config.yml"],
        "env": [{"name": "OTEL_TRACES_EXPORTER", "value": "none"}],
        "ports": [{"containerPort": 443}],
        "readinessProbe": {"tcpSocket": {"port": 443}, "periodSeconds": 1},
        "volumeMounts": [{"name": each, "mountPath": path} for each, (path, _) in volumes.items()],
    }
    pod = {"automountServiceAccountToken": False, "containers": [container], "enableServiceLinks": False,
           "tolerations": [{"operator": "Exists"}],
           "volumes": [{"name": each, **source} for each, (_, source) in volumes.items()]}  # fmt: skip
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"config.yml": config}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta,
         "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "strategy": {"type": "Recreate"},
                  "template": {"metadata": {"labels": labels}, "spec": pod}}},
        {"apiVersion": "v1", "kind": "Service", "metadata": meta,
         "spec": {"clusterIP": address, "selector": labels, "ports": [{"port": 443}]}},
    ]  # fmt: skip


def _secret(name: str, kind: str, values: Mapping[str, str]) -> dict[str, Any]:
    meta = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": kind, "stringData": dict(values)}


def objects(state: Path, upstream: Sequence[str]) -> list[dict[str, Any]]:
    """The objects to apply: namespace, certificate, passwords, the two registries, and CoreDNS' ConfigMap.

    `state` holds registry.crt, registry.key and htpasswd.
    """
    tls = {name: (state / file).read_text() for name, file in
           {"tls.crt": "registry.crt", "tls.key": "registry.key"}.items()}  # fmt: skip
    passwords = {"htpasswd": (state / "htpasswd").read_text()}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        _secret(NAME, "kubernetes.io/tls", tls),
        _secret(RESTRICTED, "Opaque", passwords),
        *_server(NAME, ADDRESS, CONFIG, {}),
        *_server(RESTRICTED, RESTRICTED_ADDRESS, CONFIG + PASSWORDS,
                 {"passwords": ("/passwords", {"secret": {"secretName": RESTRICTED}})}),
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "coredns", "namespace": "kube-system"},
         "data": {"Corefile": corefile(upstream)}},
    ]  # fmt: skip

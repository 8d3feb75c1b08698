"""Where builds are measured: a running test cluster, with two namespaces and a registry that are made for it.

One namespace is a tenant's: Pod Security is enforced there, and so are our policies where site.yml has run. In the
other lie the registry, plain pods and privileged ones.
"""

from __future__ import annotations

import json
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kubernetes.client
import kubernetes.config
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.controller import CONTROLLER
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod import AgentInfo, Cloud, static_pod

from bench import builders_objects as objects
from bench import builders_pods
from bench.measure import CommandError
from testbed import catalog, oci, paths
from testbed.attacks.api import Api, from_kubeconfig
from testbed.attacks.waiting import wait
from testbed.cluster import Cluster
from testbed.controller.kube import Kube
from testbed.parts import ensure
from testbed.progress import Step
from tests.chart.rendering import CHART

JSON = dict[str, Any]
KUBELET_PROFILES = "/var/lib/kubelet/seccomp"
SECONDS = 300.0
_HOSTS_INVENTORY = paths.ROOT / "inventories/kind/group_vars/buildkeep.yml"


@dataclass(frozen=True)
class World:
    """The cluster as the bench uses it; `cloud` is the tenant's, `home` the namespace of the rest.

    `kubes` are the clients by namespace: in the tenant's the controller, who alone may run commands there.
    """

    api: Api
    kubes: Mapping[str, Kube]
    cloud: Cloud
    home: str

    @property
    def registry(self) -> str:
        """The registry's host."""
        return f"registry.{self.home}.svc"

    @contextmanager
    def started(self, pod: Mapping[str, Any], container: str) -> Iterator[float]:
        """Start a pod and take it away again; yields the seconds until a first command in the container has ended."""
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        begun = time.monotonic()
        self.kubes[namespace].create_pod(namespace, pod)
        try:
            self._running(namespace, name, container)
            self.run(pod, container, "true")
            yield time.monotonic() - begun
        finally:
            path = f"/api/v1/namespaces/{namespace}/pods/{name}"
            self.api.must("DELETE", f"{path}?gracePeriodSeconds=0")
            wait(lambda: not self.api.ask("GET", path).ok, SECONDS, f"{name} to be gone")

    def run(self, pod: Mapping[str, Any], container: str, script: str) -> str:
        """Run shell text in a pod; returns what it printed.

        Raises:
            CommandError: its exit code is not 0.
        """
        said: list[bytes] = []
        where = (pod["metadata"]["namespace"], pod["metadata"]["name"], container)
        code = self.kubes[where[0]].run(*where, ["sh", "-c", script], said.append, lambda: False)
        text = b"".join(said).decode(errors="replace")
        if code:
            raise CommandError(f"{'/'.join(where)}: exit code {code}\n{text}")
        return text

    def _running(self, namespace: str, name: str, container: str) -> None:
        last: JSON = {}
        for event in self.kubes[namespace].watch(namespace, "pods", f"metadata.name={name}", int(SECONDS)):
            last = event["object"].get("status", {})
            states = {one["name"]: one["state"] for one in last.get("containerStatuses", ())}
            waiting = states.get(container, {}).get("waiting", {}).get("reason", "")
            if "running" in states.get(container, {}):
                return
            if last.get("phase") == "Failed" or waiting in ("CreateContainerError", "ErrImagePull", "ImagePullBackOff"):
                break
        raise CommandError(f"{namespace}/{name}: {container} does not run: {json.dumps(last)[:2000]}")


@contextmanager
def made(cluster: Cluster, builders: Sequence[str], step: Step) -> Iterator[World]:
    """Make everything on a running cluster, and take it away again."""
    api, token = from_kubeconfig(cluster.kubeconfig), uuid.uuid4().hex[:6]
    home, tenant = f"buildkeep-bench-{token}", f"bench-{token}"
    with tempfile.TemporaryDirectory() as folder:
        pair = objects.certificate(f"registry.{home}.svc", Path(folder))
    ca = (cluster.state / "ca.crt").read_text(encoding="utf-8") + pair[0]
    inventory = yaml.safe_load(_HOSTS_INVENTORY.read_text(encoding="utf-8"))["buildkeep_builders"]
    images = {name: entry["image"] for name, entry in inventory.items()}
    cloud, rendered = builders_pods.rendered(tenant, builders, images, ca)
    namespace = cloud.attributes["namespace"]
    files = _profiles(cluster, step, cloud, builders)
    try:
        for one in (
            objects.tenant(tenant, namespace, builders),
            objects.namespace(home),
            *objects.registry(home, *pair, ca),
        ):
            _create(api, one)
        for one in rendered:
            _create(api, one)
        pod = f"/api/v1/namespaces/{home}/pods/registry"
        wait(lambda: _ready(api.must("GET", pod)), 120, "the registry of the bench")
        kubes = {home: _kube(cluster, ""), namespace: _kube(cluster, _token(api))}
        yield World(api, kubes, cloud, home)
    finally:
        for name in (home, namespace):
            api.ask("DELETE", f"/api/v1/namespaces/{name}")
        if files:
            cluster.exec(step, f"rm -f {' '.join(files)}")
        left = [f"/api/v1/namespaces/{name}" for name in (home, namespace)]
        wait(lambda: not any(api.ask("GET", path).ok for path in left), 120, "the namespaces of the bench to be gone")


@contextmanager
def imported(cluster: Cluster, part: str, image: str, step: Step) -> Iterator[None]:
    """Give the node an image that no registry of the cluster has, and take it away again."""
    layout = ensure(catalog.table(), [part])[part]
    inside = f"/{Path(part).name}.tar"
    with tempfile.TemporaryDirectory(dir=cluster.state) as folder:
        packed = Path(folder) / "image.tar"
        oci.archive(layout, packed)
        cluster.engine.run(step, "cp", packed, f"{cluster.node}:{inside}")
    cluster.exec(step, f"ctr -n k8s.io images import --index-name {image} {inside} && rm {inside}")
    try:
        yield
    finally:
        cluster.exec(step, f"ctr -n k8s.io images rm {image}")


def _token(api: Api) -> str:
    """A token of the controller."""
    path = f"/api/v1/namespaces/{CONTROLLER['namespace']}/serviceaccounts/{CONTROLLER['serviceAccount']}/token"
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 7200}}
    return str(api.must("POST", path, request)["status"]["token"])


def _kube(cluster: Cluster, token: str) -> Kube:
    """A client of the API server, as the administrator or, with a token, as its owner."""
    configuration = kubernetes.client.Configuration()
    kubernetes.config.load_kube_config(str(cluster.kubeconfig), client_configuration=configuration)
    if token:
        configuration.cert_file = configuration.key_file = None
        configuration.api_key = {"BearerToken": token}
        configuration.api_key_prefix = {"BearerToken": "Bearer"}
    return Kube(configuration)


def _profiles(cluster: Cluster, step: Step, cloud: Cloud, builders: Sequence[str]) -> list[str]:
    """Put seccomp profiles that the node lacks there; returns the files that were written."""
    written = []
    for builder in builders:
        pod = static_pod(cloud, f"{cloud.name}-{builder}", AgentInfo("x", ""))
        (container,) = (one for one in pod["spec"]["containers"] if one["name"] == builder)
        file = container["securityContext"]["seccompProfile"].get("localhostProfile")
        path = f"{KUBELET_PROFILES}/{file}"
        if file and cluster.exec(step, f"test -e {path} || echo missing").strip():
            cluster.write(step, path, (CHART / f"seccomp/{builder}.json").read_text(encoding="utf-8"))
            written.append(path)
    return written


def _create(api: Api, item: JSON) -> None:
    """Create an object; pods wait until the ServiceAccount of their namespace is there."""
    meta, version = item["metadata"], item.get("apiVersion", "v1")
    path = f"/api/{version}/namespaces" if version == "v1" else f"/apis/{version}/namespaces"
    if item["kind"] != "Namespace":
        path += f"/{meta['namespace']}/{item['kind'].lower()}s"
    if item["kind"] == "Pod":
        account = f"/api/v1/namespaces/{meta['namespace']}/serviceaccounts/default"
        wait(lambda: api.ask("GET", account).ok, 60, f"the ServiceAccount default of {meta['namespace']}")
    api.must("POST", path, {"apiVersion": "v1", **item})


def _ready(pod: Mapping[str, Any]) -> bool:
    conditions = {one["type"]: one["status"] for one in pod.get("status", {}).get("conditions", ())}
    return conditions.get("Ready") == "True"

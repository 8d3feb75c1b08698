"""What runs in the test cluster beside Kubernetes: registries, the web site of packages, the stand-in controller."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any

from testbed import catalog, certificates, credentials, kindconfig, packages, registry, seed
from testbed.images import reference
from testbed.progress import Step

if TYPE_CHECKING:
    from testbed.cluster import Cluster

READY_WITHIN = "180s"


def fill(cluster: Cluster, step: Step, images: str, folder: str) -> None:
    """Copies the seed into the registry's folder of the node, where what the cluster writes is kept apart from it.

    `images` is a name of testbed.seed, `folder` that of its part.
    Of images that changed under a tag that stays, the node forgets the copy that it has.
    """
    tags = [reference(catalog.table(), recipe) for recipe in seed.recipes(images)]
    forget = f"ctr -n k8s.io images rm {' '.join(tags)} >/dev/null 2>&1 || true"
    source, target = f"{kindconfig.PARTS_IN_NODE}/{folder}/storage", registry.STORAGE_IN_NODE
    cluster.exec(step, f"mkdir -p {target}; cp -r --remove-destination {source}/. {target}/; {forget}")


def start(cluster: Cluster, step: Step, images: str = seed.ALL) -> None:
    """Starts the registries, what names them and, if its image is there, the site of packages; waits for all.

    A second time it changes what changed.
    """
    certificates.make(cluster.state, step)
    credentials.make(cluster.state, step)
    cluster.write(step, registry.CA_IN_NODE, (cluster.state / "ca.crt").read_text())
    cluster.write(step, registry.HOSTS_IN_NODE, registry.hosts_toml())
    upstream = registry.name_servers(cluster.exec(step, "cat /etc/resolv.conf"))
    objects = registry.objects(cluster.state, upstream)
    servers = [registry.NAME, registry.RESTRICTED]
    if images == seed.ALL:
        objects += packages.objects(reference(catalog.table(), packages.image()))
        servers.append(packages.NAME)
    apply = ("apply", "--server-side", "--force-conflicts", "--field-manager=testbed", "-f", "-")
    cluster.kubectl(step, *apply, feed=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    dns = ("--namespace", "kube-system", "rollout")
    cluster.kubectl(step, "--namespace", "kube-system", "scale", "deployment/coredns", "--replicas=1")
    cluster.kubectl(step, *dns, "restart", "deployment/coredns")
    cluster.kubectl(step, "wait", "node", "--all", "--for=condition=Ready", f"--timeout={READY_WITHIN}")
    cluster.kubectl(step, *dns, "status", "deployment/coredns", f"--timeout={READY_WITHIN}")
    for name in servers:
        cluster.kubectl(step, "--namespace", registry.NAMESPACE, "rollout", "status", f"deployment/{name}",
                        f"--timeout={READY_WITHIN}")  # fmt: skip


def controller(cluster: Cluster, step: Step) -> None:
    """The stand-in controller is deployed by its own code."""
    deploy: Any = importlib.import_module("testbed.controller.deploy")
    recipes: Any = importlib.import_module("testbed.controller.recipe")
    deploy.deploy(cluster.kubeconfig, reference(catalog.table(), recipes.controller_image()))

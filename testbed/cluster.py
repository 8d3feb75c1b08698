"""The cluster: made, filled, updated and deleted. `up` ends when everything in it is ready."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testbed import (
    catalog,
    certificates,
    credentials,
    engine,
    kindconfig,
    node,
    oci,
    paths,
    published,
    seed,
    services,
    system,
)
from testbed.errors import TestbedError
from testbed.images import reference
from testbed.parts import drop_sources, ensure, folder, key, locked, missing, prune, remove, sweep
from testbed.progress import Progress, Step
from testbed.tools import tool

KIND_LABEL = "io.x-k8s.kind.cluster"


@dataclass
class Cluster:
    """One cluster by name, its engine, and the folder of its state."""

    name: str
    engine: engine.Engine
    state: Path

    @property
    def kind(self) -> str:
        """Its name for kind, whose names hold for the whole machine: that of another checkout's is another."""
        return paths.machine_name(self.name)

    @property
    def node(self) -> str:
        """The name of the node's container."""
        return f"{self.kind}-control-plane"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.state / "kubeconfig"

    def kubectl(self, step: Step, *words: str, feed: str | None = None) -> str:
        """Runs kubectl as the administrator."""
        return step.run([tool("kubectl"), "--kubeconfig", self.kubeconfig, *words], feed=feed)

    def exec(self, step: Step, script: str) -> str:
        """Runs a shell script in the node."""
        return self.engine.run(step, "exec", self.node, "sh", "-ec", script)

    def write(self, step: Step, path: str, text: str) -> None:
        """Writes a file in the node."""
        script = f"mkdir -p {Path(path).parent}; cat >{path}"
        words = [self.engine.command, "exec", "-i", self.node, "sh", "-ec", script]
        step.run(words, env=self.engine.environment, feed=text)

    def record(self) -> dict[str, str]:
        """What is written down of a whole cluster: the keys of its node image and registry; {} of a half-made one."""
        file = self.state / "cluster.json"
        return dict(json.loads(file.read_text())) if file.exists() else {}

    def answers(self) -> bool:
        """Whether its API server says that it is ready."""
        if not self.kubeconfig.exists():
            return False
        words = ["--kubeconfig", str(self.kubeconfig), "get", "--raw=/readyz", "--request-timeout=5s"]
        return system.output([str(tool("kubectl")), *words], timeout=10) is not None


def named(name: str = "") -> Cluster:
    """The cluster of that name (default: `paths.cluster_name()`), which may not exist."""
    name = name or paths.cluster_name()
    made_with = paths.state(name) / "engine"
    wanted = made_with.read_text() if made_with.exists() else ""
    return Cluster(name, engine.find(paths.machine_name(name), wanted), paths.state(name))


def up(cluster: Cluster, basic: bool = False) -> bool:
    """Makes the cluster, or brings a running one to the present images; True unless there was nothing to do.

    `basic`: kaniko is the only builder in its registry, unless all were there before.
    Raises TestbedError; the next run then starts the cluster anew.
    """
    with locked(f"cluster-{cluster.kind}"):
        table = catalog.table()
        own = not catalog.is_published()
        found, node_key = cluster.record(), key(table, "node") if own else published.NODE_IMAGE
        running = found.get("node") == node_key and cluster.answers()
        images = seed.BASIC if basic and not (running and found.get("images") == seed.ALL) else seed.ALL
        wanted = {"node": node_key, "seed": key(table, images), "images": images}
        if running and found == wanted:
            return False
        sweep()
        names = needed(images, running)
        todo = missing(table, names)
        packages = [need for name in todo for need in table[name].system]
        packages += [] if running else [*cluster.engine.packages, *system.CERTIFICATES, *system.PASSWORDS]
        lacking = system.lacking(packages)
        progress = Progress(len(todo) + (2 if running else 5) + bool(lacking))
        if lacking:
            with progress.step(f"install {len(lacking)} system packages", 40) as step:
                system.require(packages, step)
        parts = ensure(table, names, progress)
        if running:
            (cluster.state / "cluster.json").unlink()
        else:
            _create(cluster, progress, parts.get("node"), wanted["node"])
        with progress.step("fill the registry of the cluster", 2) as step:
            services.fill(cluster, step, images, parts[images].name)
        if not running or found.get("images") != images:
            with progress.step("wait for the registries and name service", 20) as step, _explained(cluster, step):
                services.start(cluster, step, images)
        with progress.step("start the controller", 10) as step, _explained(cluster, step):
            services.controller(cluster, step)
        (cluster.state / "cluster.json").write_text(json.dumps(wanted))
        prune(table, needed(images))
        drop_sources(table)
        return True


@contextmanager
def _explained(cluster: Cluster, step: Step) -> Iterator[None]:
    """Adds to the log of a step that fails what the cluster's events and pods say, which its error then shows."""
    try:
        yield
    except TestbedError as error:
        kubectl = [str(tool("kubectl")), f"--kubeconfig={cluster.kubeconfig}", "--all-namespaces", "get"]
        wanted = (["events", "--field-selector=type=Warning", "--sort-by=.lastTimestamp"], ["pods", "--output=wide"])
        for words in wanted:
            step.say(system.output([*kubectl, *words]) or f"kubectl get {words[0]}: no answer")
        remedy = error.remedy or "See the pods above; the same command makes the cluster anew."
        raise TestbedError(error.message, log=step.log, remedy=remedy) from error


def needed(images: str = seed.ALL, running: bool = False) -> list[str]:
    """The parts that a cluster is made of; a running one has its node already."""
    node_parts = [catalog.REGISTRY.part] if catalog.is_published() else ["node"]
    return ["layer", "tool/kind", images, *([] if running else node_parts)]


def _create(cluster: Cluster, progress: Progress, own_node: Path | None, wanted: str) -> None:
    """Starts Kubernetes from our own node (its part's folder and key) or from the published image `wanted`."""
    image = f"localhost/buildkeep/node:{wanted}" if own_node else wanted
    with progress.step("prepare the container engine", 20 if own_node else 5) as step:
        engine.prepare(step)
        _delete(cluster, step)
        (cluster.state / "engine").write_text(cluster.engine.command)
        if own_node and not cluster.engine.run(step, "images", "--quiet", image).strip():
            changes = [word for change in node.IMPORT_CHANGES for word in ("--change", change)]
            cluster.engine.run(step, "import", *changes, own_node / "node.tar", image)
            engine.forget_others(cluster.engine, image, step)
        certificates.make(cluster.state, step)
        credentials.make(cluster.state, step)
    with progress.step("start Kubernetes", 20 if own_node else 60, "" if own_node else published.REMEDY) as step:
        config = cluster.state / "kind.json"
        may = engine.has_capability(engine.CAP_SYS_RESOURCE)
        parts = paths.cache() / "parts"
        config.write_text(json.dumps(kindconfig.render(own_node=bool(own_node), parts=parts, may_raise_limits=may)))
        command = kindconfig.create_command(tool("kind"), cluster.kind, image, config, cluster.kubeconfig)
        step.run(command, env=cluster.engine.environment, timeout=600)
        cluster.kubeconfig.chmod(0o600)
        if not own_node:
            _load_registry(cluster, step)


def _load_registry(cluster: Cluster, step: Step) -> None:
    """Gives kind's own node image the registry, which our node has in it."""
    packed = cluster.state / "registry.tar"
    oci.archive(folder(catalog.table(), catalog.REGISTRY.part), packed)
    cluster.engine.run(step, "cp", packed, f"{cluster.node}:/registry.tar")
    cluster.exec(step, "ctr -n k8s.io images import --index-name "
                 f"{catalog.REGISTRY_IMAGE} /registry.tar && rm /registry.tar")  # fmt: skip
    packed.unlink()


def _delete(cluster: Cluster, step: Step) -> None:
    """Deletes what there is of a cluster, also of a half-made one."""
    cluster.state.mkdir(parents=True, exist_ok=True)
    if cluster.engine.run(step, "ps", "--all", "--quiet", "--filter", f"label={KIND_LABEL}={cluster.kind}").strip():
        command = kindconfig.delete_command(tool("kind"), cluster.kind, cluster.kubeconfig)
        step.run(command, env=cluster.engine.environment)
    for volume in cluster.engine.run(step, "volume", "ls", "--quiet", "--filter", f"label={cluster.node}").split():
        cluster.engine.run(step, "volume", "rm", volume)  # of a node whose container was never made
    name = engine.network(cluster.kind)
    if name in cluster.engine.run(step, "network", "ls", "--format", "{{.Name}}").split():
        cluster.engine.run(step, "network", "rm", name)
    shutil.rmtree(cluster.state)
    cluster.state.mkdir()


def down(cluster: Cluster) -> None:
    """Deletes a cluster with its containers, volumes, network and state; nothing of it may be left, or even there."""
    with locked(f"cluster-{cluster.kind}"), Progress(1).step("delete the cluster", 8) as step:
        if system.output([cluster.engine.command, "--version"]) is not None:
            _delete(cluster, step)
            engine.tidy(cluster.engine, step)
        remove(cluster.state)
        if cluster.state.parent.is_dir() and not any(cluster.state.parent.iterdir()):
            cluster.state.parent.rmdir()


def status(cluster: Cluster) -> tuple[bool, str]:
    """Whether the cluster is up and whole, and a sentence that says so."""
    if not cluster.answers():
        return False, f"cluster {cluster.name}: down (python -m testbed up makes it)"
    whole = bool(cluster.record())
    word = "up" if whole else "half-made (python -m testbed up makes it anew)"
    return whole, f"cluster {cluster.name}: {word}\nkubeconfig: {cluster.kubeconfig}\nengine: {cluster.engine.command}"


def images() -> list[str]:
    """The references that the test registry holds."""
    table = catalog.table()
    return [reference(table, recipe) for recipe in seed.recipes()]

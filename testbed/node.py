"""The node image of our own making, where kind's published one cannot be pulled: Debian with systemd and containerd.

The images of the control plane are in its containerd already, not unpacked: importing them needs no privilege.
What kind expects of a node image: an entrypoint and its words (nodefiles/entrypoint), `/kind/version`, the manifests
under `/kind/manifests`, `kubeadm`, `kubelet`, `kubectl` on PATH (sigs.k8s.io/kind, pkg/build/nodeimage).
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from testbed import catalog, oci, paths, tools
from testbed.images import Recipe
from testbed.parts import Part
from testbed.progress import Step

FILES = paths.TESTBED / "nodefiles"
IMPORT_CHANGES = ('ENTRYPOINT ["/usr/local/bin/entrypoint","/sbin/init"]', "STOPSIGNAL SIGRTMIN+3")
BINARIES = {
    "/usr/local/bin/containerd": "containerd",
    "/usr/local/bin/containerd-shim-runc-v2": "containerd-shim-runc-v2",
    "/usr/local/bin/ctr": "ctr",
    "/usr/local/sbin/runc": "runc",
    "/usr/bin/kubelet": "kubelet",
    "/usr/bin/kubeadm": "kubeadm",
    "/usr/bin/kubectl": "kubectl",
}
STARTED_WITHIN = 30.0  # seconds


def files() -> dict[str, oci.Source]:
    """What is put into the node beside Debian and the binaries."""
    units = ("kubelet.service", "containerd.service")
    placed: dict[str, oci.Source] = {f"/etc/systemd/system/{unit}": FILES / unit for unit in units}
    placed |= {f"/etc/systemd/system/multi-user.target.wants/{unit}": f"-> ../{unit}" for unit in units}
    toml = (FILES / "containerd.toml").read_text().replace("@PAUSE@", catalog.PAUSE_IMAGE)
    return placed | {
        "/usr/local/bin/entrypoint": (FILES / "entrypoint").read_bytes(),
        "/kind/kubelet-cgroup": (FILES / "kubelet-cgroup").read_bytes(),
        "/kind/version": tools.KUBERNETES.encode(),
        "/kind/manifests/default-storage.yaml": FILES / "default-storage.yaml",
        "/etc/containerd/config.toml": toml.encode(),
        "/etc/cni/net.d/10-testbed.conflist": FILES / "10-testbed.conflist",
        "/etc/crictl.yaml": b"runtime-endpoint: unix:///run/containerd/containerd.sock\n",
        "/opt/cni/bin": "-> ../../usr/lib/cni",
    }


@contextmanager
def content_store(containerd: Path, root: Path, step: Step) -> Iterator[Path]:
    """Runs containerd on this machine over the folder `root`, as a store of images only; gives its socket."""
    with tempfile.TemporaryDirectory(prefix="buildkeep-") as work:
        socket = Path(work) / "containerd.sock"
        config = Path(work) / "config.toml"
        disabled = ["io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri",
                    "io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri"]  # fmt: skip
        config.write_text(
            f'version = 3\nroot = "{root}"\nstate = "{work}/state"\ndisabled_plugins = {disabled}\n'
            f'[grpc]\naddress = "{socket}"\n[ttrpc]\naddress = "{work}/ttrpc.sock"\n'
        )
        with step.log.open("ab") as log:
            process = subprocess.Popen([containerd, "--config", config], stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + STARTED_WITHIN
            while not socket.exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise step.failed("containerd did not start")
                wait_a_little(process, 0.1)
            yield socket
        finally:
            process.terminate()
            process.wait(STARTED_WITHIN)


def wait_a_little(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Waits until the process ends, at most `seconds`."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


def _store(recipes: tuple[Recipe, ...]) -> Callable[[Path, Step, Mapping[str, Path]], None]:
    def build(target: Path, step: Step, made: Mapping[str, Path]) -> None:
        ctr = made["tool/ctr"] / "ctr"
        with content_store(made["tool/containerd"] / "containerd", target / "containerd", step) as socket:
            for recipe in recipes:
                with tempfile.NamedTemporaryFile(dir=target, suffix=".tar") as packed:
                    oci.archive(made[recipe.part], Path(packed.name))
                    step.run([ctr, "--address", socket, "--namespace", "k8s.io", "images", "import", "--local",
                              "--no-unpack", "--label", "io.cri-containerd.image=managed", "--index-name",
                              recipe.reference, packed.name])  # fmt: skip

    return build


def _pack(target: Path, step: Step, made: Mapping[str, Path]) -> None:
    contents = {"/": made["rootfs/node"] / "root", "/var/lib/containerd": made["node/store"] / "containerd", **files()}
    contents |= {path: made[tools.HOLDERS[name]] / name for path, name in BINARIES.items()}
    oci.write_layer(target / "node.tar", contents, compress=0, skip=())


def parts(table: Mapping[str, Part]) -> dict[str, Part]:
    """`node/store`: containerd's folder with the control plane's images; `node`: the node's file system as node.tar."""
    recipes = catalog.NODE_RECIPES
    holders = tuple(dict.fromkeys(tools.HOLDERS[name] for name in BINARIES.values()))
    texts = [text for path, source in sorted(files().items())
             for text in (path, source.read_text() if isinstance(source, Path) else repr(source))]  # fmt: skip
    return {
        "node/store": Part("node/store", "store the control plane's images", 10, "pack", ("1",), _store(recipes),
                           ("tool/containerd", "tool/ctr", *(recipe.part for recipe in recipes))),
        "node": Part("node", "pack the node image", 15, "pack", tuple(texts), _pack,
                     ("rootfs/node", "node/store", *holders)),
    }  # fmt: skip

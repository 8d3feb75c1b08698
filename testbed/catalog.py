"""Every part there is, in one table, and the recipes of the images: the node's own and the test registry's."""

from __future__ import annotations

import importlib
import re
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from testbed import apk, engines, openshift, packages, published, rootfs, seccomp, stand_ins, tools
from testbed.images import Recipe, recipe_parts
from testbed.parts import Part, folder
from testbed.progress import Step

K8S = "registry.k8s.io"
REGISTRY_IMAGE = "docker.io/library/registry:3.1.2"
PAUSE_IMAGE = f"{K8S}/pause:3.10.2"
DEBIAN = Recipe("docker.io/library/debian:bookworm-slim", base="debian", config={"Cmd": ["/bin/bash"]})
# As the published debug image: a shell in /busybox, and environment variables that kaniko itself reads.
KANIKO = Recipe(
    "ghcr.io/osscontainertools/kaniko:v1.28.3-debug",
    taken={
        "/kaniko/executor": ("tool/executor", "executor"),
        "/kaniko/warmer": ("tool/warmer", "warmer"),
        "/busybox": ("busybox", "busybox"),
        "/kaniko/ssl/certs/ca-certificates.crt": ("rootfs/node", "root/etc/ssl/certs/ca-certificates.crt"),
    },
    config={
        "Env": ["PATH=/usr/local/bin:/kaniko:/busybox", "HOME=/root", "USER=root", "SSL_CERT_DIR=/kaniko/ssl/certs",
                "DOCKER_CONFIG=/kaniko/.docker/"],
        "WorkingDir": "/workspace",
        "Volumes": {"/busybox": {}},
        "Entrypoint": ["/kaniko/executor"],
    },
)  # fmt: skip


def _control_plane(name: str) -> Recipe:
    taken = {f"/usr/local/bin/{name}": (f"tool/{name}", name)}
    return Recipe(f"{K8S}/{name}:{tools.KUBERNETES}", taken=taken, compress=0)


REGISTRY = Recipe(REGISTRY_IMAGE, taken={"/usr/bin/registry": ("tool/registry", "registry")},
                  config={"Entrypoint": ["/usr/bin/registry"]}, compress=0)  # fmt: skip
# What kubeadm starts from the node's own containerd: names as `kubeadm config images list` gives them.
NODE_RECIPES = (
    *(_control_plane(f"kube-{name}") for name in ("apiserver", "controller-manager", "scheduler")),
    Recipe(
        f"{K8S}/kube-proxy:{tools.KUBERNETES}",
        files={"/sbin": "-> usr/sbin", "/bin": "-> usr/bin", "/lib": "-> usr/lib", "/lib64": "-> usr/lib64"},
        taken={"/usr/local/bin/kube-proxy": ("tool/kube-proxy", "kube-proxy"), "/usr": ("iptables", "usr")},
        compress=0,
    ),
    Recipe(f"{K8S}/etcd:3.7.0-0", taken={"/usr/local/bin/etcd": ("tool/etcd", "etcd")}, compress=0),
    Recipe(f"{K8S}/coredns/coredns:v1.14.6", taken={"/coredns": ("tool/coredns", "coredns")},
           config={"Entrypoint": ["/coredns"]}, compress=0),
    Recipe(PAUSE_IMAGE, taken={"/pause": ("tool/pause", "pause")}, config={"Entrypoint": ["/pause"]}),
    REGISTRY,
)  # fmt: skip


def _busybox(target: Path, step: Step, made: Mapping[str, Path]) -> None:
    folder = target / "busybox"
    folder.mkdir()
    original = made["rootfs/node"] / "root/usr/bin/busybox"
    shutil.copy2(original, folder / "busybox")
    # Not the copy: a process that another thread starts just now may still hold it open for writing ("text file busy").
    for name in step.run([original, "--list"]).split():
        if name != "busybox":
            (folder / name).symlink_to("busybox")


PROXY_COMMANDS = ("xtables-nft-multi", "xtables-legacy-multi", "conntrack", "ipset", "nft")


def _iptables(target: Path, step: Step, made: Mapping[str, Path]) -> None:
    """The few commands that kube-proxy calls, with the libraries that they load."""
    root = made["rootfs/node"] / "root"
    modules = [f"/{path.relative_to(root)}" for path in (root / "usr/lib").glob("*/xtables/*.so")]
    commands = [f"/usr/sbin/{name}" for name in PROXY_COMMANDS]
    listed = step.run(["chroot", root, "/usr/bin/ldd", *commands, modules[0]])
    libraries = sorted({str(Path(path)) for path in re.findall(r"(/[^ :]+\.so[^ :]*) \(", listed)})
    for name in [*commands, *modules, *libraries]:
        merged = Path("usr", *Path(name).parts[1:]) if not name.startswith("/usr/") else Path(name).relative_to("/")
        (target / merged).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / merged, target / merged)
    for link in (root / "usr/sbin").iterdir():
        if link.is_symlink() and link.name.startswith(("iptables", "ip6tables")):
            multi = "xtables-legacy-multi" if "legacy" in link.name else "xtables-nft-multi"
            (target / "usr/sbin" / link.name).symlink_to(multi)


def _controller() -> tuple[Recipe, ...]:
    recipes = importlib.import_module("testbed.controller.recipe")
    return (recipes.controller_image(), recipes.agent_image())


def own() -> tuple[Recipe, ...]:
    """The images that are published nowhere: the stand-in controller and its agent, builders made by ourselves."""
    return (*_controller(), packages.image(), *stand_ins.OWN)


def basic() -> tuple[Recipe, ...]:
    """The images of a cluster that builds with kaniko alone; site.yml itself starts busybox."""
    return (DEBIAN, KANIKO, stand_ins.BUSYBOX, *_controller())


def upstream() -> tuple[Recipe, ...]:
    """The images that stand in for published ones; where those can be pulled they are taken instead."""
    return (DEBIAN, KANIKO, *stand_ins.UPSTREAM)


@cache
def table() -> dict[str, Part]:
    """All parts by name: of our own making, or with published images where those are chosen (`is_published`)."""
    return _table(is_published())


@cache
def is_published() -> bool:
    """Whether published images are taken: BUILDKEEP_IMAGES says so, or they can be pulled and no own node is there."""
    word = published.forced()
    if word:
        return word == "published"
    return not folder(_table(False), "node").exists() and published.reachable()


@cache
def _table(pulled: bool) -> dict[str, Part]:
    from testbed import node, seed

    parts = {**tools.PARTS, **engines.parts(), **openshift.parts(), **rootfs.parts(), **seccomp.parts(),
             **apk.parts(), **stand_ins.parts()}  # fmt: skip
    parts["busybox"] = Part("busybox", "unpack busybox", 1, "pack", ("1",), _busybox, ("rootfs/node",))
    parts["iptables"] = Part("iptables", "collect iptables", 1, "pack", (*PROXY_COMMANDS, "1"), _iptables,
                             ("rootfs/node",))  # fmt: skip
    for recipe in (*NODE_RECIPES, *upstream(), *own()):
        parts |= recipe_parts(recipe)
    if pulled:
        parts |= published.parts((*upstream(), REGISTRY), DEBIAN, stand_ins.PUBLISHED_BASES)
    return {**parts, **node.parts(parts), **seed.parts(parts)}

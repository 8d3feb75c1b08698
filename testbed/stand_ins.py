"""The images of builders, and what their builds begin with: recipes that take the place of published images.

Each has what matters of the image that it is named after, as its own recipe upstream says: paths, user, environment,
entrypoint, and the files of /etc that change how it works. What differs is said beside it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from testbed import oci, paths, rootfs, system, tools
from testbed.images import Recipe
from testbed.parts import Part
from testbed.progress import Step

_SUBORDINATE = b"user:100000:65536\n"
_HOME = "/home/user"
# github.com/moby/buildkit, Dockerfile, stage `rootless`: Alpine there, Debian here.
BUILDKIT = Recipe(
    "docker.io/moby/buildkit:v0.33.1-rootless",
    base="builders",
    files={"/etc/subuid": _SUBORDINATE, "/etc/subgid": _SUBORDINATE},
    taken={
        "/usr/bin/buildkitd": ("tool/buildkitd", "buildkitd"),
        "/usr/bin/buildctl": ("tool/buildctl", "buildctl"),
        "/usr/bin/buildkit-runc": ("tool/runc", "runc"),
        "/usr/bin/rootlesskit": ("tool/rootlesskit", "rootlesskit"),
        "/usr/bin/buildctl-daemonless.sh": ("daemonless", "buildctl-daemonless.sh"),
    },
    config={
        "Env": [f"HOME={_HOME}", "USER=user", "XDG_RUNTIME_DIR=/run/user/1000", f"TMPDIR={_HOME}/.local/tmp",
                "BUILDKIT_HOST=unix:///run/user/1000/buildkit/buildkitd.sock"],
        "User": "1000:1000",
        "Volumes": {f"{_HOME}/.local/share/buildkit": {}},
        "Entrypoint": ["rootlesskit", "buildkitd"],
    },
)  # fmt: skip
_BUILD_IDS = b"build:1:999\nbuild:1001:64535\n"
# github.com/containers/image_build, buildah: Fedora there, Debian here. Its storage.conf mounts layers by
# fuse-overlayfs, which needs /dev/fuse: whoever has no such device must say otherwise, here as there.
BUILDAH = Recipe(
    "quay.io/buildah/stable:v1.44.0",
    base="builders",
    files={
        "/etc/subuid": _BUILD_IDS,
        "/etc/subgid": _BUILD_IDS,
        "/etc/containers/policy.json": b'{"default": [{"type": "insecureAcceptAnything"}]}\n',
        "/etc/containers/registries.conf": b'unqualified-search-registries = ["docker.io"]\n'
        b'short-name-mode = "enforcing"\n',
        "/etc/containers/containers.conf": b'[containers]\nnetns = "host"\nuserns = "host"\nipcns = "host"\n'
        b'utsns = "host"\ncgroupns = "host"\ncgroups = "disabled"\nlog_driver = "k8s-file"\n'
        b'[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "crun"\n',
        "/etc/containers/storage.conf": b'[storage]\ndriver = "overlay"\nrunroot = "/run/containers/storage"\n'
        b'graphroot = "/var/lib/containers/storage"\n[storage.options]\nadditionalimagestores = []\n'
        b'[storage.options.overlay]\nmount_program = "/usr/bin/fuse-overlayfs"\nmountopt = "nodev,fsync=0"\n',
    },
    taken={"/usr/bin/buildah": ("tool/buildah", "buildah")},
    config={"Env": ["BUILDAH_ISOLATION=chroot"], "Volumes": {"/var/lib/containers": {}}, "Cmd": ["/bin/bash"]},
)
# Where nothing is published: as images/gcloud-img makes it, but for gcloud.
IMG = Recipe(
    "europe-docker.pkg.dev/acme/tools/img:1",
    base="builders",
    files={"/etc/subuid": _SUBORDINATE, "/etc/subgid": _SUBORDINATE},
    taken={"/usr/local/bin/img": ("tool/img", "img")},
    config={
        "Env": [f"HOME={_HOME}", "USER=user", "XDG_RUNTIME_DIR=/run/user/1000", "IMG_DISABLE_EMBEDDED_RUNC=1"],
        "User": "1000:1000",
    },
)
BUSYBOX = Recipe("docker.io/library/busybox:1.37", taken={"/bin": ("busybox", "busybox")}, config={"Cmd": ["sh"]})
_GO_ENV = [f"PATH=/usr/local/go/bin:/go/bin:{rootfs.PATH}", "GOTOOLCHAIN=local", "GOPATH=/go"]
# With the Go of the lock file, whatever its patch release.
GOLANG = Recipe("docker.io/library/golang:1.26.8-bookworm", base="golang",
                config={"Env": _GO_ENV, "WorkingDir": "/go", "Cmd": ["bash"]})  # fmt: skip
_KO_ENV = [f"PATH=/usr/local/go/bin:/go/bin:{rootfs.PATH}:/ko-app", *_GO_ENV[1:]]
KO = Recipe("ghcr.io/ko-build/ko:v0.19.1", base="golang", taken={"/ko-app/ko": ("tool/ko", "ko")},
            config={"Env": _KO_ENV, "Entrypoint": ["/ko-app/ko"]})  # fmt: skip
# As images/apko makes it.
APKO = Recipe("europe-docker.pkg.dev/acme/tools/apko:1", base="builders",
              taken={"/usr/local/bin/apko": ("tool/apko", "apko")}, config={"User": "1000:1000"})  # fmt: skip
# The results of the compile stages of images/apko and images/gcloud-img, which a build may begin with.
APKO_COMPILED = Recipe("europe-docker.pkg.dev/acme/tools/apko-compiled:1", taken={"/out/apko": ("tool/apko", "apko")})
IMG_COMPILED = Recipe("europe-docker.pkg.dev/acme/tools/img-compiled:1", taken={"/out/img": ("tool/img", "img")})
# Of gcloud there is but the name: what the image's build asks of its base is the user and the packages.
_GCLOUD = {
    "/etc/passwd": b"root:x:0:0:root:/root:/bin/bash\ncloudsdk:x:1000:1000::/home/cloudsdk:/bin/bash\n",
    "/etc/group": b"root:x:0:\nshadow:x:42:\nmail:x:8:\ncloudsdk:x:1000:\n",
    "/etc/shadow": b"root:*:19000:0:99999:7:::\ncloudsdk:!:19000:0:99999:7:::\n",
    "/usr/lib/google-cloud-sdk/bin/gcloud": b"#!/bin/sh\necho 'a stand-in: no cloud'; [ \"$1\" = --version ]\n",
}
GCLOUD = Recipe("gcr.io/google.com/cloudsdktool/google-cloud-cli:578.0.0-stable", base="builders", files=_GCLOUD,
                taken={"/home/cloudsdk": ("skeleton", "cloudsdk")},
                config={"Env": [f"PATH=/usr/lib/google-cloud-sdk/bin:{rootfs.PATH}"]})  # fmt: skip
PACKAGES = replace(GCLOUD, reference="europe-docker.pkg.dev/acme/tools/gcloud-packages:1")
# Java 17 of Debian in both, where the published ones have 21. Maven finds what examples/jib-hello needs in a folder.
_JAVA_LINK: dict[str, oci.Source] = {
    "/opt/java/openjdk": f"-> /usr/lib/jvm/java-17-openjdk-{system.architecture()}",
}
_JAVA_ENV = ["JAVA_HOME=/opt/java/openjdk", f"PATH=/opt/java/openjdk/bin:{rootfs.PATH}"]
_MAVEN_REPOSITORY = "/usr/share/maven/repository"
_MAVEN_SETTINGS = f"""\
<settings>
  <mirrors>
    <mirror><id>image</id><mirrorOf>*</mirrorOf><url>file://{_MAVEN_REPOSITORY}</url></mirror>
  </mirrors>
</settings>
"""
MAVEN = Recipe(
    "docker.io/library/maven:3.9-eclipse-temurin-21",
    base="java",
    files={**_JAVA_LINK, "/etc/maven/settings.xml": _MAVEN_SETTINGS.encode()},
    taken={_MAVEN_REPOSITORY: ("maven-repository", "repository")},
    config={"Env": [*_JAVA_ENV, "MAVEN_HOME=/usr/share/maven"], "Cmd": ["mvn"]},
)
TEMURIN = Recipe("docker.io/library/eclipse-temurin:21-jre", base="java", files=_JAVA_LINK, config={"Env": _JAVA_ENV})
STATIC = Recipe(
    "gcr.io/distroless/static-debian12:nonroot",
    files={
        "/etc/passwd": b"root:x:0:0:root:/root:/sbin/nologin\n"
        b"nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n",
        "/etc/group": b"root:x:0:\nnonroot:x:65532:\n",
    },
    taken={
        "/tmp": ("skeleton", "tmp"),  # noqa: S108
        "/home/nonroot": ("skeleton", "nonroot"),
        "/etc/ssl/certs/ca-certificates.crt": ("rootfs/builders", "root/etc/ssl/certs/ca-certificates.crt"),
    },
    config={
        "User": "65532",
        "WorkingDir": "/home/nonroot",
        "Env": ["SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"],
    },
)
UPSTREAM = (BUILDKIT, BUILDAH, BUSYBOX, GOLANG, KO, STATIC, MAVEN, TEMURIN, GCLOUD)
PUBLISHED_BASES = {"builders": BUILDKIT, "golang": GOLANG, "java": MAVEN}
OWN = (IMG, APKO, APKO_COMPILED, IMG_COMPILED, PACKAGES)


_SCRIPT = "examples/buildctl-daemonless/buildctl-daemonless.sh"


def _daemonless(target: Path, step: Step, made: Mapping[str, Path]) -> None:
    """Takes the script out of BuildKit's Go module, in Go's own cache."""
    environment = tools.go_environment(made["go"], cgo=False, version=tools.BUILDKIT_GO)
    words = ["mod", "download", "-json", "github.com/moby/buildkit"]
    said = step.run([made["go"] / "go" / "bin" / "go", *words], env=environment, cwd=tools.GO_SOURCES / "buildkit")
    script = target / Path(_SCRIPT).name
    shutil.copyfile(Path(json.loads(said)["Dir"]) / _SCRIPT, script)
    script.chmod(0o755)


FOLDERS = (("tmp", 0o1777, 0), ("nonroot", 0o700, 65532), ("go", 0o755, 0), ("go/bin", 0o1777, 0),
           ("go/src", 0o1777, 0), ("cloudsdk", 0o755, 1000))  # fmt: skip


def _skeleton(target: Path, step: Step, made: Mapping[str, Path]) -> None:
    """Folders that an image needs with a mode or an owner of their own."""
    for name, mode, owner in FOLDERS:
        (target / name).mkdir()
        (target / name).chmod(mode)
        if owner:
            os.chown(target / name, owner, owner)


def _golang(target: Path, step: Step, made: Mapping[str, Path]) -> None:
    contents: dict[str, oci.Source] = {"/usr/local/go": made["go"] / "go", "/go": made["skeleton"] / "go"}
    layer = oci.write_layer(target / "layer", contents)
    oci.write_image(target, [*oci.layers(made["base/builders"]), layer], {}, system.architecture())
    layer.path.unlink()


JAVA_PROJECT = paths.ROOT / "examples/jib-hello"
MAVEN_NEEDS = (system.Need("mvn", "maven"), system.Need("javac", "openjdk-17-jdk-headless"))


def _maven(target: Path, step: Step, made: Mapping[str, Path]) -> None:
    """Builds the example once without a registry: its local repository then holds all that Maven took for it."""
    work = target / "work"
    shutil.copytree(JAVA_PROJECT, work)
    goals = ["compile", "jib:buildTar", "-Djib.from.image=scratch", "-Djib.to.image=testbed/none",
             f"-Djib.outputPaths.tar={work}/image.tar"]  # fmt: skip
    step.run(["mvn", "--batch-mode", "--no-transfer-progress", f"-Dmaven.repo.local={target}/repository", *goals],
             cwd=work)  # fmt: skip
    shutil.rmtree(work)


def parts() -> dict[str, Part]:
    """What the recipes take beside commands and file systems."""
    table = (
        Part("daemonless", "fetch buildctl-daemonless.sh", 3, "fetch", (tools.GO_SOURCES / "buildkit",), _daemonless,
             ("go",), tools.GO_REMEDY),
        Part("skeleton", "make folders of images", 1, "pack", (repr(FOLDERS),), _skeleton),
        Part("base/golang", "pack the base image golang", 12, "pack", ("1",), _golang,
             ("go", "skeleton", "base/builders")),
        Part("maven-repository", "fetch what Maven takes for jib", 40, "fetch", (JAVA_PROJECT / "pom.xml",), _maven,
             remedy="Check that Maven reaches its central repository, then run the same command again.",
             system=MAVEN_NEEDS),
    )  # fmt: skip
    return {part.name: part for part in table}

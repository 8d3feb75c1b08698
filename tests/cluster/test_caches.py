"""What each cache keeps for a later pod: a layer that no step can make twice is found again in the second image.

The tenant `cached` has a repository for layers and claims for kaniko's base images and BuildKit's state; the claims are
made here, on volumes in a folder of the node.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from testbed import builds, cluster, paths
from testbed.attacks.api import Api
from testbed.attacks.registry import Registry
from testbed.attacks.stage import namespace_path
from testbed.attacks.waiting import wait
from testbed.progress import Progress

TENANT, NAMESPACE = "cached", "ci-cached"
CLAIMS = ("base-images", "buildkit-state")
FOLDER = "/var/lib/buildkeep/claims"
WARMER = paths.ROOT / "examples/kaniko-base-images"
CONTEXT = Path(__file__).parent / "caches"
IMAGE = "europe-docker.pkg.dev/acme/cached"
# How a page of the documentation says it; NAME is the image, REF the place in the repository for layers.
COMMANDS = {
    "kaniko": '/kaniko/executor --context "dir://$PWD" --destination NAME --cache --cache-repo "$BUILDKEEP_CACHE/REF"',
    "buildah": 'buildah build --layers --cache-from "$BUILDKEEP_CACHE/REF" --cache-to "$BUILDKEEP_CACHE/REF" '
    "--tag NAME . && buildah push NAME",
    "buildkit": "buildctl-daemonless.sh build --frontend dockerfile.v0 --local context=. --local dockerfile=. "
    "--output type=image,name=NAME,push=true",
    # Without the claim, so that nothing but the repository can have it.
    "buildkit-registry": "buildctl-daemonless.sh build --frontend dockerfile.v0 --local context=. --local dockerfile=. "
    '--export-cache "type=registry,ref=$BUILDKEEP_CACHE/REF,mode=max" '
    '--import-cache "type=registry,ref=$BUILDKEEP_CACHE/REF" --output type=image,name=NAME,push=true',
}
YAML = {
    "buildkit-registry": "spec:\n  volumes: [{name: builder-state, emptyDir: {}}]\n",
}


@pytest.fixture(scope="module", autouse=True)
def claims(admin: Api) -> Iterator[None]:
    """The tenant's claims, bound to empty folders of the node, and taken away with what is in them."""
    run = uuid.uuid4().hex[:6]
    this, folders = cluster.named(), {name: f"{FOLDER}/{run}-{name}" for name in CLAIMS}
    node = admin.must("GET", "/api/v1/nodes")["items"][0]["metadata"]["name"]
    with Progress(1).step("make folders for claims", 1) as step:
        this.exec(step, f"mkdir -p {' '.join(folders.values())}")
        for name, folder in folders.items():
            admin.must("POST", "/api/v1/persistentvolumes", volume(f"{run}-{name}", name, folder, node))
            admin.must("POST", f"{namespace_path(NAMESPACE)}/persistentvolumeclaims", claim(f"{run}-{name}", name))
        yield
        for name in CLAIMS:
            for path in (
                f"{namespace_path(NAMESPACE)}/persistentvolumeclaims/{name}",
                f"/api/v1/persistentvolumes/{run}-{name}",
            ):
                admin.must("DELETE", path)
                wait(lambda gone=path: not admin.ask("GET", gone).ok, 60, f"{path} to be gone")  # type: ignore[misc]
        this.exec(step, f"rm -rf {' '.join(folders.values())}")


def volume(name: str, claimed: str, folder: str, node: str) -> dict[str, Any]:
    """A volume on the node, for one claim."""
    nodes = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}
    return {
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "",
            "claimRef": {"namespace": NAMESPACE, "name": claimed},
            "local": {"path": folder},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [nodes]}},
            "persistentVolumeReclaimPolicy": "Retain",
        },
    }


def claim(of: str, name: str) -> dict[str, Any]:
    """A claim for that volume."""
    resources = {"requests": {"storage": "1Gi"}}
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "", "volumeName": of, "resources": resources}
    return {"metadata": {"name": name}, "spec": spec}


def build(folder: Path, kind: str, text: str, name: str) -> builds.BuildResult:
    """Runs a shell text in the pod of a builder's template."""
    builder = kind.partition("-")[0]
    agent = f"agent {{ label '{TENANT}-{builder}' }}"
    if kind in YAML:
        agent = (
            f"agent {{ kubernetes {{ cloud '{TENANT}'; inheritFrom '{TENANT}-{builder}'\n yaml '''{YAML[kind]}''' }} }}"
        )
    (folder / "Jenkinsfile").write_text(
        f"pipeline {{\n  {agent}\n  stages {{ stage('build') {{ steps {{ container('{builder}') {{\n"
        f"    sh '''\n{text}\n'''\n  }} }} }} }}\n}}\n",
        encoding="utf-8",
    )
    result = builds.build(f"{TENANT}/{name}", folder)
    assert result.ok, result.log
    return result


def twice(kind: str, folder: Path, run: str) -> list[builds.BuildResult]:
    """Two builds in two pods, before the second of which a file is changed."""
    results = []
    shutil.copytree(CONTEXT, folder)
    for number in (1, 2):
        (folder / "changed").write_text(f"{number}\n", encoding="utf-8")
        text = COMMANDS[kind].replace("NAME", f"{IMAGE}/{kind}-{run}:{number}").replace("REF", f"{kind}-{run}")
        results.append(build(folder, kind, text, f"{kind}-{number}"))
    return results


@pytest.fixture(scope="module")
def run() -> str:
    """A word that no other run has in its names."""
    return uuid.uuid4().hex[:6]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, claims: None, run: str) -> Iterator[dict[str, Future[Any]]]:
    """All builds, some at a time: kaniko's after its base images are there."""
    home = tmp_path_factory.mktemp("caches")

    def warmed() -> list[builds.BuildResult]:
        return [builds.build(f"{TENANT}/base-images", WARMER), *twice("kaniko", home / "kaniko", run)]

    with ThreadPoolExecutor(2) as pool:
        others = [kind for kind in COMMANDS if kind != "kaniko"]
        yield {
            "kaniko": pool.submit(warmed),
            **{kind: pool.submit(twice, kind, home / kind, run) for kind in others},
        }


def layers(registry: Registry, kind: str, run: str, number: int) -> list[str]:
    """The layers of an image: the base's, the one that no step makes twice, and the changed file."""
    found = list(registry.manifest(f"{IMAGE}/{kind}-{run}:{number}").blobs)[1:]
    assert len(found) == 3, found
    return found


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_layer_is_found_again_by_another_pod(
    kind: str, results: dict[str, Future[Any]], registry: Registry, run: str
) -> None:
    results[kind].result()
    first, second = (layers(registry, kind, run, number) for number in (1, 2))
    assert first[1] == second[1]
    assert first[2] != second[2]


def test_kaniko_takes_its_base_from_the_claim(results: dict[str, Future[Any]]) -> None:
    warmer, first, second = results["kaniko"].result()
    assert warmer.ok, warmer.log
    for one in (first, second):
        assert "in local cache" in one.log, one.log


def test_a_build_can_only_read_the_base_images(results: dict[str, Future[Any]], tmp_path: Path) -> None:
    results["kaniko"].result()
    found = build(tmp_path, "kaniko", "ls /cache; ! touch /cache/poisoned", "read-only")
    assert "Read-only file system" in found.log and "sha256:" in found.log

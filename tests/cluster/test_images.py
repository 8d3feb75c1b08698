"""The images of images/, built by the agent template `buildkit` and run with the rights of the templates they are for.

Base images are stand-ins of the same names. A stage that needs the network is replaced by an image (BuildKit's named
contexts): what `compile` makes, compiled outside from the same go.mod; what `packages` installs, without gcloud.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profile, load_profiles

from testbed import builds, paths
from testbed.attacks.api import Api
from testbed.attacks.registry import Registry
from tests.cluster.running import run

FOLDER = paths.ROOT / "images"
TOOLS = "docker-image://europe-docker.pkg.dev/acme/tools"
REPLACED: Mapping[str, Mapping[str, str]] = {
    "ko": {},
    "apko": {"compile": f"{TOOLS}/apko-compiled:1"},
    "gcloud-img": {"compile": f"{TOOLS}/img-compiled:1", "packages": f"{TOOLS}/gcloud-packages:1"},
}
BUILD = "--local dockerfile=$image"
STATE = {"name": "state", "mountPath": "/home/user/.local/share/img"}
SMALL_BUILD = """img version
mkdir /tmp/context && cd /tmp/context && echo here >file
printf 'FROM scratch\\nCOPY file /file\\n' >Dockerfile
img build --no-console --tag small:1 . && img ls
"""


@dataclass(frozen=True)
class Check:
    """What an image is asked as the container of a builder, and lines that it answers with."""

    builder: str
    script: str
    answers: tuple[str, ...]
    volumes: tuple[Mapping[str, str], ...] = ()


CHECKS: Mapping[str, Check] = {
    "ko": Check("ko", "ko version; go version", (r"v0\.19\.1", r"go version go1\.26\..*")),
    "apko": Check("apko", "apko version", (r"GitVersion: +v1\.2\.30",)),
    "gcloud-img": Check("img", SMALL_BUILD, (r" version +: v0\.5\.11", r".*/small:1\s.*sha256:[0-9a-f]{64}"), (STATE,)),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The images by folder, each by its digest, built by images/Jenkinsfile."""
    folder = tmp_path_factory.mktemp("images") / "images"
    shutil.copytree(FOLDER, folder)
    for name, stages in REPLACED.items():
        options = " ".join(f"--opt context:{stage}={image}" for stage, image in stages.items())
        (folder / name / "replaced").write_text(options, encoding="utf-8")
    jenkinsfile = (folder / "Jenkinsfile").read_text(encoding="utf-8")
    assert jenkinsfile.count(BUILD) == 1
    replaced = jenkinsfile.replace(BUILD, f"{BUILD} $(cat $image/replaced)")
    (folder / "Jenkinsfile").write_text(replaced, encoding="utf-8")
    result = builds.build("shop/images", folder)
    assert result.ok, result.log
    digests = builds.artifact("shop/images", result.number, "digests.txt").decode().splitlines()
    found = dict(line.split(".json ") for line in digests)
    assert set(found) == set(REPLACED), digests
    return {name: f"europe-docker.pkg.dev/acme/shop/{name}@{digest}" for name, digest in found.items()}


def rights(builder: str) -> dict[str, object]:
    """The security context of a builder's container, as its template has it."""
    overrides = {name: {"image": f"r.example/{name}:1"} for name in load_profiles().imageless}
    profile: Profile = load_profiles(overrides=overrides).builders[builder]
    kind, _, path = profile.seccomp.partition("/")
    return {
        "runAsUser": profile.run_as_user,
        "runAsGroup": profile.run_as_group,
        "runAsNonRoot": True,
        "allowPrivilegeEscalation": profile.allow_privilege_escalation,
        "capabilities": {"drop": ["ALL"], "add": list(profile.capabilities_add)},
        "seccompProfile": {"type": kind, **({"localhostProfile": path} if path else {})},
    }


@pytest.mark.parametrize("name", REPLACED)
def test_it_works_with_the_rights_of_its_template(name: str, built: Mapping[str, str], admin: Api, home: str) -> None:
    check = CHECKS[name]
    fields = {"securityContext": rights(check.builder), "volumeMounts": list(check.volumes)}
    printed = run(admin, home, built[name], ["sh", "-euc", check.script], **fields)
    for answer in check.answers:
        assert re.search(f"^{answer}$", printed, re.MULTILINE), printed


def test_no_image_is_root_s(built: Mapping[str, str], registry: Registry) -> None:
    for image in built.values():
        config = next(registry.manifest(image).blobs)
        assert registry.blob(image, config)["config"]["User"] == "1000:1000"

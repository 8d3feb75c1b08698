"""Images built from the examples' Jenkinsfiles by unprivileged agents: what was pushed is pulled by digest and run."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from testbed import builds, paths
from testbed.attacks.api import Api
from testbed.attacks.registry import Registry
from testbed.attacks.stage import namespace_path
from testbed.attacks.waiting import wait

EXAMPLES = paths.ROOT / "examples"
HELLO, DEBIAN = (f"europe-docker.pkg.dev/acme/shop/{name}" for name in ("hello-world", "debian-multistage"))
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
RUN_SECONDS = 90


@pytest.fixture(scope="module")
def home(admin: Api) -> Iterator[str]:
    """A namespace that belongs to no tenant, to run what was built."""
    name = f"buildkeep-check-{uuid.uuid4().hex[:6]}"
    admin.must("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    account = f"{namespace_path(name)}/serviceaccounts/default"
    wait(lambda: admin.ask("GET", account).ok, 30, f"the ServiceAccount default of {name}")
    yield name
    admin.must("DELETE", namespace_path(name))


def run(admin: Api, namespace: str, image: str, command: list[str] | None = None) -> str:
    """Runs an image as a pod to its end, as whoever the image says; returns what it printed."""
    container = {"name": "main", "image": image, **({"command": command} if command else {})}
    pod = {"metadata": {"generateName": "run-"}, "spec": {"restartPolicy": "Never", "containers": [container]}}
    made = admin.must("POST", f"{namespace_path(namespace)}/pods", pod)
    path = f"{namespace_path(namespace)}/pods/{made['metadata']['name']}"

    def ended() -> Any:
        status = admin.must("GET", path)["status"]
        waiting = status.get("containerStatuses", [{}])[0].get("state", {}).get("waiting", {})
        assert waiting.get("reason") not in ("ErrImagePull", "ImagePullBackOff"), waiting
        return status["phase"] if status["phase"] in ("Succeeded", "Failed") else None

    phase = wait(ended, RUN_SECONDS, f"{image} to end")
    log = admin.text(f"{path}/log")
    assert phase == "Succeeded", log
    return log


def build(job: str, folder: Path) -> tuple[str, str]:
    """Runs a build that has to succeed; returns the digest that kaniko reported, and the log."""
    result = builds.build(job, folder)
    assert result.ok, result.log
    digests = DIGEST.findall(result.log)
    assert digests, result.log
    return digests[-1], result.log


@pytest.fixture(scope="module")
def hello() -> tuple[str, str]:
    """The FROM scratch image: its digest and the build's log."""
    return build("shop/hello-world", EXAMPLES / "hello-world")


@pytest.fixture(scope="module")
def debian() -> tuple[str, str]:
    """The Debian image of two stages: its digest and the build's log."""
    return build("shop/debian-multistage", EXAMPLES / "debian-multistage")


def test_the_registry_has_exactly_what_kaniko_reported(hello: tuple[str, str], registry: Registry) -> None:
    assert registry.manifest(f"{HELLO}@{hello[0]}").digest == hello[0]
    assert registry.manifest(f"{HELLO}:latest").digest == hello[0]


def test_hello_world_is_one_layer_on_nothing_and_says_so(
    hello: tuple[str, str], registry: Registry, admin: Api, home: str
) -> None:
    config, *layers = registry.manifest(f"{HELLO}@{hello[0]}").blobs
    assert len(layers) == 1
    assert registry.blob(HELLO + "@", config)["config"]["Entrypoint"] == ["/hello"]
    assert run(admin, home, f"{HELLO}@{hello[0]}") == "Hello World\n"


def test_every_run_and_the_user_of_the_debian_image_took_effect(
    debian: tuple[str, str], registry: Registry, admin: Api, home: str
) -> None:
    image = f"{DEBIAN}@{debian[0]}"
    manifest = registry.manifest(image)
    assert manifest.digest == debian[0]
    assert registry.blob(image, next(manifest.blobs))["config"]["User"] == "app"
    assert run(admin, home, image).splitlines() == [
        "I am app",
        "Hello from a second stage",
        "written as builder",
        "checked as app",
    ]


def test_owners_and_ids_of_the_debian_image_are_those_of_its_dockerfile(
    debian: tuple[str, str], admin: Api, home: str
) -> None:
    files = "/home/app/greeting /usr/local/bin/greet"
    script = f"id -u; stat -c '%u %U:%G %n' {files}; getent passwd builder || echo no builder here"
    lines = run(admin, home, f"{DEBIAN}@{debian[0]}", ["sh", "-c", script]).splitlines()
    assert lines == [
        "2345",
        "2345 app:app /home/app/greeting",
        "2345 app:app /usr/local/bin/greet",
        "no builder here",
    ]


def test_the_agent_that_built_it_was_not_privileged(debian: tuple[str, str], tmp_path: Path) -> None:
    look = "grep -E '^(Uid|NoNewPrivs|CapBnd|Seccomp):' /proc/self/status; test ! -e /var/run/docker.sock"
    (tmp_path / "Jenkinsfile").write_text(
        "pipeline {\n  agent { label 'shop-kaniko' }\n  stages {\n    stage('look') {\n      steps {\n"
        f"        container('kaniko') {{\n          sh \"{look}\"\n        }}\n      }}\n    }}\n  }}\n}}\n",
        encoding="utf-8",
    )
    result = builds.build("shop/look-around", tmp_path)
    assert result.ok, result.log
    status = dict(re.findall(r"^(\w+):\s+(\S+)", result.log, re.MULTILINE))
    # CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, SETGID 6, SETUID 7, SETFCAP 31: the builder profile of kaniko, and no more.
    assert int(status["CapBnd"], 16) == sum(1 << bit for bit in (0, 1, 3, 6, 7, 31))
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")

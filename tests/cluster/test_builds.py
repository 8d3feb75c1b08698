"""An image built from an example's Jenkinsfile that describes its pod, and what its agent may do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from testbed import builds, paths
from testbed.attacks.api import Api
from testbed.attacks.registry import Registry
from tests.cluster.running import run

HELLO = "europe-docker.pkg.dev/acme/shop/hello-world"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@pytest.fixture(scope="module")
def hello() -> str:
    """The digest of the FROM scratch image, as kaniko reported it."""
    result = builds.build("shop/hello-world", paths.ROOT / "examples/hello-world")
    assert result.ok, result.log
    digests = DIGEST.findall(result.log)
    assert digests, result.log
    return str(digests[-1])


def test_the_registry_has_exactly_what_kaniko_reported(hello: str, registry: Registry) -> None:
    assert registry.manifest(f"{HELLO}@{hello}").digest == hello
    assert registry.manifest(f"{HELLO}:latest").digest == hello


def test_hello_world_is_one_layer_on_nothing_and_says_so(hello: str, registry: Registry, admin: Api, home: str) -> None:
    config, *layers = registry.manifest(f"{HELLO}@{hello}").blobs
    assert len(layers) == 1
    assert registry.blob(HELLO + "@", config)["config"]["Entrypoint"] == ["/hello"]
    assert run(admin, home, f"{HELLO}@{hello}") == "Hello World\n"


def test_the_agent_of_kaniko_is_not_privileged(tmp_path: Path) -> None:
    look = "grep -E '^(Uid|NoNewPrivs|CapBnd|Seccomp):' /proc/self/status; test ! -e /var/run/docker.sock"
    (tmp_path / "Jenkinsfile").write_text(
        "pipeline {\n  agent { label 'shop-kaniko' }\n  stages {\n    stage('look') {\n      steps {\n"
        f"        container('kaniko') {{\n          sh \"{look}\"\n        }}\n      }}\n    }}\n  }}\n}}\n",
        encoding="utf-8",
    )
    result = builds.build("shop/look-around", tmp_path)
    assert result.ok, result.log
    status = dict(re.findall(r"^(\w+):\s+(\S+)", result.log, re.MULTILINE))
    # CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, FSETID 4, SETGID 6, SETUID 7, SETFCAP 31: the profile of kaniko, and no more.
    assert int(status["CapBnd"], 16) == sum(1 << bit for bit in (0, 1, 3, 4, 6, 7, 31))
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")

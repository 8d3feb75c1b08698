"""What nodes give builders, in real pods: profiles that are there, users that are mapped, and plain words where not."""

from __future__ import annotations

import re
from pathlib import Path

from testbed import builds
from testbed.attacks.api import Api
from testbed.attacks.stage import namespace_path
from testbed.attacks.waiting import wait
from testbed.controller import pods

SYSTEM = namespace_path("buildkeep-system")
WAIT_SECONDS = 60


def test_each_profile_is_in_use_on_every_node(admin: Api) -> None:
    """A container runs under each of them, which it could not if a node's runtime had not taken the file."""
    nodes = {one["metadata"]["name"] for one in admin.must("GET", "/api/v1/nodes")["items"]}
    found = admin.must("GET", f"{SYSTEM}/pods?labelSelector=app.kubernetes.io/name=node-profiles")["items"]
    assert {pod["spec"]["nodeName"] for pod in found} == nodes
    for pod in found:
        assert {one["name"] for one in pod["spec"]["containers"]} == {"buildkit", "buildah", "img"}
        assert all(one["ready"] for one in pod["status"]["containerStatuses"]), pod["status"]


def test_a_pod_whose_profile_is_not_on_its_node_says_so_within_seconds(admin: Api, home: str) -> None:
    profile = {"type": "Localhost", "localhostProfile": "buildkeep/buildkit-000000000000.json"}
    image = {"image": "docker.io/library/busybox:1.37", "command": ["sleep", "1"]}
    container = {"name": "buildkit", **image, "securityContext": {"seccompProfile": profile}}
    made = admin.must(
        "POST",
        f"{namespace_path(home)}/pods",
        {"metadata": {"generateName": "missing-"}, "spec": {"restartPolicy": "Never", "containers": [container]}},
    )
    path = f"{namespace_path(home)}/pods/{made['metadata']['name']}"
    problem: str = wait(lambda: pods.judge(admin.must("GET", path)).problem, WAIT_SECONDS, "the kubelet's words")
    assert re.match(r"Container buildkit cannot start: CreateContainerError: .*cannot load seccomp profile", problem)
    assert "buildkeep/buildkit-000000000000.json: no such file" in problem
    admin.must("DELETE", path)


def test_root_of_a_kaniko_build_is_nobody_on_the_node(tmp_path: Path) -> None:
    look = "id -u; tr -s ' ' < /proc/self/uid_map"
    (tmp_path / "Jenkinsfile").write_text(
        "pipeline {\n  agent { label 'shop-kaniko' }\n  stages {\n    stage('look') {\n      steps {\n"
        f"        container('kaniko') {{\n          sh \"{look}\"\n        }}\n      }}\n    }}\n  }}\n}}\n",
        encoding="utf-8",
    )
    result = builds.build("shop/user-namespace", tmp_path)
    assert result.ok, result.log
    (mapped,) = re.findall(r"^ ?0 (\d+) (\d+)$", result.log, re.MULTILINE)
    assert int(mapped[0]) >= 65536 and int(mapped[1]) % 65536 == 0, result.log

"""The builders' seccomp profiles are enough, and no system call in them is one too many.

Each builder builds the same small image under its whole profile, which has to work, under RuntimeDefault, and under
the profile without each single entry of the table, which has to fail with the words of what was forbidden: the build
itself, or the check in its step that it cannot leave its root folder. The namespace holds the Pod Security Standard
baseline.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils import seccomp
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import load_profiles

from testbed.attacks.api import Api
from testbed.attacks.stage import namespace_path
from testbed.attacks.waiting import wait
from tests.cluster import seccomp_pods
from tests.cluster.seccomp_pods import Ended

CASES: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("seccomp.yaml").read_text(encoding="utf-8"))
TABLE = yaml.safe_load((seccomp.CHART / "profiles.yaml").read_text(encoding="utf-8"))["builders"]
# The chart names no image of img; the test registry has one under this name.
PROFILES = load_profiles(overrides={"img": {"image": "europe-docker.pkg.dev/acme/tools/img:1"}}).builders
WHOLE, NONE, NETWORK = "whole", "RuntimeDefault", "network"
# A user namespace with a network namespace, in which a build would be root over the kernel's packet filters.
UNSHARE = "/context/busybox unshare --user --net /context/busybox true"
LOCALHOST = [name for name, entry in TABLE.items() if entry["seccompProfile"] == "Localhost"]


def container_name(case: str) -> str:
    """A case as the name of a container: `without-mount`."""
    return case if case == WHOLE else f"without-{case.lower().replace(' ', '-').replace('_', '-')}"


def texts(builder: str) -> dict[str, str]:
    """The profiles of a builder by case: the file in the chart, and that without each further call."""
    calls, base = TABLE[builder]["systemCalls"], seccomp.load_base()
    whole = (seccomp.CHART / "seccomp" / f"{builder}.json").read_text(encoding="utf-8")
    without = {one: seccomp.seccomp_profile(builder, base, set(calls) - {one}) for one in calls}
    return {WHOLE: whole, **{one: seccomp.seccomp_text(profile) for one, profile in without.items()}}


@pytest.fixture(scope="module")
def home(admin: Api) -> Iterator[str]:
    """A namespace at baseline that belongs to no tenant, with all profiles on the node."""
    name = f"buildkeep-seccomp-{uuid.uuid4().hex[:6]}"
    labels = {"pod-security.kubernetes.io/enforce": "baseline"}
    admin.must("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
    account = f"{namespace_path(name)}/serviceaccounts/default"
    wait(lambda: admin.ask("GET", account).ok, 30, f"the ServiceAccount default of {name}")
    seccomp_pods.put({f"{one}-{container_name(case)}": text for one in LOCALHOST for case, text in texts(one).items()})
    yield name
    admin.must("DELETE", namespace_path(name))
    seccomp_pods.take_away()


@pytest.fixture(scope="module")
def results(admin: Api, home: str) -> dict[str, dict[str, Ended]]:
    """How every build ended, by builder and container."""
    started = {}
    for builder in LOCALHOST:
        case, profile = CASES[builder], PROFILES[builder]
        wanted = {name: f"{builder}-{name}" for name in map(container_name, texts(builder))}
        containers = [
            seccomp_pods.container(profile, name, file, case["build"], case.get("files", []))
            for name, file in {**wanted, container_name(NONE): ""}.items()
        ]
        containers.append(seccomp_pods.container(profile, NETWORK, wanted[WHOLE], UNSHARE, []))
        started[builder] = seccomp_pods.start(admin, home, seccomp_pods.pod(profile, containers))
    return {builder: seccomp_pods.ended(admin, path) for builder, path in started.items()}


def test_every_entry_of_the_table_is_tried() -> None:
    tried = {builder: set(case["says"]) - {NONE} for builder, case in CASES.items()}
    assert tried == {builder: set(TABLE[builder]["systemCalls"]) for builder in LOCALHOST}


@pytest.mark.parametrize("builder", LOCALHOST)
def test_a_build_works_under_the_whole_profile(builder: str, results: dict[str, dict[str, Ended]]) -> None:
    whole = results[builder][WHOLE]
    assert whole.code == 0, whole.log


@pytest.mark.parametrize("builder", LOCALHOST)
def test_no_profile_gives_a_network_namespace(builder: str, results: dict[str, dict[str, Ended]]) -> None:
    found = results[builder][NETWORK]
    assert found.code != 0
    assert "unshare: unshare(0x50000000): Operation not permitted" in found.log


@pytest.mark.parametrize(
    ("builder", "case"), [(builder, case) for builder in LOCALHOST for case in CASES[builder]["says"]]
)
def test_a_build_fails_without(builder: str, case: str, results: dict[str, dict[str, Ended]]) -> None:
    found = results[builder][container_name(case)]
    assert found.code != 0, found.log
    assert CASES[builder]["says"][case] in found.log

"""The role for nodes on a server whose nodes are pretended: what it makes, waits for, remembers and takes away."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import connect

from testbed.apiserver import ApiServer
from tests.play.kubelet import add_node, kubelet
from tests.play.playbook import Cluster, Run
from tests.servers import controllers

NODE = "alpha"
TENANTS = [{"name": "shop", "builders": ["kaniko", "buildkit", "img"]}]
GIVEN: dict[str, Any] = {
    "buildkeep_tenants": TENANTS,
    "buildkeep_builders": {"img": {"image": "ghcr.io/acme/img:1"}},
    "buildkeep_node_profiles": "daemonset",
}
MAP = "         0 1310720      65536\n"


def ready(pod: dict[str, Any]) -> dict[str, Any]:
    """What a kubelet says of a pod that does what it should."""
    if pod["metadata"]["name"].startswith("user-namespaces-"):
        ended = {"exitCode": 0, "reason": "Completed", "message": MAP, "startedAt": None, "finishedAt": None}
        state = {
            "name": "probe",
            "state": {"terminated": ended},
            "ready": False,
            "restartCount": 0,
            "image": "x",
            "imageID": "",
        }
        return {"phase": "Succeeded", "containerStatuses": [state]}
    return {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}


def ill(pod: dict[str, Any]) -> dict[str, Any]:
    """What it says where a profile cannot be loaded."""
    waiting = {"reason": "CreateContainerError", "message": "cannot load seccomp profile"}
    state = {
        "name": "buildkit",
        "state": {"waiting": waiting},
        "ready": False,
        "restartCount": 0,
        "image": "x",
        "imageID": "",
    }
    return {"phase": "Pending", "containerStatuses": [state]}


@dataclass
class Story:
    """The runs, and what was in the cluster after each."""

    found: dict[str, Any] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    after: dict[str, dict[str, Any]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A playbook with this role alone."""
    path = tmp_path_factory.mktemp("plays") / "nodes.yml"
    roles = [{"role": "buildkeep.ci.node_profiles"}]
    path.write_text(yaml.safe_dump([{"hosts": "buildkeep", "gather_facts": False, "roles": roles}]), encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def story(
    cluster: Cluster, api_server: ApiServer, play: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    """Run the whole story once; the tests look at it."""
    reader = connect(str(cluster.kubeconfig))
    add_node(reader, NODE)
    told = Story()

    def step(name: str, *flags: str) -> None:
        told.runs[name] = cluster.run(play, GIVEN, *flags)
        told.after[name] = cluster.everything()

    log = tmp_path_factory.mktemp("daemonsets") / "log"
    with controllers(api_server, log, ("daemonset-controller",)):
        account = ("wait", "--for=create", "serviceaccount/daemon-set-controller", "--timeout=60s")
        assert cluster.kubectl("-n", "kube-system", *account).returncode == 0
        told.found = cluster.everything()
        step("announced", "--check")
        with kubelet(reader, "buildkeep-system", NODE, ill):
            step("stuck", "-e", "node_profiles_timeout=5")
        with kubelet(reader, "buildkeep-system", NODE, ready):
            step("made")
            step("again")
            step("removed", "-e", "node_profiles_state=absent")
    yield told
    reader.client.request("DELETE", f"/api/v1/nodes/{NODE}")


def test_check_mode_announces_it_and_makes_no_pod(story: Story) -> None:
    announced = story.runs["announced"].ok()
    assert announced.changed == 2
    assert "check mode asks no node, so templates are announced without user namespaces" in announced.text
    assert story.after["announced"] == story.found


def test_a_node_without_its_profiles_is_named_with_the_kubelets_words(story: Story) -> None:
    stuck = story.runs["stuck"]
    assert stuck.code != 0
    words = (
        f"buildkeep_node_profiles: node {NODE}: container buildkit: CreateContainerError: cannot load seccomp profile"
    )
    assert words in stuck.text, stuck.text[-3000:]


def test_the_next_run_ends_well_and_remembers_what_the_node_can_do(story: Story) -> None:
    made = story.runs["made"].ok()
    assert made.changed == 1  # what is remembered; the rest the run before had made
    after = story.after["made"]
    (answer,) = after["ConfigMap buildkeep-system/user-namespaces"]["data"].values()
    assert answer == ""
    kinds = {name.split()[0] for name in after.keys() - story.found.keys()}
    assert {"DaemonSet", "NetworkPolicy", "ResourceQuota", "ValidatingAdmissionPolicy"} <= kinds
    assert [name for name in after if name.startswith("Pod ") and "user-namespaces" in name] == []


def test_the_second_run_changes_nothing_and_asks_no_node_again(story: Story) -> None:
    assert story.runs["again"].ok().changed == 0
    assert story.after["again"] == story.after["made"]


def test_removal_leaves_nothing(story: Story) -> None:
    removed = story.runs["removed"].ok()
    assert removed.changed == 3 and "stays; delete it by hand" not in removed.text
    assert story.after["removed"] == story.found


def test_over_their_connections_hosts_get_the_files_and_lose_them(cluster: Cluster, play: str, tmp_path: Path) -> None:
    """A node that is this machine, with folders of the test's own."""
    root, apparmor = tmp_path / "seccomp", tmp_path / "apparmor.d"
    apparmor.mkdir()
    given = {**GIVEN, "buildkeep_node_profiles": "connection", "buildkeep_user_namespaces": "never"}
    given |= {"node_profiles_seccomp_root": str(root), "node_profiles_apparmor_folder": str(apparmor)}
    inventory = yaml.safe_load(cluster.inventory(given).read_text(encoding="utf-8"))
    host = {key: value for key, value in inventory["buildkeep"]["hosts"]["bare"].items() if key.startswith("ansible_")}
    # Whoever runs the tests need not become anybody else.
    inventory["buildkeep_nodes"] = {"hosts": {"here": {**host, "ansible_user": getpass.getuser()}}}
    path = tmp_path / "hosts.yml"
    path.write_text(yaml.safe_dump(inventory), encoding="utf-8")
    older, foreign = root / "buildkeep" / "buildkit-0123456789ab.json", root / "buildkeep" / "theirs.json"
    older.parent.mkdir(parents=True)
    for file in (older, foreign):
        file.write_text("{}", encoding="utf-8")
    assert cluster.run(play, given, inventory=path).ok().changed == 2
    names = {file.name for file in older.parent.iterdir()}
    assert len(names) == 3 and foreign.name in names and older.name not in names
    for file in older.parent.glob("img-*.json"):
        assert json.loads(file.read_text(encoding="utf-8"))["defaultAction"] == "SCMP_ACT_ERRNO"
    cluster.run(play, given, "-e", "node_profiles_state=absent", inventory=path).ok()
    assert list(older.parent.iterdir()) == [foreign]


def test_all_that_cannot_work_is_said_at_once_and_what_nobody_maintains_in_a_warning(cluster: Cluster) -> None:
    before = cluster.everything()
    bad = {**GIVEN, "buildkeep_node_profiles": "none", "buildkeep_apparmor": True}
    refused = cluster.run("site.yml", bad)
    assert refused.code != 0
    for words in ('"buildkit" needs a seccomp profile', '"img" needs a seccomp profile', "buildkeep_apparmor: is true"):
        assert words in refused.text.replace('\\"', '"'), refused.text[-3000:]
    warned = cluster.run("site.yml", {**GIVEN, "buildkeep_node_profiles": "installed"}, "--tags", "nothing").ok()
    assert "buildkeep_tenants: shop.builders: img: genuinetools/img has not been maintained" in " ".join(
        warned.text.split()
    )
    assert cluster.everything() == before

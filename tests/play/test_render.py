"""What render.yml writes is what site.yml applies, to the last field: site.yml finds nothing to change after it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.play.playbook import HOST, Cluster, Run

PLAYBOOK = "playbooks/render.yml"
INVENTORY: dict[str, Any] = {
    "buildkeep_tenants": [
        {"name": "shop", "images": ["ghcr.io/acme/tool"], "limits": {"pods": 20, "cpu": "4", "memory": "8Gi"}},
        {"name": "blog", "builders": [], "mode": "audit"},
    ],
    "buildkeep_images": ["ghcr.io/acme/base/"],
    "buildkeep_break_glass": "sre:emergency",
    "buildkeep_storage_classes": ["fast"],
    "buildkeep_pod_defaults": True,
}
# Set by the indexes, for Argo CD, and by no role.
SYNC_WAVE = "f:argocd.argoproj.io/sync-wave"
INDEX = "kustomization.yaml"


@dataclass
class Story:
    """The runs, what the files hold, and what was in the cluster before, in the middle and at the end."""

    found: dict[str, Any]
    runs: dict[str, Run] = field(default_factory=dict)
    announced: list[Path] = field(default_factory=list)
    objects: list[dict[str, Any]] = field(default_factory=list)
    middle: dict[str, Any] = field(default_factory=dict)
    left: dict[str, Any] = field(default_factory=dict)


@pytest.fixture(scope="module")
def story(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Render, give the files to the cluster as a GitOps tool does, run site.yml over it, and take the files back."""
    folder = tmp_path_factory.mktemp("gitops") / "rendered"
    told = Story(cluster.everything())
    variables = {**INVENTORY, "buildkeep_render_directory": str(folder)}
    # No cluster is asked: this one cannot be.
    nowhere = {**variables, "buildkeep_kubeconfig": "/nowhere"}
    told.runs["announced"] = cluster.run(PLAYBOOK, nowhere, "--check", "--diff").ok()
    told.announced = list(folder.parent.iterdir())
    told.runs["rendered"] = cluster.run(PLAYBOOK, nowhere).ok()
    told.runs["again"] = cluster.run(PLAYBOOK, nowhere, "--diff").ok()
    told.objects = [yaml.safe_load(path.read_text()) for path in folder.rglob("*.yaml") if path.name != INDEX]
    try:
        applied = cluster.kubectl("apply", "--server-side", "-k", str(folder))
        assert applied.returncode == 0, applied.stderr
        told.runs["site"] = cluster.run("site.yml", variables).ok()
        told.middle = cluster.everything(exact=True)
    finally:
        cluster.kubectl("delete", "-k", str(folder), "--ignore-not-found", "--wait")
    told.left = cluster.everything()
    yield told


def test_check_mode_writes_nothing_and_shows_all(story: Story) -> None:
    assert story.runs["announced"].changed == 1
    assert story.announced == []
    assert "+kind: ValidatingAdmissionPolicy" in story.runs["announced"].text


def test_the_second_run_changes_nothing(story: Story) -> None:
    assert story.runs["rendered"].changed == 1
    assert story.runs["again"].changed == 0


def test_site_finds_nothing_to_change_and_proves_the_walls(story: Story) -> None:
    """Policies are replaced whole, so there nothing was too much either; for the rest see the next test."""
    assert story.runs["site"].changed == 0, story.runs["site"].text[-4000:]
    assert "others had set" not in story.runs["site"].text


def test_the_files_set_every_field_that_site_sets_and_no_other(story: Story) -> None:
    compared = 0
    for item in story.objects:
        live = story.middle[name_of(item)]
        owners = {one["manager"]: one["fieldsV1"] for one in live["metadata"]["managedFields"]}
        if "AdmissionPolicy" in item["kind"]:
            continue
        annotations = owners["kubectl"]["f:metadata"]["f:annotations"]
        del annotations[SYNC_WAVE]
        if not annotations:
            del owners["kubectl"]["f:metadata"]["f:annotations"]
        assert owners["kubectl"] == owners["buildkeep"], name_of(item)
        compared += 1
    assert compared > 30


def test_everything_that_is_new_in_the_cluster_stands_in_a_file(story: Story) -> None:
    new = {name for name in story.middle if name not in story.found}
    assert new == {name_of(item) for item in story.objects} - set(story.found)


def test_nothing_is_left_when_the_files_are_taken_back(story: Story) -> None:
    assert story.left.keys() == story.found.keys()


def test_two_clusters_never_share_a_folder(tmp_path: Path, cluster: Cluster) -> None:
    """Each would remove the other's files."""
    inventory = tmp_path / "hosts.yml"
    hosts = {name: {"ansible_connection": "local"} for name in (HOST, "second")}
    both = {**INVENTORY, "buildkeep_render_directory": str(tmp_path / "shared")}
    inventory.write_text(yaml.safe_dump({"buildkeep": {"hosts": hosts, "vars": both}}))
    run = cluster.run(PLAYBOOK, {}, inventory=inventory)
    assert (run.code, run.failed) == (2, 1)
    assert "two hosts of the inventory have the same folder" in run.text
    assert not (tmp_path / "shared").exists()


def name_of(item: dict[str, Any]) -> str:
    """The name of an object as Cluster.everything() has it."""
    return f"{item['kind']} {item['metadata'].get('namespace', '')}/{item['metadata']['name']}"

"""The part of the role `rbac` for a Jenkins outside of the cluster: made, left alone, narrowed and taken away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.play.playbook import Cluster

CLUSTER = {"url": "https://kubernetes.example.com", "credentialsId": "cluster-token"}


def test_it_is_made_once_and_taken_away(cluster: Cluster, tmp_path: Path) -> None:
    include = {"name": "buildkeep.ci.rbac", "tasks_from": "outside.yml"}
    play = tmp_path / "outside.yml"
    task = {"name": "Include", "ansible.builtin.include_role": include}
    play.write_text(yaml.safe_dump([{"hosts": "buildkeep", "gather_facts": False, "tasks": [task]}]), encoding="utf-8")
    before = cluster.everything()

    def run(state: str, *flags: str, **more: Any) -> int:
        controller = {"namespace": "jenkins", "serviceAccount": "outside", "url": "https://jenkins.example.com"}
        variables = {
            "buildkeep_tenants": [{"name": "shop"}],
            "buildkeep_controller": {**controller, "cluster": {**CLUSTER, **more}},
            "rbac_state": state,
            "__rbac_backend": "admission",
        }
        return cluster.run(str(play), variables, *flags).ok().changed

    renewal = {"secret": "login"}
    assert run("present", "--check", renewal=renewal) == 1
    assert run("present", renewal=renewal) == 1
    made = set(cluster.everything()) - set(before)
    assert len(made) == 7
    assert run("present", renewal=renewal) == 0
    assert run("present") == 1
    assert len(set(cluster.everything()) - set(before)) == 2
    assert run("absent") == 1
    assert cluster.everything() == before

"""The collection as users get it: built, installed elsewhere, and run by its name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.play.playbook import ROOT, Cluster

GALAXY = str(Path(sys.executable).parent / "ansible-galaxy")


def test_the_artifact_installs_and_its_playbooks_run_from_it(cluster: Cluster, tmp_path: Path) -> None:
    """Nothing of the checkout is needed: the chart, templates and rules are in the artifact."""
    installed = tmp_path / "collections"
    subprocess.run([GALAXY, "collection", "build", "--output-path", str(tmp_path)], cwd=ROOT, check=True)
    (artifact,) = tmp_path.glob("buildkeep-ci-*.tar.gz")
    command = [GALAXY, "collection", "install", "--offline", "-p", str(installed), str(artifact)]
    subprocess.run(command, cwd=tmp_path, check=True)
    before = cluster.everything(exact=True)
    done = cluster.run(
        "buildkeep.ci.site", {"buildkeep_tenants": [{"name": "shop"}]}, "--check", "-vv", installed=installed
    ).ok()
    assert done.changed >= 4
    assert str(installed / "ansible_collections/buildkeep/ci/playbooks/site.yml") in done.text
    assert str(ROOT / "playbooks") not in done.text
    cluster.run("buildkeep.ci.remove", {}, "--check", installed=installed).ok()
    assert cluster.everything(exact=True) == before

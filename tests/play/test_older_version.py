"""An API server with the features of an older Kubernetes: fields that it drops are no reason for a run to fail."""

from __future__ import annotations

from pathlib import Path

from testbed.apiserver import ApiServer
from tests.play.playbook import Cluster

EMULATED = "1.34"  # the oldest that the newest API server emulates; image volumes are off there


def test_site_runs_with_the_features_of_an_older_version(tmp_path: Path) -> None:
    """First run and second, with every canary that means something there."""
    with ApiServer(flags=[f"--emulated-version={EMULATED}"]) as server:
        cluster = Cluster(server.kubeconfig(), tmp_path)
        assert cluster.kubectl("create", "namespace", "jenkins").returncode == 0
        shop = {"buildkeep_tenants": [{"name": "shop"}]}
        assert cluster.run("site.yml", shop).ok().changed > 0
        assert cluster.run("site.yml", shop).ok().changed == 0

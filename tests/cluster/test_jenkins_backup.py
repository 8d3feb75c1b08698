"""Jenkins home is packed beside a running controller and put back, in a namespace that enforces PSS restricted.

The controller is a stand-in that only holds the volume: what matters is its home.
"""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_backup import backup_objects
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings

from testbed import cluster, paths
from testbed.attacks.api import Api
from testbed.attacks.stage import namespace_path
from testbed.attacks.waiting import wait
from testbed.progress import Progress

FOLDER = "/var/lib/buildkeep/jenkins"
BACKUP = {"schedule": "0 3 1 1 *", "size": "1Gi"}
FILES = ("config.xml", "jobs/shop/config.xml", "secrets/master.key")
RESTORE_SECONDS = 300
LABELS = {"app.kubernetes.io/component": "jenkins-controller", "app.kubernetes.io/instance": "jenkins"}


@dataclass(frozen=True)
class Place:
    """The namespace, and the folders of its two volumes on the node."""

    admin: Api
    namespace: str
    home: str
    store: str

    def path(self, group: str, kind: str, name: str = "") -> str:
        """Of objects in the namespace."""
        base = namespace_path(self.namespace) if group == "v1" else f"/apis/{group}/namespaces/{self.namespace}"
        return f"{base}/{kind}/{name}".rstrip("/")

    def on_node(self, script: str) -> str:
        """What a script on the node prints."""
        with Progress(1).step("look at the volumes", 1) as step:
            return cluster.named().exec(step, script)

    def files(self) -> str:
        """Jenkins home: each file, its owner and its text."""
        show = "xargs -r -I@ sh -c 'stat -c %u:%g @; echo @; cat @'"
        return self.on_node(f"cd {self.home} && find . -type f ! -path './.buildkeep-before-*' | sort | {show}")

    def restore(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the playbook as its user does."""
        settings = {"buildkeep_controller": {"namespace": self.namespace}, "buildkeep_jenkins": {"backup": BACKUP}}
        host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, **settings}
        file = Path(paths.kubeconfig()).with_name(f"hosts-{self.namespace}.yml")
        known = {"buildkeep_kubeconfig": str(paths.kubeconfig()), "buildkeep_jenkins_install": True}
        known["buildkeep_tenants"] = [{"name": "shop"}]
        file.write_text(yaml.safe_dump({"buildkeep": {"hosts": {"here": {**host, **known}}}}), encoding="utf-8")
        try:
            command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(file), *words]
            return subprocess.run(
                [*command, "playbooks/restore.yml"], cwd=paths.ROOT, capture_output=True, text=True, check=False,
                timeout=RESTORE_SECONDS,
            )  # fmt: skip
        finally:
            file.unlink()

    def controller(self) -> Any:
        """The StatefulSet as it is."""
        return self.admin.must("GET", self.path("apps/v1", "statefulsets", "jenkins"))


@pytest.fixture(scope="module")
def place(admin: Api) -> Iterator[Place]:
    """Volumes with files on them, and a StatefulSet that has the home."""
    name = f"jenkins-{uuid.uuid4().hex[:6]}"
    made = Place(admin, name, f"{FOLDER}/{name}/home", f"{FOLDER}/{name}/store")
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    admin.must("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
    write = " && ".join(f"mkdir -p $(dirname {one}) && echo first {one} > {one}" for one in FILES)
    made.on_node(
        f"mkdir -p {made.home} {made.store} && cd {made.home} && {write} && chown -R 1000:1000 {FOLDER}/{name}"
    )
    for claimed, folder in (("jenkins", made.home), ("jenkins-backup", made.store)):
        admin.must("POST", "/api/v1/persistentvolumes", volume(name, claimed, folder))
    resources = {"requests": {"storage": "1Gi"}}
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "", "resources": resources}
    admin.must("POST", made.path("v1", "persistentvolumeclaims"), {"metadata": {"name": "jenkins"}, "spec": spec})
    claim, cron = backup_objects(JenkinsSettings(namespace=name, backup=BACKUP))
    claim["spec"]["storageClassName"] = ""  # the volumes here are of no class
    admin.must("POST", made.path("v1", "persistentvolumeclaims"), claim)
    admin.must("POST", made.path("apps/v1", "statefulsets"), stand_in(cron))
    admin.must("POST", made.path("batch/v1", "cronjobs"), cron)
    wait(lambda: made.controller()["status"].get("readyReplicas") == 1, 90, "the controller's stand-in")
    yield made
    admin.must("DELETE", namespace_path(name))
    wait(lambda: not admin.ask("GET", namespace_path(name)).ok, 90, f"{name} to be gone")
    for claimed in ("jenkins", "jenkins-backup"):
        admin.must("DELETE", f"/api/v1/persistentvolumes/{name}-{claimed}")
    made.on_node(f"rm -rf {FOLDER}/{name}")


def volume(namespace: str, claimed: str, folder: str) -> dict[str, Any]:
    """A volume on the node, for one claim."""
    return {
        "metadata": {"name": f"{namespace}-{claimed}"},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "",
            "claimRef": {"namespace": namespace, "name": claimed},
            "hostPath": {"path": folder, "type": "Directory"},
            "persistentVolumeReclaimPolicy": "Retain",
        },
    }


def stand_in(cron: Any) -> dict[str, Any]:
    """A StatefulSet as the chart names it, whose pod only holds the volume."""
    pod = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    container = {
        **pod["containers"][0],
        "name": "jenkins",
        "command": ["sh", "-c", "trap exit TERM; sleep 9999 & wait"],
    }
    container["volumeMounts"] = [{"name": "home", "mountPath": "/var/jenkins_home"}]
    security = {"securityContext": pod["securityContext"], "automountServiceAccountToken": False}
    security["terminationGracePeriodSeconds"] = 1
    home = [one for one in pod["volumes"] if one["name"] == "home"]
    template = {"metadata": {"labels": LABELS}, "spec": {**security, "containers": [container], "volumes": home}}
    spec = {"serviceName": "jenkins", "replicas": 1, "selector": {"matchLabels": LABELS}, "template": template}
    return {"metadata": {"name": "jenkins"}, "spec": spec}


def backup(place: Place, name: str) -> None:
    """Run the CronJob's Job now, as `kubectl create job --from` does."""
    cron = place.admin.must("GET", place.path("batch/v1", "cronjobs", "jenkins-backup"))
    job = {"metadata": {"name": name}, "spec": cron["spec"]["jobTemplate"]["spec"]}
    place.admin.must("POST", place.path("batch/v1", "jobs"), job)
    path = place.path("batch/v1", "jobs", name)
    wait(lambda: place.admin.must("GET", path)["status"].get("succeeded") == 1, 120, f"{name} to end")


def test_what_was_lost_is_put_back(place: Place) -> None:
    first = place.files()
    assert all(f"first {name}" in first for name in FILES)
    backup(place, "now")
    place.on_node(f"cd {place.home} && rm -r jobs && echo broken > config.xml")
    done = place.restore("--check")
    assert done.returncode == 0, done.stdout
    assert "broken" in place.files() and place.controller()["spec"]["replicas"] == 1
    done = place.restore()
    assert done.returncode == 0, done.stdout + done.stderr
    assert place.files() == first
    assert "broken" in place.on_node(f"cat {place.home}/.buildkeep-before-*/config.xml")
    assert place.controller()["spec"]["replicas"] == 1
    # An archive that is not there: Jenkins is as it was, and runs.
    done = place.restore("-e", "jenkins_archive=home-20200101T000000Z.tar.gz")
    assert done.returncode != 0
    assert "there is no archive home-20200101T000000Z.tar.gz" in " ".join((done.stdout + done.stderr).split())
    assert place.files() == first
    wait(lambda: place.controller()["status"].get("readyReplicas") == 1, 90, "the controller's stand-in")

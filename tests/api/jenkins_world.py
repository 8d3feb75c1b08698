"""One Jenkins in a namespace of its own, and what is asked of it."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_objects import jenkins_objects
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_plugin import jenkins
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import Mode

from testbed.tools import tool
from tests.api.api import Api
from tests.api.jenkins_chart import FIXTURE


class World:
    """A namespace for one Jenkins, and what is asked of it."""

    def __init__(self, admin: Api, namespace: str, helm: str = "helm", *, make: bool = True) -> None:
        """Make the namespace, as the role does, and its ServiceAccount, as a cluster does."""
        self.admin, self.namespace, self._helm = admin, namespace, helm
        self.path = f"/api/v1/namespaces/{namespace}"
        if not make:
            return
        labels = jenkins_objects(JenkinsSettings())["labels"]
        admin.create("/api/v1/namespaces", {"metadata": {"name": namespace, "labels": labels}}).done()
        admin.create(f"{self.path}/serviceaccounts", {"metadata": {"name": "default"}}).done()

    def run(self, state: str = "present", *, check: bool = False, **given: Any) -> dict[str, Any]:
        """Do the task, with keys of `buildkeep_jenkins`."""
        settings = {
            "tenants": [{"name": "shop"}],
            "controller": {"namespace": self.namespace},
            "jenkins": {"chart": str(FIXTURE), "timeout": 1, **given},
            "jenkins_install": True,
        }
        command, kubeconfig = str(tool(self._helm)), self.admin.kubeconfig
        arguments = {"settings": settings, "state": state, "helm": command, "kubeconfig": kubeconfig, "context": ""}
        return jenkins(arguments, Mode(check, diff=True))

    def refused(self, state: str = "planned", **given: Any) -> str:
        """The same, which must fail and change nothing; what is said."""
        before = self.everything()
        with pytest.raises(BuildkeepError) as caught:
            self.run(state, **given)
        assert self.everything() == before
        return "\n".join(caught.value.problems)

    def get(self, path: str) -> dict[str, Any]:
        """Read something of the namespace."""
        return self.admin.request("GET", f"{self.path}/{path}").done()

    def everything(self) -> dict[str, Any]:
        """What a run could have changed, by kind."""
        kinds = ("secrets", "configmaps", "services", "persistentvolumeclaims", "serviceaccounts")
        found = {kind: self.get(kind)["items"] for kind in kinds}
        sets = self.admin.request("GET", f"/apis/apps/v1/namespaces/{self.namespace}/statefulsets").done()["items"]
        return {**found, "statefulsets": sets}

    def secret(self, name: str) -> Mapping[str, str]:
        """The values of a Secret."""
        data = self.get(f"secrets/{name}")["data"]
        return {key: base64.b64decode(value).decode() for key, value in data.items()}


def pending(world: World, record: str) -> None:
    """Make a record of Helm what it is while Helm is at work: its label, and the compressed text in it."""
    found = world.admin.request("GET", record).done()
    packed = base64.b64decode(base64.b64decode(found["data"]["release"]))
    release = json.loads(gzip.decompress(packed))
    release["info"]["status"] = "pending-upgrade"
    text = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(release).encode()))).decode()
    change: dict[str, Any] = {"data": {"release": text}, "metadata": {"labels": {"status": "pending-upgrade"}}}
    world.admin.patch(record, change).done()

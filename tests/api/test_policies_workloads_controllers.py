"""The cluster's own controllers at work in a tenant's namespace: real ones, each under its own ServiceAccount."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profiles

from testbed.apiserver import ApiServer
from tests.api import pods
from tests.api.api import Api, Object, until
from tests.api.conftest import furnish
from tests.api.guarded import almighty
from tests.servers import controllers

SPACE = "ci-life"
CORE, APPS = f"/api/v1/namespaces/{SPACE}", f"/apis/apps/v1/namespaces/{SPACE}"
SLICES = f"/apis/discovery.k8s.io/v1/namespaces/{SPACE}/endpointslices"
CONTROLLERS = (
    "namespace-controller",
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
    "endpoints-controller",
    "endpointslice-controller",
    "endpointslice-mirroring-controller",
    "persistentvolume-binder-controller",
    "persistentvolumeclaim-protection-controller",
    "persistentvolume-protection-controller",
    "deployment-controller",
    "replicaset-controller",
    "statefulset-controller",
    "garbage-collector-controller",
)
LABELS = {"app": "web", "buildkeep.dev/tenant": pods.TENANT}
SIZE = {"requests": {"storage": "1Gi"}}


class Life:
    """A cluster that lives: a manager, a user with every right of the tenant's namespace, and what controllers say."""

    def __init__(self, admin: Api, log: Path) -> None:
        self.admin = admin
        self._log = log
        admin.create("/api/v1/namespaces", {"metadata": {"name": "kube-public"}})
        self.dev = almighty(admin, SPACE, accounts=("agent",))

    def there(self, path: str) -> Object:
        """Wait until an object is there."""
        return until(lambda: self.admin.request("GET", path), lambda answer: answer.ok).body

    def lists(self, path: str, words: str, wanted: bool) -> None:
        """Wait until words stand in what is at a path, or stand there no more."""
        until(lambda: self.admin.request("GET", path), lambda answer: (words in str(answer.body)) == wanted)

    def said(self, words: str) -> bool:
        """Whether a controller was told so."""
        return words in self._log.read_text(encoding="utf-8", errors="replace")


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory, profiles: Profiles) -> Iterator[Life]:
    """A server of its own, with the policies and the controllers."""
    log = tmp_path_factory.mktemp("controllers") / "log"
    with ApiServer() as server:
        admin = Api(server)
        furnish(admin, profiles)
        with controllers(server, log, CONTROLLERS):
            yield Life(admin, log)


def honest(name: str) -> Object:
    """The pod of an agent, to be the template of a workload."""
    pod = pods.put(pods.dynamic_agent(), "metadata/name", name)
    pod["metadata"]["labels"].update(LABELS)
    return {"metadata": {"labels": LABELS}, "spec": {**pod["spec"], "restartPolicy": "Always"}}


def test_a_namespace_gets_what_every_namespace_gets(life: Life) -> None:
    assert life.there(f"{CORE}/serviceaccounts/default")["metadata"]["name"] == "default"


def test_services_get_their_endpoints(life: Life) -> None:
    port = {"port": 80, "targetPort": 8080}
    for name, selector in (("web", {"app": "web"}), ("manual", None)):
        spec = {"ports": [port], "selector": selector}
        life.dev.create(f"{CORE}/services", {"metadata": {"name": name}, "spec": spec}).done()
    pod = pods.put(pods.dynamic_agent(), "metadata/name", "web")
    pod["metadata"]["labels"].update(LABELS)
    life.admin.pod(SPACE, pod, dry=False).done()
    life.admin.create("/api/v1/nodes", {"metadata": {"name": "one"}}).done()
    # As the scheduler does.
    life.admin.create(f"{CORE}/pods/web/binding", {"metadata": {"name": "web"}, "target": {"name": "one"}}).done()
    ready = {"podIP": "10.9.8.7", "podIPs": [{"ip": "10.9.8.7"}], "phase": "Running"}
    conditions = [{"type": "Ready", "status": "True"}]
    life.admin.patch(f"{CORE}/pods/web/status", {"status": {**ready, "conditions": conditions}}).done()
    addresses = {"subsets": [{"addresses": [{"ip": "10.9.8.6"}], "ports": [{"port": 8080}]}]}
    life.admin.create(f"{CORE}/endpoints", {"metadata": {"name": "manual"}, **addresses}).done()
    for path in (f"{CORE}/endpoints/web", SLICES):
        life.lists(path, "10.9.8.7", True)
    life.lists(SLICES, "10.9.8.6", True)
    # No kubelet is there to say that it has ended.
    life.admin.request("DELETE", f"{CORE}/pods/web?gracePeriodSeconds=0").done()
    for path in (f"{CORE}/endpoints/web", SLICES):
        life.lists(path, "10.9.8.7", False)


def test_workloads_of_honest_pods_run(life: Life) -> None:
    names = ",".join(f"data-db-{number}" for number in range(2))
    annotations = {"buildkeep.dev/claims": names}
    life.admin.patch(f"/api/v1/namespaces/{SPACE}", {"metadata": {"annotations": annotations}}).done()
    template, selector = honest("x"), {"matchLabels": LABELS}
    deployment = {"metadata": {"name": "web"}, "spec": {"template": template, "selector": selector}}
    claim = {"storageClassName": "fast", "accessModes": ["ReadWriteOnce"], "resources": SIZE}
    data = [{"metadata": {"name": "data"}, "spec": claim}]
    spec = {"template": template, "selector": selector, "serviceName": "web", "volumeClaimTemplates": data}
    for kind, body in (("deployments", deployment), ("statefulsets", {"metadata": {"name": "db"}, "spec": spec})):
        answer = life.dev.create(f"{APPS}/{kind}", body)
        assert answer.ok and not answer.warnings, (answer.message, answer.warnings)
    life.there(f"{CORE}/persistentvolumeclaims/data-db-0")
    assert life.there(f"{CORE}/pods/db-0")["spec"]["volumes"][0]
    life.lists(f"{CORE}/pods", "pod-template-hash", True)


def volume(name: str, kind: str) -> Object:
    """A volume of a node's files that is bound to nothing yet."""
    spec = {"storageClassName": kind, "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}}
    return {"metadata": {"name": name}, "spec": {**spec, "hostPath": {"path": f"/data/{name}"}}}


def test_the_binder_binds_volumes_of_allowed_classes_and_no_others(life: Life) -> None:
    for name, kind in (("good", "slow"), ("evil", "manual")):
        life.admin.create("/api/v1/persistentvolumes", volume(name, kind)).done()
        spec = {"storageClassName": kind, "accessModes": ["ReadWriteOnce"], "resources": SIZE}
        claim = {"metadata": {"name": name}, "spec": spec}
        (life.dev if name == "good" else life.admin).create(f"{CORE}/persistentvolumeclaims", claim).done()
    good, evil = (f"{CORE}/persistentvolumeclaims/{name}" for name in ("good", "evil"))
    until(lambda: life.admin.request("GET", good), lambda answer: answer.body["status"]["phase"] == "Bound")
    until(lambda: life.admin.request("GET", evil), lambda _: life.said("[persistentvolumes] field spec.storageClass"))
    assert life.admin.request("GET", evil).done()["status"]["phase"] == "Pending"
    assert "claimRef" not in life.admin.request("GET", "/api/v1/persistentvolumes/evil").done()["spec"]


def test_a_tenants_namespace_goes_with_all_that_is_in_it(life: Life) -> None:
    """Last: Services, claims, ServiceAccounts, RoleBindings and workloads of the tests before are in it."""
    life.admin.request("DELETE", f"/api/v1/namespaces/{SPACE}").done()
    until(lambda: life.admin.request("GET", f"/api/v1/namespaces/{SPACE}"), lambda answer: answer.status == 404)
    until(
        lambda: life.admin.request("GET", "/api/v1/persistentvolumes/good"),
        lambda answer: answer.body["status"]["phase"] == "Released",
    )
    refused = [
        rule for rule in ("services", "serviceaccounts", "claims", "roles", "rolebindings") if life.said(f"[{rule}]")
    ]
    assert refused == []

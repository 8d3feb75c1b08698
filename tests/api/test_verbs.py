"""The controller's rights are the least: with the table's Role every call works, and each verb is needed by one.

The calls are sent by the stand-in controller's own client, with a token of a ServiceAccount that holds the Role.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import kubernetes.client
import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import rbac_verbs
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import render
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings
from ansible_collections.buildkeep.ci.plugins.module_utils.tenant_objects import tenant_objects

from testbed.apiserver import ApiServer
from testbed.controller.kube import ApiError, Kube, core
from tests.api.api import RBAC, Api, until
from tests.chart.rendering import ROOT

# The prefix is no other test's, and the namespace has no label of ours: no policy answers in place of RBAC.
TENANT = {"tenants": [{"name": "shop"}], "namespace_prefix": "verbs-"}
SPACE = "verbs-shop"
ON = frozenset(rbac_verbs.WHEN)
AGENT = "agent"
CALLS = [call for call in rbac_verbs.load() if call.where == rbac_verbs.TENANT]
NEEDED = [(resource, verb) for resource, verbs in rbac_verbs.granted(ON).items() for verb in verbs]
LABELS = "kubernetes.jenkins.io/controller=verbs"
ALIVE = {"kubernetes.jenkins.io/last-refresh": "1"}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}


@dataclass(frozen=True)
class Controller:
    """A ServiceAccount of some rights, the client that runs as it, and the administrator who looks after it."""

    name: str
    kube: Kube
    admin: Api

    def make(self) -> None:
        """Starts an agent."""
        self.kube.create_pod(SPACE, pod(self.name))

    def follow(self) -> None:
        """Lists, then watches until something has happened to the agent."""
        items, version = self.kube.listed(SPACE, LABELS)
        assert AGENT in [one["metadata"]["name"] for one in items]
        self.admin.patch(core(SPACE, "pods", AGENT), {"metadata": {"annotations": {"seen-by": self.name}}}).done()
        happened = self.kube.watch(SPACE, LABELS, version, 20)
        assert next(happened)["type"] == "MODIFIED"

    def watch(self) -> None:
        """Watches without a list, which begins with what is there."""
        happened = self.kube.watch(SPACE, LABELS, "", 20)
        assert next(happened)["type"] == "ADDED"

    def execute(self) -> None:
        """Opens exec by WebSocket; behind the rights there is no kubelet to answer."""
        try:
            self.kube.run(SPACE, AGENT, "x", ["true"], lambda _: None, lambda: False)
        except ApiError as error:
            if "does not have a host assigned" not in error.message:
                raise

    def collect(self) -> None:
        """Lists by label and deletes."""
        assert self.kube.left_behind(SPACE, LABELS)
        self.kube.delete_pod(SPACE, "left-behind")


DONE: Mapping[str, Callable[[Controller], object]] = {
    "look-at-agent": lambda one: one.kube.pod(SPACE, AGENT),
    "create-agent": Controller.make,
    "await-agent": Controller.follow,
    "reap-agents": Controller.watch,
    "delete-agent": lambda one: one.kube.delete_pod(SPACE, one.name),
    "run-command": Controller.execute,
    # A pod without a node has an empty one.
    "read-log": lambda one: one.kube.log(SPACE, AGENT, "x", 30),
    "show-events": lambda one: one.kube.events(SPACE, AGENT, "x"),
    "test-connection": lambda one: one.kube.listed(SPACE, ""),
    "mark-alive": lambda one: one.kube.refresh(SPACE, AGENT, ALIVE),
    "find-left-behind": Controller.collect,
    "make-claim": lambda one: one.kube.create_claim(SPACE, {"metadata": {"name": one.name}, "spec": CLAIM}),
}


def pod(name: str) -> dict[str, Any]:
    """A pod that the API server admits."""
    container = {"name": "x", "image": "x"}
    metadata = {"name": name, "labels": {"kubernetes.jenkins.io/controller": "verbs"}}
    return {"metadata": metadata, "spec": {"containers": [container], "automountServiceAccountToken": False}}


def less(resource: str, verb: str) -> list[dict[str, Any]]:
    """All rules but for one verb."""
    rules = [{**rule, "verbs": [*rule["verbs"]]} for rule in rbac_verbs.rules(ON)]
    for rule in rules:
        if rule["resources"] == [resource]:
            rule["verbs"].remove(verb)
    return [rule for rule in rules if rule["verbs"]]


def account(resource: str, verb: str) -> str:
    """Name of the ServiceAccount that lacks a verb."""
    return f"less-{resource.replace('/', '-')}-{verb}"


def given(admin: Api, name: str, rules: Sequence[Mapping[str, Any]]) -> None:
    """Make a ServiceAccount that holds these rules in the namespace."""
    admin.create(core(SPACE, "serviceaccounts"), {"metadata": {"name": name}}).done()
    path = f"{RBAC}/namespaces/{SPACE}"
    admin.create(f"{path}/roles", {"metadata": {"name": name}, "rules": rules}).done()
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
    subject = {"kind": "ServiceAccount", "namespace": SPACE, "name": name}
    admin.create(
        f"{path}/rolebindings", {"metadata": {"name": name}, "roleRef": reference, "subjects": [subject]}
    ).done()


def controller(server: ApiServer, admin: Api, name: str) -> Controller:
    """The client of a ServiceAccount, by a token of its own."""
    answer = admin.create(core(SPACE, "serviceaccounts", name, "token"), {"spec": {"expirationSeconds": 3600}}).done()
    configuration = kubernetes.client.Configuration(host=server.url)
    configuration.ssl_ca_cert = str(server.ca)
    configuration.api_key = {"BearerToken": f"Bearer {answer['status']['token']}"}
    return Controller(name, Kube(configuration), admin)


@pytest.fixture(scope="module")
def space(admin: Api) -> None:
    """The namespace, an agent in it, and a ServiceAccount for each verb that one can lack."""
    admin.create("/api/v1/namespaces", {"metadata": {"name": SPACE}}).done()
    for name in ("default", "nobody"):
        admin.create(core(SPACE, "serviceaccounts"), {"metadata": {"name": name}}).done()
    admin.create(core(SPACE, "pods"), pod(AGENT)).done()
    given(admin, "everything", rbac_verbs.rules(ON))
    for resource, verb in NEEDED:
        given(admin, account(resource, verb), less(resource, verb))
    (role,) = render(
        [str(ROOT / "roles/rbac/templates/controller-role.yaml.j2")], {}, tenant_objects(read_settings(TENANT))
    )
    given(admin, "table", role["rules"])
    # The authorizer reads Roles and bindings in their order: who knows the last knows all.
    reviewed = core(SPACE, "pods", AGENT, "log")
    until(lambda: admin.account(SPACE, "table").request("GET", reviewed), lambda answer: answer.status != 403)


def refused(one: Controller) -> dict[str, str]:
    """The calls that RBAC refuses to a controller, with its words."""
    found = {}
    for name, call in DONE.items():
        try:
            call(one)
        except ApiError as error:
            assert error.status == 403, f"{name}: {error}"
            found[name] = error.message
    return found


def test_every_call_of_the_table_is_tried() -> None:
    """None is left out of these tests."""
    assert list(DONE) == [call.name for call in CALLS]


def test_with_all_rights_every_call_works(api_server: ApiServer, admin: Api, space: None) -> None:
    """Also the calls of what must be switched on."""
    assert refused(controller(api_server, admin, "everything")) == {}


def test_the_role_refuses_only_what_is_switched_off(api_server: ApiServer, admin: Api, space: None) -> None:
    """The Role as the inventory without more gives it."""
    on = read_settings(TENANT).controller.features
    off = {
        call.name
        for call in CALLS
        if call.when not in on and set(call.verbs) - set(rbac_verbs.granted(on).get(call.resource, ()))
    }
    assert set(refused(controller(api_server, admin, "table"))) == off


@pytest.mark.parametrize(("resource", "verb"), NEEDED)
def test_without_one_verb_its_calls_fail_and_no_other(
    api_server: ApiServer, admin: Api, space: None, resource: str, verb: str
) -> None:
    """So no verb is given in vain, and none is used that the table does not say."""
    found = refused(controller(api_server, admin, account(resource, verb)))
    assert set(found) == {call.name for call in CALLS if call.covers(verb, resource)}
    for text in found.values():
        # About an exec by GET it says no more (feature AuthorizePodWebsocketUpgradeCreatePermission).
        bare = (resource, verb) == ("pods/exec", "create") and text == f'pods "{AGENT}" is forbidden: '
        assert bare or f'cannot {verb} resource "{resource}"' in text


def test_the_role_allows_nothing_else(admin: Api, space: None) -> None:
    """What the API server says that this ServiceAccount may do, but for what everybody may."""
    role = rbac_verbs.granted(read_settings(TENANT).controller.features)
    assert allowed(admin, "table", SPACE) - allowed(admin, "nobody", SPACE) == {
        ("", resource, verb) for resource, verbs in role.items() for verb in verbs
    }
    assert allowed(admin, "table", "default") == allowed(admin, "nobody", "default")


def allowed(admin: Api, name: str, namespace: str) -> set[tuple[str, str, str]]:
    """Group, resource and verb of everything that a ServiceAccount may do in a namespace."""
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    status = admin.account(SPACE, name).create(path, {"spec": {"namespace": namespace}}).done()["status"]
    assert not status["incomplete"]
    return set(_rows(status["resourceRules"]))


def _rows(rules: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    for rule in rules:
        assert not rule.get("resourceNames")
        yield from ((g, r, v) for g in rule["apiGroups"] for r in rule["resources"] for v in rule["verbs"])

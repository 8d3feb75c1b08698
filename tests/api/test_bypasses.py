"""Every bypass of bypasses.yaml, by every way: refused by the rule meant for it, or by the API server itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import manifests, rbac_verbs, rules
from ansible_collections.buildkeep.ci.plugins.module_utils.names import POLICIES_PODS, POLICY_PODS

from testbed.paths import ROOT
from tests.api import bypass, pods
from tests.api.api import RBAC, Answer, Api, Object, until
from tests.api.bypass import Row
from tests.api.conftest import bind

ROWS = bypass.load()
RULES = {rule.key: rule for rule in rules.load()}
SPACE = "/api/v1/namespaces/ci-shop"
STRATEGIC = "application/strategic-merge-patch+json"
CASES = [(row, way) for row in ROWS for way in row.ways()]


@pytest.fixture(scope="module")
def users(admin: Api, shop: str) -> dict[str, Api]:
    """Who attacks.

    `controller` has the product's own Role; `owner` is what Kubernetes calls `admin` of the namespace; `dev` may do all
    in the namespace, and with namespaces, but manages no tenants.
    """
    values = {
        "controller_role": "buildkeep-controller",
        "namespace": shop,
        "name": pods.TENANT,
        "controller_service_account": "jenkins",
        "controller_namespace": "jenkins",
        "controller_rules": rbac_verbs.rules(),
    }
    folder = ROOT / "roles/rbac/templates"
    paths = [str(folder / f"controller-{kind}.yaml.j2") for kind in ("role", "rolebinding")]
    for item in manifests.own(manifests.render(paths, values, None), "rbac"):
        admin.create(f"{RBAC}/namespaces/{shop}/{item['kind'].lower()}s", item).done()
    spaces = [{"apiGroups": [""], "resources": ["namespaces", "namespaces/status"], "verbs": ["*"]}]
    admin.create(f"{RBAC}/clusterroles", {"metadata": {"name": "all-namespaces"}, "rules": spaces}).done()
    groups = ["", "rbac.authorization.k8s.io", "discovery.k8s.io", "networking.k8s.io"]
    everything = [{"apiGroups": groups, "resources": ["*"], "verbs": ["*"]}]
    admin.create(f"{RBAC}/namespaces/{shop}/roles", {"metadata": {"name": "all"}, "rules": everything}).done()
    bind(admin, f"{RBAC}/clusterrolebindings", "ClusterRole", "all-namespaces", "system:eve")
    bind(admin, f"{RBAC}/namespaces/{shop}/rolebindings", "Role", "all", "system:eve")
    volumes = [{"apiGroups": [""], "resources": ["persistentvolumes"], "verbs": ["create"]}]
    admin.create(f"{RBAC}/clusterroles", {"metadata": {"name": "make-volumes"}, "rules": volumes}).done()
    bind(admin, f"{RBAC}/clusterrolebindings", "ClusterRole", "make-volumes", "system:provisioner")
    beside_jenkins(admin)
    for name, kind in (("quiet", "ClusterIP"), ("public", "LoadBalancer")):
        service = {"metadata": {"name": name}, "spec": {"type": kind, "ports": [{"port": 443}]}}
        admin.create(f"/api/v1/namespaces/{shop}/services", service).done()
    account = {"metadata": {"name": "builder-ungranted"}}
    admin.create(f"/api/v1/namespaces/{shop}/serviceaccounts", account).done()
    # What Kubernetes' own Role `admin` of a namespace is made of, by a controller that does not run here.
    for part in ("admin", "edit", "view"):
        role = f"system:aggregate-to-{part}"
        bind(admin, f"{RBAC}/namespaces/{shop}/rolebindings", "ClusterRole", role, "system:owner")
    owner = admin.user("system:owner")
    written = {"metadata": {"name": "x"}}
    until(lambda: owner.create(f"{SPACE}/configmaps", written, dry=True), lambda answer: answer.ok)
    dev = admin.user("system:eve")
    # RBAC's own cache is filled a moment later.
    until(lambda: dev.request("GET", f"{SPACE}/pods"), lambda answer: answer.ok)
    until(lambda: dev.request("GET", SPACE), lambda answer: answer.ok)
    return {
        "admin": admin,
        "dev": dev,
        "owner": owner,
        "controller": admin.account("jenkins", "jenkins"),
        "agent": admin.account(shop, "agent"),
        "provisioner": admin.user("system:provisioner"),
        "replicaset-controller": admin.account("kube-system", "replicaset-controller"),
    }


def beside_jenkins(admin: Api) -> None:
    """The controller's namespace, what its side-car loads, and all rights on ConfigMaps there for `dev`."""
    assert admin.create("/api/v1/namespaces", {"metadata": {"name": "jenkins"}}).status in {201, 409}
    for name, labels in (("plain", {}), ("clouds", {"jenkins-jenkins-config": "true"})):
        made = {"metadata": {"name": name, "labels": labels}}
        admin.create("/api/v1/namespaces/jenkins/configmaps", made).done()
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}]
    admin.create(f"{RBAC}/namespaces/jenkins/roles", {"metadata": {"name": "files"}, "rules": rules}).done()
    bind(admin, f"{RBAC}/namespaces/jenkins/rolebindings", "Role", "files", "system:eve")


@pytest.fixture(scope="module")
def running(admin: Api, shop: str) -> Iterator[Object]:
    """An admitted pod with containers of three kinds, in a user namespace of its own."""
    agent = bypass.changed(pods.dynamic_agent(), {"metadata/name": "attacked", "spec/hostUsers": False})
    agent["spec"]["initContainers"] = [pods.tool("early"), {**pods.tool("beside"), "restartPolicy": "Always"}]
    yield admin.pod(shop, agent, dry=False).done()
    admin.request("DELETE", f"{SPACE}/pods/attacked?gracePeriodSeconds=0").done()


def stopped(answer: Answer, row: Row, way: str, name: str) -> None:
    """The request was refused, by what the row says."""
    words = row.words(way)
    assert not answer.ok, "admitted"
    if words:
        assert words in answer.message and "buildkeep-" not in answer.message, answer.message
        return
    assert answer.status == 403, answer.message
    if row.rule == "RBAC":
        assert 'User "system:' in answer.message and " cannot " in answer.message, answer.message
        return
    rule = RULES[row.rule]
    subject = {"container": f"container {name}, ", "other": f"container {name}, ", "volume": "volume evil, "}
    start = f"[{rule.id}] {row.shown + ', ' if row.shown else subject.get(rule.scope, '')}field "
    wall = POLICIES_PODS if rule.policy == POLICY_PODS else (rule.policy,)
    assert any(f"ValidatingAdmissionPolicy '{name}'" in answer.message for name in wall), answer.message
    assert start + (rule.field if rule.scope else "") in answer.message, (start, answer.message)


@pytest.mark.parametrize(("row", "way"), CASES, ids=[f"{row.id}-{way}" for row, way in CASES])
def test_bypass(admin: Api, users: dict[str, Api], running: Object, row: Row, way: str) -> None:
    path = f"{SPACE}/pods/attacked"
    if way == "request":
        for request in row.requests:
            ask(users, row, request)
    elif way == "ephemeral":
        for container in bypass.ephemeral(row):
            body = {"spec": {"ephemeralContainers": [container]}}
            answer = admin.request("PATCH", f"{path}/ephemeralcontainers?dryRun=All", body, STRATEGIC)
            stopped(answer, row, way, "moved")
    elif way.startswith("update"):
        now = admin.request("GET", path).done()
        name = {"update-init": "early", "update-sidecar": "beside"}.get(way, "tool")
        for changed in bypass.updated(row, way, now):
            answer = users["dev"].request("PUT", f"{path}?dryRun=All", changed)
            if row.words(way) == bypass.KEPT:
                assert answer.done()["spec"] == now["spec"]
            else:
                stopped(answer, row, way, name)
    else:
        for pod in bypass.created(row, way):
            stopped(admin.pod("ci-shop", pod), row, way, "moved")


def ask(users: dict[str, Api], row: Row, request: Object) -> None:
    """Send one request of a row; its path is below the tenant's namespace where it does not begin with a slash."""
    method, _, where = request["do"].partition(" ")
    path = where.replace("$ns", "ci-shop") if where.startswith("/") else f"{SPACE}/{where}"
    if method not in ("GET",) and "/exec?" not in path and "/proxy" not in path:
        path += "?dryRun=All"
    kind = STRATEGIC if method == "PATCH" else "application/json"
    if (dropped := request.get("dropped")) is not None:
        before = users["admin"].request("GET", path.partition("/resize")[0]).done()
        after = users[request["as"]].request(method, path, request.get("body"), kind).done()
        assert pods.get(before, dropped) == pods.get(after, dropped)
        return
    answer = users[request["as"]].request(method, path, request.get("body"), kind)
    if words := request.get("api"):
        assert not answer.ok and words in answer.message, answer.message
    else:
        stopped(answer, row, "request", "")

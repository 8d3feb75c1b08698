"""ServiceAccounts and their tokens in a tenant's namespace: the way to a cloud identity without a pod."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import pods
from tests.api.api import RBAC, Answer, Api, Object
from tests.api.guarded import CONTROLLERS, MANAGER, allow, almighty, manage, one, sentence, wait_for

SPACE = "ci-accounts"
CORE = f"/api/v1/namespaces/{SPACE}"
ACCOUNTS, SECRETS = f"{CORE}/serviceaccounts", f"{CORE}/secrets"
BUILDER = f"{ACCOUNTS}/builder-kaniko"
ROLE = "arn:aws:iam::1:role/admin"
INFRA = "system:serviceaccount:openshift-infra"
TOKEN_KIND = "kubernetes.io/service-account-token"  # noqa: S105 (a type, not a password)
TOOLS = "those of kubectl and Helm"
TOKENS = {"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]}
NODES = "nodes, for the pods that run there"
NO_SECRET = "Secrets that hold no token of a ServiceAccount"  # noqa: S105


def account(name: str = "new", **fields: Any) -> Object:
    """An empty ServiceAccount, with what is given."""
    metadata = {"name": name, **fields.pop("metadata", {})}
    return {"automountServiceAccountToken": False, **fields, "metadata": metadata}


def token(**spec: Any) -> Object:
    """A request for a token."""
    return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}


def secret(name: str, account_name: str = "builder-kaniko", kind: str = TOKEN_KIND) -> Object:
    """A Secret that the cluster fills with a token."""
    return {
        "metadata": {"name": name, "annotations": {"kubernetes.io/service-account.name": account_name}},
        "type": kind,
    }


@pytest.fixture(scope="module")
def dev(admin: Api, shop: str) -> Api:
    """A user with every right in the namespace."""
    return almighty(admin, SPACE)


@pytest.fixture(scope="module")
def editor(admin: Api, dev: Api) -> Api:
    """A user with the rights of Kubernetes' own role `edit`, which only an aggregating controller puts together."""
    role = f"{RBAC}/clusterroles/system:aggregate-to-edit"
    rules = admin.request("GET", role).done()["rules"]
    assert any("serviceaccounts/token" in rule["resources"] for rule in rules)
    admin.create(f"{RBAC}/clusterroles", {"metadata": {"name": "like-edit"}, "rules": rules}).done()
    reference = {"kind": "ClusterRole", "apiGroup": "rbac.authorization.k8s.io", "name": "like-edit"}
    subjects = [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "editor"}]
    binding = {"metadata": {"name": "editor"}, "roleRef": reference, "subjects": subjects}
    admin.create(f"{RBAC}/namespaces/{SPACE}/rolebindings", binding).done()
    admin.create("/api/v1/namespaces", {"metadata": {"name": "ordinary"}}).done()
    admin.create(f"{RBAC}/namespaces/ordinary/rolebindings", binding).done()
    for namespace in (SPACE, "ordinary"):
        wait_for(admin, "editor", TOKENS, namespace)
    return admin.user("editor")


BAD_ACCOUNTS = [
    (
        {"metadata": {"annotations": {"eks.amazonaws.com/role-arn": ROLE}}},
        [("metadata.annotations", "eks.amazonaws.com/role-arn", TOOLS)],
    ),
    ({"metadata": {"annotations": {"plain": "x"}}}, [("metadata.annotations", "plain", TOOLS)]),
    ({"imagePullSecrets": [{"name": "a"}, {"name": "b"}]}, [("imagePullSecrets", "a, b", "none")]),
    ({"secrets": [{"name": "a"}]}, [("secrets", "a", "none")]),
    ({"automountServiceAccountToken": True}, [("automountServiceAccountToken", "true", "false")]),
    ({"automountServiceAccountToken": None}, [("automountServiceAccountToken", "true", "false")]),
    ({"metadata": {"labels": {"buildkeep.dev/role": "tenants"}}}, [("metadata", "buildkeep.dev/role", MANAGER)]),
    ({"metadata": {"annotations": {"buildkeep.dev/before": "{}"}}}, [("metadata", "buildkeep.dev/before", MANAGER)]),
    (
        {"secrets": [{"name": "a"}], "metadata": {"annotations": {"plain": "x"}}},
        [("secrets", "a", "none"), ("metadata.annotations", "plain", TOOLS)],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "rows"), BAD_ACCOUNTS, ids=[str(fields) for fields, _ in BAD_ACCOUNTS])
def test_only_managers_write_more_than_an_empty_account(
    admin: Api, dev: Api, fields: Object, rows: list[tuple[str, str, str]]
) -> None:
    expected = "; ".join(one("serviceaccounts", *row) for row in rows)
    made = account(**fields)
    assert sentence(dev.create(ACCOUNTS, made, dry=True), "serviceaccounts") == expected
    assert sentence(dev.patch(BUILDER, fields, dry=True), "serviceaccounts") == expected
    assert admin.create(ACCOUNTS, made, dry=True).ok and admin.patch(BUILDER, fields, dry=True).ok


def test_empty_accounts_are_free_for_whoever_installs_the_chart(dev: Api) -> None:
    labels = {"app.kubernetes.io/managed-by": "Helm", "buildkeep.dev/tenant": pods.TENANT, "team": "a"}
    annotations = {"meta.helm.sh/release-name": "clouds", "kubectl.kubernetes.io/last-applied-configuration": "{}"}
    assert dev.create(ACCOUNTS, account(metadata={"labels": labels, "annotations": annotations}), dry=True).ok
    assert dev.patch(BUILDER, {"metadata": {"labels": labels, "annotations": annotations}}, dry=True).ok


def test_what_a_manager_wrote_stays(admin: Api, dev: Api) -> None:
    fields = {"metadata": {"annotations": {"eks.amazonaws.com/role-arn": ROLE}}, "imagePullSecrets": [{"name": "a"}]}
    admin.create(ACCOUNTS, account("owned", **fields)).done()
    path = f"{ACCOUNTS}/owned"
    for change, field, value in (
        ({"metadata": {"annotations": None}}, "metadata.annotations", "eks.amazonaws.com/role-arn"),
        ({"imagePullSecrets": None}, "imagePullSecrets", ""),
        ({"imagePullSecrets": [{"name": "b"}]}, "imagePullSecrets", "b"),
    ):
        refused = sentence(dev.patch(path, change, dry=True), "serviceaccounts")
        assert refused.startswith(f'[serviceaccounts] field {field}: "{value}" is not allowed'), refused
    # Also for whoever rewrites every object as it is, as a migration of the storage does.
    stored = admin.request("GET", path).done()
    assert dev.request("PUT", path, stored).ok
    # An added owner would be a way to delete.
    collector = admin.user(f"{CONTROLLERS}:generic-garbage-collector")
    for user, url in ((dev, path), (dev, ACCOUNTS), (collector, path)):
        refused = sentence(user.request("DELETE", f"{url}?dryRun=All"), "serviceaccounts")
        assert refused == one("serviceaccounts", "metadata.name", "DELETE", MANAGER)
    assert admin.user(f"{CONTROLLERS}:namespace-controller").request("DELETE", f"{path}?dryRun=All").ok
    assert admin.request("DELETE", f"{path}?dryRun=All").ok


def test_no_token_without_a_pod(admin: Api, dev: Api, editor: Api) -> None:
    admin.create("/api/v1/namespaces/ordinary/serviceaccounts", account("builder-kaniko")).done()
    assert editor.create("/api/v1/namespaces/ordinary/serviceaccounts/builder-kaniko/token", token()).ok
    admin.pod(SPACE, pods.dynamic_agent(), dry=False).done()
    bound = {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "agent-x1"}}
    for user, name in ((dev, "dev"), (editor, "editor")):
        for spec in ({}, {"audiences": ["sts.amazonaws.com"]}, bound):
            refused = sentence(user.create(f"{ACCOUNTS}/agent/token", token(**spec)), "serviceaccounts")
            assert refused == one("serviceaccounts", "serviceaccounts/token", name, NODES)
    assert admin.create(f"{ACCOUNTS}/agent/token", token()).ok
    manage(admin, "auditor", SPACE)
    allow(admin, "auditor", "", ["serviceaccounts/token"], ["create"])
    assert admin.user("auditor").create(f"{ACCOUNTS}/agent/token", token()).ok


def test_a_node_gets_the_tokens_of_its_pods(admin: Api, dev: Api) -> None:
    """With a real node's name and group; only RBAC stands in for the node authorizer, which a bare server has not."""
    if not admin.request("GET", f"{CORE}/pods/agent-x1").ok:
        admin.pod(SPACE, pods.dynamic_agent(), dry=False).done()
    allow(admin, "system:node:one", "", ["serviceaccounts/token"], ["create"])
    node = admin.user("system:node:one", "system:nodes")
    uid = admin.request("GET", f"{CORE}/pods/agent-x1").done()["metadata"]["uid"]
    reference = {"kind": "Pod", "apiVersion": "v1", "name": "agent-x1", "uid": uid}
    answer = node.create(f"{ACCOUNTS}/agent/token", token(boundObjectRef=reference))
    assert answer.status == 201 and answer.body["status"]["token"], answer.message
    for spec in ({}, {"boundObjectRef": {"kind": "Secret", "apiVersion": "v1", "name": "x"}}):
        refused = sentence(node.create(f"{ACCOUNTS}/agent/token", token(**spec)), "serviceaccounts")
        assert refused == one("serviceaccounts", "serviceaccounts/token", "system:node:one", NODES)
    giver = f"{CONTROLLERS}:gke-metadata-server"
    allow(admin, giver, "", ["serviceaccounts/token", "serviceaccounts"], ["create"])
    assert admin.user(giver).create(f"{ACCOUNTS}/agent/token", token(audiences=["acme.svc.id.goog"])).ok
    assert "[serviceaccounts]" in admin.user(giver).create(ACCOUNTS, {"metadata": {"name": "x"}}, dry=True).message
    impostor = admin.user("system:node:one")
    assert "[serviceaccounts]" in impostor.create(f"{ACCOUNTS}/agent/token", token(boundObjectRef=reference)).message


def test_no_token_by_way_of_a_secret(admin: Api, dev: Api, editor: Api) -> None:
    expected = one("serviceaccounts", "type", TOKEN_KIND, NO_SECRET)
    for user in (dev, editor):
        assert sentence(user.create(SECRETS, secret("t"), dry=True), "serviceaccounts") == expected
    admin.create(SECRETS, secret("theirs", "agent")).done()
    path = f"{SECRETS}/theirs"
    for change in (
        {"metadata": {"annotations": {"kubernetes.io/service-account.name": "pusher"}}},
        {"data": {"token": None, "x": "eA=="}},
    ):
        assert sentence(editor.patch(path, change, dry=True), "serviceaccounts") == expected
    assert editor.patch(path, {"metadata": {"labels": {"a": "b"}}}, dry=True).ok
    assert editor.request("DELETE", f"{path}?dryRun=All").ok
    assert editor.create(SECRETS, secret("mine", kind="Opaque"), dry=True).ok
    # Who fills it in, and who marks it as not used for a year.
    filled = {"data": {"token": "eA=="}, "metadata": {"annotations": {"kubernetes.io/service-account.uid": "x"}}}
    for name in ("system:kube-controller-manager", f"{CONTROLLERS}:legacy-service-account-token-cleaner"):
        allow(admin, name, "", ["secrets"], ["patch"])
        assert admin.user(name).patch(path, filled, dry=True).ok


OF_THE_CLUSTER = [
    (f"{CONTROLLERS}:service-account-controller", "default"),
    (f"{INFRA}:serviceaccount-controller", "builder"),
]


@pytest.mark.parametrize(("user", "name"), OF_THE_CLUSTER, ids=[name for _, name in OF_THE_CLUSTER])
def test_controllers_make_the_accounts_of_every_namespace(admin: Api, dev: Api, user: str, name: str) -> None:
    bare = {"metadata": {"name": f"{name}-again"}}
    assert "[serviceaccounts]" in dev.create(ACCOUNTS, bare, dry=True).message
    if user.startswith(INFRA):
        allow(admin, user, "", ["serviceaccounts"], ["create"])
    answer: Answer = admin.user(user).create(ACCOUNTS, bare, dry=True)
    assert answer.ok, answer.message


def test_openshift_gives_accounts_their_pull_secrets(admin: Api, dev: Api) -> None:
    user = f"{INFRA}:serviceaccount-pull-secrets-controller"
    rule = {"apiGroups": [""], "resources": ["serviceaccounts", "serviceaccounts/token"], "verbs": ["patch", "create"]}
    allow(admin, user, "", rule["resources"], rule["verbs"])
    controller = admin.user(user)
    given = {"imagePullSecrets": [{"name": "agent-dockercfg-x"}], "secrets": [{"name": "agent-dockercfg-x"}]}
    mark = {"metadata": {"annotations": {"openshift.io/internal-registry-pull-secret-ref": "agent-dockercfg-x"}}}
    assert controller.patch(f"{ACCOUNTS}/agent", {**given, **mark}, dry=True).ok
    assert controller.create(f"{ACCOUNTS}/agent/token", token(audiences=["https://registry"])).ok
    assert "[serviceaccounts]" in dev.patch(f"{ACCOUNTS}/agent", {**given, **mark}, dry=True).message

"""What an author is told: the message of each refusal, as the API server gives it.

messages.yaml says what the wording is meant to be, and test_messages.py holds the policies to it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

from ansible_collections.buildkeep.ci.plugins.module_utils.canaries_requests import other_request
from ansible_collections.buildkeep.ci.plugins.module_utils.canary_guards import guard_cases
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import connect
from ansible_collections.buildkeep.ci.plugins.module_utils.names import POLICIES_PODS
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings

from testbed.apiserver import ApiServer
from tests.api import pods
from tests.api.api import RBAC, Answer, Api, Object, until
from tests.api.cases import CASES
from tests.api.conftest import bind, tenant_namespace

FILE = Path(__file__).with_name("messages.yaml")
SPACE = "buildkeep-canary"
HEADS = tuple(
    f"pods \"{{}}\" is forbidden: ValidatingAdmissionPolicy '{name}' with binding '{name}-enforce' denied request: "
    for name in POLICIES_PODS
)
# Where only pods of templates may be.
STATIC = "ci-worded"
Texts = dict[str, str]


def broken_at_once() -> Object:
    """A pod that breaks rules of every scope, in containers of every kind that a new pod can have."""
    pod = pods.dynamic_agent()
    for path, value in (
        ("spec/hostPID", True),
        ("spec/nodeName", "node-1"),
        ("spec/serviceAccountName", "deployer"),
        ("spec/automountServiceAccountToken", False),
        ("spec/containers/0/image", "nginx"),
        ("spec/containers/0/securityContext/capabilities/add", ["NET_RAW", "SYS_ADMIN"]),
        ("spec/containers/1/securityContext/privileged", True),
        ("spec/containers/1/securityContext/allowPrivilegeEscalation", True),
        ("spec/initContainers", [{**pods.tool("early"), "image": "docker.io/evil/early:1"}]),
        ("spec/volumes/+", {"name": "socket", "hostPath": {"path": "/var/run/docker.sock"}}),
        ("metadata/labels/buildkeep.dev~tenant", "blog"),
        ("metadata/annotations/k8s.v1.cni.cncf.io~networks", "host"),
    ):
        pod = pods.put(pod, path, value)
    return pod


def numbered() -> Iterator[tuple[str, Object]]:
    """Each case of the table under its rule, numbered where a rule has several."""
    seen: dict[str, int] = {}
    for case in CASES:
        seen[case.rule] = seen.get(case.rule, 0) + 1
        yield case.rule + (f" {seen[case.rule]}" if seen[case.rule] > 1 else ""), case.pods()[0]


def of_pods(admin: Api, shop: str) -> Texts:
    """The message about each case, about two rules that need more than a new pod, and about many rules at once."""
    texts = {name: _refusal(admin.pod(shop, pod)) for name, pod in numbered()}
    tenant_namespace(admin, STATIC, annotations={"buildkeep.dev/templates": "static"})
    refused = until(lambda: admin.pod(STATIC, pods.dynamic_agent()), lambda answer: "[templates]" in answer.message)
    texts["templates/pod/spec"] = _refusal(refused)
    admin.pod(shop, pods.put(pods.dynamic_agent(), "metadata/name", "worded"), dry=False).done()
    path = f"/api/v1/namespaces/{shop}/pods/worded"
    change = {"spec": {"ephemeralContainers": [pods.tool("debugger")]}}
    kind = "application/strategic-merge-patch+json"
    refused = admin.request("PATCH", f"{path}/ephemeralcontainers?dryRun=All", change, kind)
    texts["pod/pod/spec.ephemeralContainers"] = _refusal(refused, "worded")
    admin.request("DELETE", f"{path}?gracePeriodSeconds=0").done()
    return {**texts, "many rules at once": _refusal(admin.pod(shop, broken_at_once()))}


def _refusal(answer: Answer, name: str = "agent-x1") -> str:
    status = answer.body
    assert (answer.status, status["status"], status["reason"], status["code"]) == (403, "Failure", "Forbidden", 403)
    heads = [text.format(name) for text in HEADS if answer.message.startswith(text.format(name))]
    assert len(heads) == 1, answer.message
    return answer.message.removeprefix(heads[0])


def of_guards(server: ApiServer, admin: Api) -> Texts:
    """The whole answer to each canary of the other policies, to somebody who has every right but to manage tenants."""
    tenant_namespace(admin, SPACE)
    rules = [{"apiGroups": ["", "apps", "rbac.authorization.k8s.io"], "resources": ["*"], "verbs": ["*"]}]
    admin.create(f"{RBAC}/clusterroles", {"metadata": {"name": "everything-here"}, "rules": rules}).done()
    bind(admin, f"{RBAC}/namespaces/{SPACE}/rolebindings", "ClusterRole", "everything-here", "somebody")
    # What is of no namespace, and nothing in kube-system, which would make a scheduler of somebody.
    of_cluster = [{"apiGroups": [""], "resources": ["namespaces", "persistentvolumes"], "verbs": ["*"]}]
    admin.create(f"{RBAC}/clusterroles", {"metadata": {"name": "everything-above"}, "rules": of_cluster}).done()
    bind(admin, f"{RBAC}/clusterrolebindings", "ClusterRole", "everything-above", "somebody")
    cluster = connect(str(server.kubeconfig()))
    somebody = admin.user("somebody")
    texts = {}
    for case in guard_cases(read_settings({"tenants": [{"name": "shop"}]})):
        asked = other_request(cluster, SPACE, case["request"])
        path = f"{asked.path}?{urlencode(asked.query)}"
        send = functools.partial(somebody.request, asked.method, path, asked.body, asked.content_type)
        # RBAC reads the bindings a moment later.
        answer = until(send, lambda answer: 'somebody" cannot' not in answer.message)
        texts[case["name"]] = answer.message if not answer.ok else " / ".join(answer.warnings)
    return texts

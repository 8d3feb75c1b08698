"""Canaries and the look at the cluster, on a real API server with small policies of the test's own."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import canaries_plugin, preflight_plugin
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import Mode

from testbed.apiserver import ApiServer
from tests.api.api import ADMISSION, RBAC, Api, Object

USER = "system:serviceaccount:jenkins:canary"
GROUP = "canaries"
SPACE = "canary-walls"
POLICY = "canary-test"
LABEL = "canary.test/walled"
POD: Object = {
    "metadata": {"labels": {"app": "x"}},
    "spec": {"containers": [{"name": "c", "image": "docker.io/x"}], "automountServiceAccountToken": False},
}
EVIL: Object = {**POD, "spec": {**POD["spec"], "hostNetwork": True}}


def case(expect: str = "refused", **changes: Any) -> Object:
    who = {"policy": POLICY, "rule": "network"} if expect == "refused" else {}
    pod = EVIL if expect == "refused" else POD
    return {"name": expect, "namespace": SPACE, "pod": pod, "expect": expect, **who, **changes}


def policy(name: str = POLICY) -> Object:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}
    validation = {"expression": "!has(object.spec.hostNetwork)", "message": "[network] not here", "reason": "Forbidden"}
    spec = {"failurePolicy": "Fail", "matchConstraints": {"resourceRules": [rule]}, "validations": [validation]}
    return {"metadata": {"name": name}, "spec": spec}


def binding(actions: Sequence[str], name: str = POLICY) -> Object:
    selector = {"namespaceSelector": {"matchLabels": {LABEL: "true"}}}
    spec = {"policyName": name, "validationActions": list(actions), "matchResources": selector}
    return {"metadata": {"name": name}, "spec": spec}


@pytest.fixture(scope="module", autouse=True)
def world(admin: Api) -> Iterator[None]:
    """A namespace where the canary may create pods, with a quota that lets none live; policies go away at the end."""
    admin.create("/api/v1/namespaces", {"metadata": {"name": SPACE}}).done()
    admin.create(f"/api/v1/namespaces/{SPACE}/serviceaccounts", {"metadata": {"name": "default"}}).done()
    admin.create(
        f"/api/v1/namespaces/{SPACE}/resourcequotas", {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    )
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["create"]}]
    admin.create(RBAC + "/clusterroles", {"metadata": {"name": "canary"}, "rules": rules}).done()
    bound = {
        "metadata": {"name": "canary"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "canary"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": GROUP}],
    }
    admin.create(f"{RBAC}/namespaces/{SPACE}/rolebindings", bound).done()
    yield
    for kind in ("validatingadmissionpolicybindings", "validatingadmissionpolicies"):
        admin.request("DELETE", f"{ADMISSION}/{kind}/{POLICY}")


def send(server: ApiServer, *cases: Object, check: bool = False, **more: Any) -> dict[str, Any]:
    given = {"cases": list(cases), "user": USER, "groups": [GROUP], "timeout": 0.5, "context": ""}
    return canaries_plugin.canary({**given, "kubeconfig": str(server.kubeconfig()), **more}, Mode(check, False))


def failure(server: ApiServer, *cases: Object, **more: Any) -> str:
    with pytest.raises(BuildkeepError) as caught:
        send(server, *cases, **more)
    return str(caught.value)


def test_the_causes_one_after_the_other(api_server: ApiServer, admin: Api) -> None:
    """From no policy at all to a wall that holds: each step is named by the failure before it."""
    assert f"was admitted: the ValidatingAdmissionPolicy {POLICY} does not exist" in failure(api_server, case())
    admin.create(f"{ADMISSION}/validatingadmissionpolicies", policy()).done()
    assert f"no ValidatingAdmissionPolicyBinding names the policy {POLICY}" in failure(api_server, case())
    path = f"{ADMISSION}/validatingadmissionpolicybindings"
    admin.create(path, binding(["Warn"])).done()
    assert f"its binding {POLICY} has the actions Warn, not Deny" in failure(api_server, case())
    admin.patch(f"{path}/{POLICY}", {"spec": {"validationActions": ["Deny"]}}).done()
    assert f"its binding {POLICY} does not select the namespace" in failure(api_server, case())

    # The wall comes up while the canary asks: it waits for it, and for the good pod only then.
    label = {"metadata": {"labels": {LABEL: "true"}}}
    later = threading.Timer(1.0, lambda: Api(api_server).patch(f"/api/v1/namespaces/{SPACE}", label).done())
    later.start()
    begin = time.monotonic()
    done = send(api_server, case("admitted"), case(), timeout=30.0)
    later.join()
    assert done["passed_cases"] == ["admitted", "refused"]
    assert time.monotonic() - begin >= 1.0
    assert send(api_server, case())["changed"] is False


def test_another_rule_is_no_proof(api_server: ApiServer) -> None:
    text = failure(api_server, case(rule="other"))
    assert "must be refused by canary-test [other], but was refused otherwise" in text
    assert "[network] not here" in text


def test_a_good_pod_that_is_refused(api_server: ApiServer) -> None:
    text = failure(api_server, case("admitted", pod=EVIL))
    assert "must be admitted, but was refused" in text
    assert "denied request: [network] not here" in text


def test_pod_security_answers_in_its_own_words(api_server: ApiServer, admin: Api) -> None:
    given = case(policy="PodSecurity", rule="", pod={**POD, "spec": {**POD["spec"], "hostPID": True}})
    assert "has no label pod-security.kubernetes.io/enforce" in failure(api_server, given)
    label: Object = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "baseline"}}}
    admin.patch(f"/api/v1/namespaces/{SPACE}", label).done()
    assert send(api_server, given, timeout=30.0)["passed_cases"] == ["refused"]
    label["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = None
    admin.patch(f"/api/v1/namespaces/{SPACE}", label).done()


def test_every_case_that_is_wrong_is_named(api_server: ApiServer) -> None:
    text = failure(api_server, case(name="one", rule="x"), case(name="two", rule="y"), case(name="three"))
    assert "canary one" in text
    assert "canary two" in text
    assert "canary three" not in text


def test_no_right_to_create_pods_is_no_refusal(api_server: ApiServer) -> None:
    assert "since the Role buildkeep-canary or its binding is missing" in failure(api_server, case(), groups=["others"])


def test_a_namespace_to_come_is_left_out_in_check_mode_only(api_server: ApiServer) -> None:
    # As the administrator: for anybody else RBAC answers before the namespace is looked for.
    given = case("admitted", namespace="canary-nowhere")
    assert send(api_server, given, check=True, user="")["skipped_cases"] == ["admitted"]
    assert "the namespace canary-nowhere does not exist" in failure(api_server, given, user="")


def look(server: ApiServer, **more: Any) -> dict[str, Any]:
    given = {"problems": [], "user": USER, "groups": [GROUP], "namespaces": [], "context": ""}
    return preflight_plugin.preflight({**given, "kubeconfig": str(server.kubeconfig()), **more}, Mode(False, False))


def test_an_administrator_may_begin(api_server: ApiServer) -> None:
    found = look(api_server)
    assert found["version"].startswith("v1.")
    assert found["url"] == api_server.url


def test_all_problems_in_one_message(api_server: ApiServer, admin: Api, tmp_path: Path) -> None:
    """As a ServiceAccount that may do nothing."""
    minted = admin.create(f"/api/v1/namespaces/{SPACE}/serviceaccounts/default/token", {"spec": {}}).done()
    config = json.loads(api_server.kubeconfig().read_text(encoding="utf-8"))
    config["users"][0]["user"]["token"] = minted["status"]["token"]
    (tmp_path / "kubeconfig").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(BuildkeepError) as caught:
        look(api_server, kubeconfig=str(tmp_path / "kubeconfig"), problems=["tenants[0].name: give it"])
    first, rights = caught.value.problems
    assert first == "tenants[0].name: give it"
    assert "you may not get, list, create, patch, delete namespaces;" in rights
    assert "escalate, bind roles.rbac.authorization.k8s.io;" in rights
    assert "manage tenants.buildkeep.dev;" in rights
    assert 'impersonate groups "canaries";' in rights
    assert 'impersonate serviceaccounts "canary" in namespace jenkins' in rights

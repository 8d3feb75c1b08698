"""Policies and bindings are ours to the last field of their spec: what others add there is put right, in place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import applying, policies
from ansible_collections.buildkeep.ci.plugins.module_utils.applying_replacing import as_wanted, replace
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import connect
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import key_of
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profiles

from testbed.apiserver import ApiServer
from tests.api.api import ADMISSION, Api, Object
from tests.api.apply_support import Engine
from tests.api.conftest import CLUSTER_IMAGES, CONTROLLER, OPTIONS

NAME = "exact-test"
POLICY = f"{ADMISSION}/validatingadmissionpolicies/{NAME}"
BINDING = f"{ADMISSION}/validatingadmissionpolicybindings/{NAME}"
VERSION = "admissionregistration.k8s.io/v1"
KINDS = [f"{VERSION}/ValidatingAdmissionPolicy", f"{VERSION}/ValidatingAdmissionPolicyBinding"]
# A kind that nothing here makes.
RULE = {"apiGroups": ["batch"], "apiVersions": ["v1"], "resources": ["cronjobs"], "operations": ["CREATE"]}
SELECTOR = {"matchLabels": {"exact.test/nowhere": "true"}}


def policy(expression: str = "false") -> Object:
    validation = {"expression": expression, "message": "no"}
    spec = {"failurePolicy": "Fail", "matchConstraints": {"resourceRules": [RULE]}, "validations": [validation]}
    return {"apiVersion": VERSION, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": NAME}, "spec": spec}


def binding() -> Object:
    spec = {"policyName": NAME, "validationActions": ["Deny"]}
    return {"apiVersion": VERSION, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": NAME}, "spec": spec}


@pytest.fixture
def engine(api_server: ApiServer) -> Iterator[Engine]:
    """An engine that has made both; they go in the end."""
    made = Engine(api_server, owner="exact")
    assert set(made.run(policy(), binding()).actions.values()) == {"created"}
    yield made
    assert made.run(state="absent", prune=KINDS).changed


@pytest.mark.parametrize(
    ("path", "spec"),
    [
        (POLICY, {"matchConditions": [{"name": "pause", "expression": "false"}]}),
        (POLICY, {"matchConstraints": {"namespaceSelector": SELECTOR}}),
        (POLICY, {"matchConstraints": {"excludeResourceRules": [RULE]}}),
        (POLICY, {"failurePolicy": "Ignore"}),
        (BINDING, {"matchResources": {"namespaceSelector": SELECTOR}}),
        (BINDING, {"validationActions": ["Warn", "Audit"]}),
        (BINDING, {"validationActions": ["Deny", "Audit"]}),
    ],
    ids=str,
)
def test_what_others_put_into_the_spec_is_put_right(engine: Engine, admin: Api, path: str, spec: Object) -> None:
    found = admin.request("GET", path).done()
    changed = admin.patch(f"{path}?fieldManager=hand", {"spec": spec}).done()
    assert changed["spec"] != found["spec"]
    for check in (True, False):
        done = engine.run(policy(), binding(), check=check, diff=True)
        assert sorted(done.actions.values()) == ["changed", "unchanged"]
        assert "replaced what others had set in its spec: hand" in done.warnings
        (shown,) = done.raw["diff"]
        assert NAME in shown["before_header"]
        assert shown["before"] != shown["after"]
        now = admin.request("GET", path).done()
        assert now["spec"] == (changed if check else found)["spec"]
    assert now["metadata"]["uid"] == found["metadata"]["uid"]
    assert not engine.run(policy(), binding(), check=True).changed
    assert not engine.run(policy(), binding()).changed
    assert admin.request("GET", path).done()["metadata"]["resourceVersion"] == now["metadata"]["resourceVersion"]


def test_a_new_version_is_applied_once_and_without_a_warning(
    engine: Engine, admin: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = engine.run(policy("1 == 2"), binding())
    assert sorted(done.actions.values()) == ["changed", "unchanged"]
    assert done.warnings == ""
    assert admin.request("GET", POLICY).done()["spec"]["validations"][0]["expression"] == "1 == 2"
    with monkeypatch.context() as sealed:
        sealed.delattr(applying, "put")  # nothing is sent, for the API server would compile it
        assert not engine.run(policy("1 == 2"), binding()).changed


def test_labels_of_others_stay_and_ours_come_back(engine: Engine, admin: Api) -> None:
    ours = {"app.kubernetes.io/managed-by": None, "buildkeep.dev/role": None}
    admin.patch(POLICY, {"metadata": {"labels": {**ours, "team": "x"}}}).done()
    assert engine.run(policy(), binding()).actions[f"ValidatingAdmissionPolicy {NAME}"] in {"adopted", "changed"}
    labels = admin.request("GET", POLICY).done()["metadata"]["labels"]
    assert labels == {"app.kubernetes.io/managed-by": "buildkeep", "buildkeep.dev/role": "exact", "team": "x"}


def test_one_that_changed_since_we_looked_is_looked_at_again(engine: Engine, api_server: ApiServer, admin: Api) -> None:
    cluster = connect(str(api_server.kubeconfig()))
    resource = cluster.resource(VERSION, "ValidatingAdmissionPolicy")
    stale = admin.request("GET", POLICY).done()
    admin.patch(POLICY, {"metadata": {"labels": {"late": "x"}}}).done()
    done = replace(cluster, resource, key_of(policy()), stale, policy("2 == 3"), check=False)
    assert done is not None
    assert done[1].body["metadata"]["labels"]["late"] == "x"
    assert done[1].body["spec"]["validations"][0]["expression"] == "2 == 3"
    gone = {**policy(), "metadata": {**stale["metadata"], "name": "exact-gone"}}
    assert replace(cluster, resource, key_of(gone), gone, gone, check=False) is None
    with pytest.raises(ApiError, match=r"replace ValidatingAdmissionPolicy exact-test: Invalid \(422\)"):
        replace(cluster, resource, key_of(policy()), done[1].body, policy("no CEL ("), check=False)


@pytest.mark.usefixtures("shop")
def test_what_is_as_wanted_is_known_without_sending_it(api_server: ApiServer, profiles: Profiles) -> None:
    cluster = connect(str(api_server.kubeconfig()))
    compared = 0
    for wanted in policies.build_policies(profiles, CLUSTER_IMAGES, CONTROLLER, options=OPTIONS):
        key = key_of(wanted)
        live = cluster.get(cluster.resource(key.api_version, key.kind), "", key.name)
        assert live is not None
        assert as_wanted(live, wanted), key
        for other in (
            {**live, "spec": {**live["spec"], "failurePolicy": "Ignore"}},
            {**live, "spec": {**live["spec"], "matchConditions": [{"name": "x", "expression": "false"}]}},
            {**live, "metadata": {**live["metadata"], "annotations": {"buildkeep.dev/narrowed": "x"}}},
        ):
            assert not as_wanted(other, wanted), key
        compared += 1
    assert compared > 20

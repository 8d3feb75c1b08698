"""Policies that an API server reads from its own disk: they hold before any policy is in the API, and guard those."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import backends, render_static
from ansible_collections.buildkeep.ci.plugins.module_utils.applying_plugin import apply
from ansible_collections.buildkeep.ci.plugins.module_utils.canaries_plugin import canary
from ansible_collections.buildkeep.ci.plugins.module_utils.canary_cases import rule_cases
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import Mode
from ansible_collections.buildkeep.ci.plugins.module_utils.pod_security import pod_security_objects
from ansible_collections.buildkeep.ci.plugins.module_utils.render_files import marked, plan, write
from ansible_collections.buildkeep.ci.plugins.module_utils.render_objects import waves
from ansible_collections.buildkeep.ci.plugins.module_utils.render_options import NEWEST, read_options
from ansible_collections.buildkeep.ci.plugins.module_utils.render_yaml import to_yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings, read_settings
from ansible_collections.buildkeep.ci.plugins.module_utils.tenant_objects import identity

from testbed.apiserver import ApiServer
from tests.api import pods
from tests.api.api import ADMISSION, RBAC, Api
from tests.api.conftest import bind, create, tenant_namespace

POLICIES, BINDINGS = f"{ADMISSION}/validatingadmissionpolicies", f"{ADMISSION}/validatingadmissionpolicybindings"


@pytest.fixture(scope="module")
def settings() -> Settings:
    options = read_options({"render_directory": "/nowhere", "render_version": NEWEST})
    return read_settings({"backend": backends.as_mapping(backends.choose(options.served(backends.AUTO)))})


@pytest.fixture(scope="module")
def server(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """An API server that was started with the rendered manifests."""
    folder = tmp_path_factory.mktemp("machine")
    files = render_static.static_files(settings)
    # The one thing that an administrator adapts: where the manifests are on the machine.
    configuration = render_static.configuration(str(folder / render_static.MANIFESTS))
    files[render_static.CONFIGURATION] = marked(to_yaml(configuration))
    write(folder, plan(folder, files))
    flag = f"--admission-control-config-file={folder / render_static.CONFIGURATION}"
    with ApiServer(flags=[flag]) as one:
        yield one


@pytest.fixture(scope="module")
def guarded(server: ApiServer) -> Api:
    """Its administrator. There is a tenant."""
    admin = Api(server)
    tenant_namespace(admin, "ci-shop")
    return admin


@pytest.fixture(scope="module")
def ops(guarded: Api, settings: Settings) -> Api:
    """Somebody who may do anything with policies but manages no tenants, once the API has ours as well."""
    for item in pod_security_objects(settings, settings.images):
        create(guarded, item)
    rules = [{"apiGroups": ["admissionregistration.k8s.io"], "resources": ["*"], "verbs": ["*"]}]
    guarded.create(f"{RBAC}/clusterroles", {"metadata": {"name": "policies"}, "rules": rules}).done()
    bind(guarded, f"{RBAC}/clusterrolebindings", "ClusterRole", "policies", "ops")
    return guarded.user("ops")


def test_the_configuration_names_a_folder_of_the_machine_that_holds_nothing_else() -> None:
    (plugin,) = render_static.configuration()["plugins"]
    assert Path(plugin["configuration"]["staticManifestsDir"]).is_absolute()
    assert render_static.MANIFESTS not in render_static.CONFIGURATION.parents


def test_a_pod_is_refused_where_the_api_has_no_policy(guarded: Api) -> None:
    assert guarded.request("GET", POLICIES).done()["items"] == []
    bad = pods.put(pods.dynamic_agent(), "spec/hostPID", True)
    answer = guarded.pod("ci-shop", bad)
    assert answer.status == 403
    assert "ValidatingAdmissionPolicy 'buildkeep-pods.static.k8s.io'" in answer.message
    assert "[pod]" in answer.message


def test_an_honest_pod_is_admitted(guarded: Api) -> None:
    guarded.pod("ci-shop", pods.static_agent()).done()


def test_the_static_ones_are_out_of_the_apis_reach(guarded: Api, settings: Settings) -> None:
    assert guarded.request("GET", f"{POLICIES}/buildkeep-pods.static.k8s.io").status == 404
    policy = render_static.static_objects(settings)[0]
    assert guarded.create(POLICIES, policy).status in (400, 422)


@pytest.mark.parametrize("path", [f"{POLICIES}/buildkeep-pods", f"{BINDINGS}/buildkeep-pods-enforce", BINDINGS])
def test_nobody_else_deletes_a_policy_or_a_binding(ops: Api, path: str) -> None:
    answer = ops.request("DELETE", path)
    assert answer.status == 403
    assert "[policies] field metadata.name" in answer.message


@pytest.mark.parametrize(
    ("path", "change"),
    [
        (f"{POLICIES}/buildkeep-pods", {"spec": {"failurePolicy": "Ignore"}}),
        (f"{POLICIES}/buildkeep-pods", {"spec": {"matchConditions": [{"name": "never", "expression": "false"}]}}),
        (f"{BINDINGS}/buildkeep-pods-enforce", {"spec": {"validationActions": ["Audit"]}}),
    ],
)
def test_nobody_else_changes_them(ops: Api, path: str, change: dict[str, Any]) -> None:
    answer = ops.patch(path, change)
    assert answer.status == 403
    assert "[policies] field metadata.name" in answer.message


def test_nobody_else_makes_one_under_a_name_of_ours(ops: Api) -> None:
    spec = {"policyName": "buildkeep-pods", "validationActions": ["Warn"]}
    answer = ops.create(BINDINGS, {"metadata": {"name": "buildkeep-more"}, "spec": spec}, dry=True)
    assert "[policies]" in answer.message


def test_others_policies_are_no_concern_of_it(ops: Api) -> None:
    spec = {"policyName": "theirs", "validationActions": ["Warn"]}
    ops.create(BINDINGS, {"metadata": {"name": "theirs"}, "spec": spec}).done()
    ops.request("DELETE", f"{BINDINGS}/theirs").done()


def test_storage_can_be_migrated_and_managers_may_do_all(guarded: Api, ops: Api) -> None:
    """A write of what is there changes nothing; whoever manages tenants changes what they like."""
    live = ops.request("GET", f"{POLICIES}/buildkeep-pods").done()
    ops.request("PUT", f"{POLICIES}/buildkeep-pods", live).done()
    guarded.patch(f"{POLICIES}/buildkeep-pods", {"spec": {"failurePolicy": "Ignore"}}, dry=True).done()
    guarded.request("DELETE", f"{POLICIES}/buildkeep-pods?dryRun=All").done()


def test_canaries_count_what_a_static_manifest_refuses(server: ApiServer, ops: Api, settings: Settings) -> None:
    """Static manifests answer first, so a run of site.yml meets them alone."""
    (proving,) = (wave for wave in waves(settings, "") if wave.name == "10-canary")
    kubeconfig = {"kubeconfig": str(server.kubeconfig()), "context": ""}
    task = {"owner": "pod_security", "manifests": list(proving.objects), "state": "present", "settled": False}
    lists: dict[str, Any] = {"templates": [], "each": None, "vars": {}, "prune": [], "tenants": None, "namespaces": []}
    apply({**task, **lists, **kubeconfig, "timeout": 30.0}, Mode(check=False, diff=False))
    cases = rule_cases(settings)
    done = canary({"cases": cases, **identity(settings), **kubeconfig, "timeout": 30.0}, Mode(check=False, diff=False))
    assert (len(done["passed_cases"]), done["skipped_cases"]) == (len(cases), [])

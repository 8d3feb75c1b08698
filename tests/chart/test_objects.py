"""The objects that the chart makes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.names import (
    ANNOTATION_BUILDERS,
    LABEL_MODE,
    LABEL_TENANT,
    PSA_PREFIX,
    PSA_VERSION,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings

from tests.chart.rendering import CHART, CI_VALUES, cloud, helm, pods, template, tenants

KUBERNETES = "1.37"
IDS = [path.stem for path in CI_VALUES]


@pytest.mark.parametrize("values", CI_VALUES, ids=IDS)
def test_every_object_is_one_that_kubernetes_knows(values: Path) -> None:
    rendered = template(values)
    for item in [*rendered.objects, *({"apiVersion": "v1", **pod} for pod in pods(rendered).values())]:
        kubernetes_validate.validate(item, KUBERNETES, strict=True)


@pytest.mark.parametrize("values", CI_VALUES, ids=IDS)
def test_two_renderings_are_the_same(values: Path) -> None:
    assert template(values).text == template(values).text


@pytest.mark.parametrize("values", CI_VALUES, ids=IDS)
def test_helm_3_renders_the_same_objects(values: Path) -> None:
    def sorted_objects(version: str) -> list[str]:
        return sorted(json.dumps(item, sort_keys=True) for item in template(values, version=version).objects)

    assert sorted_objects("helm3") == sorted_objects("helm")


@pytest.mark.parametrize("values", CI_VALUES, ids=IDS)
def test_lint_accepts_the_example(values: Path) -> None:
    linted = helm("lint", "--strict", str(CHART), "--values", str(values))
    assert linted.code == 0, linted.text + linted.errors


@pytest.mark.parametrize("values", CI_VALUES, ids=IDS)
def test_no_object_holds_a_secret(values: Path) -> None:
    rendered = template(values)
    assert rendered.of_kind("Secret") == []
    texts = [text for item in rendered.of_kind("ConfigMap") for text in item["data"].values()]
    secret = re.compile(
        r"PRIVATE KEY|password|passphrase|credentialsId|(?<!automountServiceAccount)token", re.IGNORECASE
    )
    assert [found for text in texts for found in secret.findall(text)] == []


def test_the_first_pod_is_tested_under_the_rights_of_its_template() -> None:
    rendered = template(tenants("shop", "blog"))
    (test,) = rendered.of_kind("Pod")
    wanted = pods(rendered)["shop-kaniko"]["spec"]
    assert test["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert test["metadata"]["namespace"] == "ci-shop"
    assert test["metadata"]["labels"]["buildkeep.dev/tenant"] == "shop"
    runs = {one["name"]: (one.pop("command"), one.pop("args")) for one in test["spec"]["containers"]}
    assert runs == {"jnlp": (["id"], []), "kaniko": (["/kaniko/executor", "version"], [])}
    for container in wanted["containers"]:
        container.pop("command", None)
        container.pop("args", None)
    assert test["spec"].pop("activeDeadlineSeconds") < wanted.pop("activeDeadlineSeconds")
    assert test["spec"] == wanted


def test_what_is_made_for_one_tenant() -> None:
    found = {
        (item["kind"], item["metadata"]["namespace"], item["metadata"]["name"])
        for item in template(tenants("shop")).objects
    }
    assert found == {
        ("ConfigMap", "jenkins", "buildkeep-cloud-shop"),
        ("ServiceAccount", "ci-shop", "agent"),
        ("ServiceAccount", "ci-shop", "builder-kaniko"),
        ("ServiceAccount", "ci-shop", "pusher"),
        ("Role", "ci-shop", "buildkeep-controller"),
        ("RoleBinding", "ci-shop", "buildkeep-controller"),
        ("Pod", "ci-shop", "agent-templates-test"),
    }


def test_nothing_is_made_for_a_tenant_that_is_absent_or_for_none() -> None:
    assert template(tenants("shop", state="absent")).objects == []
    assert template({}).objects == []


def test_a_tenant_without_builders_has_a_cloud_and_no_test() -> None:
    rendered = template(tenants("shop", builders=[]))
    assert [one["name"] for one in cloud(rendered.of_kind("ConfigMap")[0])["templates"]] == ["shop-defaults"]
    assert rendered.of_kind("Pod") == []


def test_the_controller_is_where_the_values_say() -> None:
    values = yaml.safe_load((CHART / "ci" / "elsewhere-values.yaml").read_text(encoding="utf-8"))
    rendered = template(values)
    (configmap,) = rendered.of_kind("ConfigMap")
    assert configmap["metadata"]["namespace"] == "cicd"
    assert configmap["metadata"]["labels"]["builds-jenkins-config"] == "true"
    assert cloud(configmap)["jenkinsUrl"] == "https://jenkins.example.com/"
    assert cloud(configmap)["namespace"] == "team-shop"
    (binding,) = rendered.of_kind("RoleBinding")
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "builds-controller", "namespace": "cicd"}]


def test_the_controllers_side_car_gets_one_file_for_each_tenant() -> None:
    configmaps = template(tenants("shop", "blog")).of_kind("ConfigMap")
    assert [list(item["data"]) for item in configmaps] == [["cloud-shop.yaml"], ["cloud-blog.yaml"]]
    assert {item["metadata"]["labels"]["jenkins-jenkins-config"] for item in configmaps} == {"true"}


def test_a_cloud_is_closed_to_other_folders_and_bounded() -> None:
    (configmap,) = template(tenants("shop", limits={"pods": 3})).of_kind("ConfigMap")
    found = cloud(configmap)
    templates = found.pop("templates")
    assert found == {
        "name": "shop",
        "namespace": "ci-shop",
        "jenkinsUrl": "http://jenkins.jenkins.svc.cluster.local:8080",
        "webSocket": True,
        "garbageCollection": {"namespaces": "ci-shop", "timeout": 300},
        "jnlpregistry": "docker.io",
        "restrictedPssSecurityContext": True,
        "usageRestricted": True,
        "containerCapStr": "3",
        "podLabels": [{"key": "buildkeep.dev/tenant", "value": "shop"}],
        "defaultsProviderTemplate": "shop-defaults",
    }
    # Else a build without a label would land on them.
    assert {one["nodeUsageMode"] for one in templates} == {"EXCLUSIVE"}
    assert [one.get("label") for one in templates] == [None, "shop-kaniko"]


def test_templates_keep_their_ids() -> None:
    """An agent finds its template by id: another id is a lost agent."""
    found = {
        one["name"]: one["id"]
        for item in template(tenants("shop", "blog")).of_kind("ConfigMap")
        for one in cloud(item)["templates"]
    }
    assert found == {
        "shop-defaults": "ad3bb9ea462492cf055b91a9e79ee68b",
        "shop-kaniko": "19eedac059c5d1c107252cceabc244c0",
        "blog-defaults": "20302c6bf8159cd82e445a1b4535ada3",
        "blog-kaniko": "f45444e0818cac3f3ce62d9a05f367db",
    }


def test_certificates_reach_every_tenant_and_its_builder() -> None:
    rendered = template(CHART / "ci" / "own-registry-values.yaml")
    (ca,) = [item for item in rendered.of_kind("ConfigMap") if item["metadata"]["name"] == "buildkeep-ca"]
    assert ca["metadata"]["namespace"] == "ci-shop"
    assert ca["data"]["ca.crt"].startswith("-----BEGIN CERTIFICATE-----\n")
    spec = pods(rendered)["shop-kaniko"]["spec"]
    builder = next(one for one in spec["containers"] if one["name"] == "kaniko")
    assert {"name": "SSL_CERT_DIR", "value": "/kaniko/ssl/certs:/kaniko/ssl/buildkeep"} in builder["env"]
    assert {"name": "buildkeep-ca", "mountPath": "/kaniko/ssl/buildkeep", "readOnly": True} in builder["volumeMounts"]


def test_the_notes_name_a_label_and_the_namespaces_needs() -> None:
    def notes(*values: str) -> str:
        return helm("install", "r", str(CHART), "--dry-run=client", *values).text.partition("NOTES:")[2]

    shown = notes("--set", "tenants[0].name=shop")
    assert "\n  agent { label 'shop-kaniko' }\n" in shown
    (tenant,) = read_settings(tenants("shop")).tenants
    words = shown.replace("\\\n", " ").split()
    assert {f"{PSA_PREFIX}enforce={tenant.pss_level}", f"{PSA_PREFIX}enforce-version={PSA_VERSION}"} <= set(words)
    assert {f"{LABEL_TENANT}=shop", f"{LABEL_MODE}=enforce", f"{ANNOTATION_BUILDERS}=kaniko"} <= set(words)
    assert f"{PSA_PREFIX}enforce=restricted" in notes("--set-json", 'tenants=[{"name":"shop","builders":[]}]')
    assert "No tenant yet" in notes()

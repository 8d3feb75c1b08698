"""Which values the chart takes, and what it says to those that it does not take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.chart.rendering import CHART, helm, template, tenants

SHOP = tenants("shop")
# (values, the place that the schema's message must name, a word of the reason)
REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown key": ({"tennants": []}, "", "tennants"),
    "unknown key of a tenant": (tenants("shop", image=[]), "/tenants/0", "image"),
    "unknown key of the controller": ({"controller": {"ns": "x"}}, "/controller", "ns"),
    "unknown key of a builder": ({"builders": {"kaniko": {"tag": "x"}}}, "/builders/kaniko", "tag"),
    "tenant without a name": ({"tenants": [{}]}, "/tenants/0", "name"),
    "name in capitals": (tenants("Shop"), "/tenants/0/name", "pattern"),
    "name with a dot": (tenants("a.b"), "/tenants/0/name", "pattern"),
    "name that ends with a dash": (tenants("shop-"), "/tenants/0/name", "pattern"),
    "name that begins with a digit": (tenants("1shop"), "/tenants/0/name", "pattern"),
    "name with a line break at its end": (tenants("shop\n"), "/tenants/0/name", "pattern"),
    "long name": (tenants("s" * 41), "/tenants/0/name", "maxLength"),
    "tenants as a mapping": ({"tenants": {"shop": {}}}, "/tenants", "array"),
    "builder twice": (tenants("shop", builders=["kaniko", "kaniko"]), "/tenants/0/builders", "items at 0 and 1"),
    "no pods": (tenants("shop", limits={"pods": 0}), "/tenants/0/limits/pods", "minimum"),
    "CPUs as a number": (tenants("shop", limits={"cpu": 4}), "/tenants/0/limits/cpu", "string"),
    "memory in words": (tenants("shop", limits={"memory": "lots"}), "/tenants/0/limits/memory", "pattern"),
    "image without a registry": (tenants("shop", images=["debian"]), "/tenants/0/images/0", "pattern"),
    "image with a tag": (tenants("shop", images=["ghcr.io/a/b:v1"]), "/tenants/0/images/0", "pattern"),
    "push to a prefix": (tenants("shop", push="ghcr.io/acme/"), "/tenants/0/push", "pattern"),
    "cloud identity": (tenants("shop", identity={"gke": {}}), "/tenants/0/identity", "null"),
    "another mode": (tenants("shop", mode="off"), "/tenants/0/mode", "'enforce', 'audit'"),
    "secret in the URL": ({"controller": {"url": "http://${TOKEN}/"}}, "/controller/url", "pattern"),
    "secret in an image": ({"agent": {"image": "ghcr.io/a:${TOKEN}"}}, "/agent/image", "pattern"),
    "prefix without a dash": ({"namespacePrefix": "ci"}, "/namespacePrefix", "pattern"),
    "deadline of a second": ({"agent": {"activeDeadlineSeconds": 1}}, "/agent/activeDeadlineSeconds", "minimum"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_schema_refuses(name: str) -> None:
    values, place, reason = REFUSED[name]
    rendered = template(values)
    assert rendered.code != 0
    assert f"at '{place}'" in rendered.errors
    assert reason in rendered.errors


def test_helm_3_reads_the_schema_as_well() -> None:
    assert template(SHOP, version="helm3").code == 0
    refused = template({"tennants": []}, version="helm3")
    assert refused.code != 0
    assert "tennants" in refused.errors


def test_every_problem_that_a_schema_cannot_say_is_in_one_message() -> None:
    values = {
        "tenants": [{"name": "shop", "builders": ["imgg", "img"]}, {"name": "shop"}, {"name": "kins"}],
        "builders": {"kanico": {"image": "ghcr.io/acme/kaniko:v1"}},
        "controller": {"namespace": "jen-kins"},
        "namespacePrefix": "jen-",
        "trustedCA": "-----BEGIN PRIVATE KEY-----",
    }
    known = "apko, buildah, buildkit, img, jib, kaniko, ko"
    rendered = template(values)
    assert rendered.code != 0
    assert [line for line in rendered.errors.splitlines() if ": " in line and "Error" not in line] == [
        "trustedCA: holds a private key, or no certificate; "
        "write certificates in PEM, from -----BEGIN CERTIFICATE----- on",
        f"builders.kanico: unknown builder; write one of: {known}",
        f"tenants[0] (shop).builders: unknown builder imgg; write one of: {known}",
        "tenants[0] (shop).builders: nobody publishes an image of img; build one as images/README.md says, "
        "and name it in builders.img.image",
        "tenants[1] (shop).name: the same name as tenants[0]; give each tenant its own",
        "tenants[2] (kins).name: its namespace jen-kins is the controller's; "
        "choose another name, or another namespacePrefix",
    ]


def test_names_that_yaml_reads_as_something_else_stay_names() -> None:
    tenant = {"name": "no", "builders": ["buildkit"], "cache": {"claims": {"buildkit": "1e3"}}}
    (found,) = template({"tenants": [tenant]}).of_kind("ConfigMap")
    assert found["metadata"]["labels"]["buildkeep.dev/tenant"] == "no"
    cloud = yaml.safe_load(found["data"]["cloud-no.yaml"])["jenkins"]["clouds"][0]["kubernetes"]
    assert (cloud["name"], cloud["podLabels"][0]["value"]) == ("no", "no")
    pod = yaml.safe_load(cloud["templates"][1]["yaml"])
    claims = [
        one["persistentVolumeClaim"]["claimName"] for one in pod["spec"]["volumes"] if "persistentVolumeClaim" in one
    ]
    assert claims == ["1e3"]


def test_it_works_as_a_subchart(tmp_path: Path) -> None:
    (tmp_path / "charts").mkdir()
    (tmp_path / "charts" / "agent-templates").symlink_to(CHART)
    dependency = {"name": "agent-templates", "version": "*", "condition": "agent-templates.enabled"}
    chart = {"apiVersion": "v2", "name": "parent", "version": "0.1.0", "dependencies": [dependency]}
    (tmp_path / "Chart.yaml").write_text(yaml.safe_dump(chart), encoding="utf-8")
    parent = {"global": {"imageRegistry": "x"}, "agent-templates": {**SHOP, "enabled": True}}
    assert len(template(parent, chart=tmp_path).of_kind("ConfigMap")) == 1
    parent["agent-templates"]["enabled"] = False
    assert template(parent, chart=tmp_path).objects == []


def test_the_schema_is_draft_7_and_its_own_defaults_are_valid() -> None:
    schema = yaml.safe_load((CHART / "values.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8")), schema)


def test_every_key_of_a_tenant_says_what_it_is_and_what_to_write_instead() -> None:
    tenant = yaml.safe_load((CHART / "values.schema.json").read_text(encoding="utf-8"))["definitions"]["tenant"]
    parts = {"tenant": tenant, **tenant["properties"], **tenant["properties"]["limits"]["properties"]}
    parts |= {f"{key}[]": part["items"] for key, part in parts.items() if "items" in part}
    assert [key for key, part in parts.items() if not (part.get("description") and part.get("x-remedy"))] == []


def test_lint_finds_nothing() -> None:
    linted = helm("lint", "--strict", str(CHART))
    assert linted.code == 0, linted.text + linted.errors
    assert "[WARNING]" not in linted.text

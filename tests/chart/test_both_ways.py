"""A Helm release and the roles give the same objects."""

from __future__ import annotations

import resource
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.agent_templates import canaries, chart_values, helm_template
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import parse, render
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings, read_settings
from ansible_collections.buildkeep.ci.plugins.module_utils.tenant_objects import tenant_objects

from testbed.tools import tool
from tests.chart.rendering import CI_VALUES, JSON, ROOT, template

# Labels that say who made an object and by which way.
OURS = ("app.kubernetes.io/", "helm.sh/", "buildkeep.dev/role")
CONNECTION = {"namespacePrefix": "namespace_prefix", "trustedCA": "trusted_ca", "controller": "controller"}
EXAMPLES = [path for path in CI_VALUES if path.stem not in ("no-tenants-values", "rendered-by-role-values")]


def inventory(values: Mapping[str, Any]) -> Settings:
    """Chart values as the inventory says them."""
    raw = {CONNECTION[key]: value for key, value in values.items() if key in CONNECTION}
    return read_settings(
        {
            **raw,
            "tenants": values["tenants"],
            "builders": values.get("builders", {}),
            "agent_image": values.get("agent", {}).get("image", ""),
        }
    )


def key(item: JSON) -> tuple[str, str, str]:
    """What names an object."""
    return item["kind"], item["metadata"]["namespace"], item["metadata"]["name"]


def bare(item: JSON) -> JSON:
    """An object without the labels that differ by way."""
    labels = {k: v for k, v in item["metadata"]["labels"].items() if not k.startswith(OURS)}
    return {**item, "metadata": {**item["metadata"], "labels": labels}}


def by_role(settings: Settings, deadline: int) -> list[JSON]:
    """What the role agent_templates applies."""
    return parse(helm_template(str(tool("helm")), chart_values(settings, deadline)), "chart")


def by_templates(settings: Settings, role: str, *names: str) -> list[JSON]:
    """What another role makes of its templates for the tenants that are present."""
    return render([str(ROOT / "roles" / role / "templates" / name) for name in names], {}, tenant_objects(settings))


@pytest.mark.parametrize("example", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_the_roles_and_a_release_make_the_same(example: Any) -> None:
    values = yaml.safe_load(example.read_text(encoding="utf-8"))
    settings = inventory(values)
    deadline = values.get("agent", {}).get("activeDeadlineSeconds", 14400)
    roles = [
        *by_role(settings, deadline),
        *by_templates(settings, "tenants", "serviceaccounts.yaml.j2"),
        *by_templates(settings, "rbac", "controller-role.yaml.j2", "controller-rolebinding.yaml.j2"),
    ]
    release = template(values, "--skip-tests").objects
    # Kubernetes itself makes each namespace's `default`, so no release can; the role adopts it.
    wanted = {key(item): bare(item) for item in roles if key(item)[::2] != ("ServiceAccount", "default")}
    assert {key(item): bare(item) for item in release} == wanted


def test_the_role_makes_config_maps_only() -> None:
    found = by_role(read_settings({"tenants": [{"name": "shop"}]}), 60)
    assert [item["kind"] for item in found] == ["ConfigMap"]


def test_every_template_is_tried_and_every_builder_refused_one_right_more() -> None:
    settings = read_settings({"tenants": [{"name": "shop"}, {"name": "blog"}, {"name": "old", "state": "absent"}]})
    found = canaries(settings, helm_template(str(tool("helm")), chart_values(settings, 60)))
    assert [(case["name"], case["namespace"], case["expect"]) for case in found] == [
        ("template shop-kaniko", "ci-shop", "admitted"),
        ("template blog-kaniko", "ci-blog", "admitted"),
        ("template of kaniko with SYS_ADMIN", "buildkeep-canary", "refused"),
    ]
    good, bad = (next(c for c in case["pod"]["spec"]["containers"] if c["name"] == "kaniko") for case in found[1:])
    added = bad["securityContext"]["capabilities"].pop("add")
    assert added == [*good["securityContext"]["capabilities"].pop("add"), "SYS_ADMIN"]
    assert good == bad
    assert found[2]["pod"]["metadata"]["labels"]["buildkeep.dev/tenant"] == "buildkeep-canary"
    assert (found[2]["policy"], found[2]["rule"]) == ("buildkeep-pods", "builder")


def test_without_policies_the_templates_are_only_tried() -> None:
    settings = read_settings({"tenants": [{"name": "shop"}], "backend": "psa"})
    found = canaries(settings, helm_template(str(tool("helm")), chart_values(settings, 60)))
    assert [(case["name"], case["expect"]) for case in found] == [("template shop-kaniko", "admitted")]


def test_five_hundred_tenants_cost_seconds() -> None:
    settings = read_settings({"tenants": [{"name": f"t{number}"} for number in range(500)]})
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert len(by_role(settings, 60)) == 500
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Half a second of CPU where this was written; the bound only tells a rendering that has become quadratic.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 8


def test_a_missing_helm_is_told_with_its_remedy() -> None:
    with pytest.raises(BuildkeepError, match=r"agent_templates_helm: cannot run '/nowhere/helm'.*install Helm"):
        helm_template("/nowhere/helm", {})


def test_helms_own_words_are_passed_on() -> None:
    with pytest.raises(BuildkeepError, match="additional properties 'tennants' not allowed"):
        helm_template(str(tool("helm")), {"tennants": []})

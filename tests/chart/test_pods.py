"""The pods inside the clouds: exactly the rights of their profile, and the pod that the plugin makes of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod import (
    AgentInfo,
    clouds,
    dynamic_pod,
    pod_request,
    static_pod,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profile, load_profiles

from tests.chart.rendering import CHART, JSON, pods, template, tenants

AGENT = AgentInfo("shop-kaniko-abc12", "s3cr3t")
HARDENED = {
    "runAsNonRoot": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def container(pod: JSON, name: str) -> JSON:
    """One container of a pod."""
    (found,) = [one for one in pod["spec"]["containers"] if one["name"] == name]
    return dict(found)


def plugin_pods(values: JSON) -> Iterator[JSON]:
    """The pod of the static template, and those that Jenkinsfiles get which bring YAML of their own."""
    (cloud,) = clouds(template(values).of_kind("ConfigMap")).values()
    yield static_pod(cloud, "shop-kaniko", AGENT)
    for attributes in ({}, {"yaml": "spec: {}"}, {"yaml": "spec: {}", "yamlMergeStrategy": "override"}):
        for parent in ({}, {"inheritFrom": "shop-kaniko"}):
            yield dynamic_pod(cloud, pod_request({**attributes, **parent}, "shop_1-x", "job/shop/1/"), AGENT)


# Images that nobody publishes, as an inventory names them.
IMAGES = {name: {"image": f"registry.example.com/{name}:1"} for name in load_profiles().imageless}
PROFILES = load_profiles(overrides=IMAGES).builders


def every_builder(**more: Any) -> JSON:
    """Values with one tenant that has every builder of the table, and these further keys."""
    return {"builders": IMAGES, "tenants": [{"name": "shop", "builders": list(PROFILES), **more}]}


def profile_field(text: str) -> JSON:
    """A profile of the table as a field of the pod."""
    kind, _, file = text.partition("/")
    return {"type": kind, **({"localhostProfile": file} if file else {})}


@pytest.fixture(scope="module")
def rendered() -> dict[str, JSON]:
    """The pod of each builder, in a plain cluster."""
    return pods(template(every_builder()))


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_a_builder_has_the_rights_of_its_profile_and_no_more(rendered: dict[str, JSON], profile: Profile) -> None:
    pod = rendered[f"shop-{profile.name}"]
    builder = container(pod, profile.name)
    capabilities = {"add": list(profile.capabilities_add)} if profile.capabilities_add else {}
    assert builder["image"] == profile.image
    assert builder["securityContext"] == {
        "runAsUser": profile.run_as_user,
        "runAsGroup": profile.run_as_group,
        "runAsNonRoot": profile.run_as_user != 0,
        "allowPrivilegeEscalation": profile.allow_privilege_escalation,
        "capabilities": {"drop": ["ALL"], **capabilities},
        "seccompProfile": profile_field(profile.seccomp),
    }
    assert {one["name"]: one["value"] for one in builder.get("env", [])} == profile.env
    assert "hostUsers" not in pod["spec"]
    kubernetes_validate.validate({**pod, "metadata": {"name": "x"}}, "1.37", strict=True)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_a_builder_writes_to_bounded_scratch_space_only(rendered: dict[str, JSON], profile: Profile) -> None:
    pod = rendered[f"shop-{profile.name}"]
    volumes = {one["name"]: one.get("emptyDir") for one in pod["spec"]["volumes"]}
    mounts = {one["name"]: one for one in container(pod, profile.name)["volumeMounts"]}
    for name, volume in profile.volumes.items():
        assert volumes[f"builder-{name}"] == {"sizeLimit": volume.size}
        assert mounts[f"builder-{name}"] == {"name": f"builder-{name}", "mountPath": volume.path}
    assert mounts["registry-credentials"]["mountPath"] == profile.credentials
    assert mounts["registry-credentials"]["readOnly"] is True
    assert set(volumes) == {"registry-credentials", *(f"builder-{name}" for name in profile.volumes)}


def test_user_namespaces_and_apparmor_are_for_clusters_and_builders_that_have_them() -> None:
    found = pods(template({**every_builder(), "userNamespaces": True, "appArmor": True}))
    for name, profile in PROFILES.items():
        pod = found[f"shop-{name}"]
        assert pod["spec"].get("hostUsers", True) is not profile.user_namespace
        wanted = profile_field(profile.app_armor) if profile.app_armor.startswith("Localhost/") else None
        assert container(pod, name)["securityContext"].get("appArmorProfile") == wanted


def test_an_unconfined_tenant_loosens_only_builders_that_need_a_profile_of_their_own() -> None:
    found = pods(template({**every_builder(seccomp="unconfined"), "appArmor": True}))
    for name, profile in PROFILES.items():
        security = container(found[f"shop-{name}"], name)["securityContext"]
        own = profile.seccomp.startswith("Localhost/")
        assert security["seccompProfile"] == {"type": "Unconfined" if own else "RuntimeDefault"}
        assert security.get("appArmorProfile") == ({"type": "Unconfined"} if own else None)
        assert container(found[f"shop-{name}"], "jnlp")["securityContext"]["seccompProfile"] == {
            "type": "RuntimeDefault"
        }


def test_builders_know_where_to_push_and_where_layers_are_kept() -> None:
    push, cache = "registry.example.com/shop", "registry.example.com/shop-cache"
    found = pods(template(every_builder(push=push, cache={"registry": cache})))
    for name in PROFILES:
        values = {one["name"]: one["value"] for one in container(found[f"shop-{name}"], name)["env"]}
        assert (values["BUILDKEEP_PUSH"], values["BUILDKEEP_CACHE"]) == (push, cache)
        assert "env" not in container(found[f"shop-{name}"], "jnlp")


def test_an_image_that_nobody_publishes_has_to_be_named() -> None:
    refused = template({"tenants": [{"name": "shop", "builders": ["apko"]}]})
    assert refused.code and "tenants[0] (shop).builders: nobody publishes an image of apko; build one" in refused.errors


def test_a_pod_states_its_limits_and_mounts_no_token() -> None:
    spec = pods(template(tenants("shop")))["shop-kaniko"]["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["serviceAccountName"] == "builder-kaniko"
    assert spec["activeDeadlineSeconds"] == 14400
    assert spec["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert all({"cpu", "memory"} == set(one["resources"]["limits"]) for one in spec["containers"])
    assert {volume["name"]: set(volume) - {"name"} for volume in spec["volumes"]} == {
        "registry-credentials": {"secret"}
    }


def test_what_the_plugin_makes_of_it_is_a_pod_with_a_bounded_workspace() -> None:
    found = list(plugin_pods(tenants("shop")))
    assert len(found) == 7
    for pod in found:
        kubernetes_validate.validate(pod, "1.37", strict=True)
        assert pod["metadata"]["namespace"] == "ci-shop"
        assert pod["metadata"]["labels"]["buildkeep.dev/tenant"] == "shop"
        (workspace,) = [volume for volume in pod["spec"]["volumes"] if volume["name"] == "workspace-volume"]
        assert workspace["emptyDir"]["sizeLimit"] == "10Gi"


def test_the_agent_is_hardened_in_every_pod_whatever_a_jenkinsfile_does() -> None:
    for pod in plugin_pods(tenants("shop")):
        agent = container(pod, "jnlp")
        assert agent["securityContext"] == {**HARDENED, "privileged": False, "runAsUser": 1000, "runAsGroup": 1000}
        assert agent["resources"]["limits"] == {"cpu": "500m", "memory": "512Mi"}
        assert agent["image"] == load_profiles().agent_image


def test_a_pod_of_a_jenkinsfile_runs_as_the_agent_unless_it_inherits_a_builder() -> None:
    accounts = [pod["spec"]["serviceAccountName"] for pod in plugin_pods(tenants("shop"))]
    assert accounts == ["builder-kaniko", *("agent", "builder-kaniko") * 3]


def test_what_a_jenkinsfile_inherits_stays_unless_it_refuses_to_merge() -> None:
    (cloud,) = clouds(template(tenants("shop")).of_kind("ConfigMap")).values()
    own = {"inheritFrom": "shop-kaniko", "yaml": "spec: {containers: [{name: tool, image: a}]}"}
    names = {}
    for strategy in (None, "override"):
        request = pod_request({**own, "yamlMergeStrategy": strategy}, "shop_1-x", "job/shop/1/")
        names[strategy] = [one["name"] for one in dynamic_pod(cloud, request, AGENT)["spec"]["containers"]]
    assert names == {None: ["jnlp", "kaniko", "tool"], "override": ["tool", "jnlp"]}


def test_the_agents_image_can_be_replaced() -> None:
    image = "registry.example.com:5000/jenkins/inbound-agent:3355-1"
    for pod in plugin_pods({**tenants("shop"), "agent": {"image": image}}):
        assert container(pod, "jnlp")["image"] == image


def altered(tmp_path: Path, **changes: Any) -> Path:
    """A copy of the chart with a changed kaniko profile."""
    chart = tmp_path / "chart"
    shutil.copytree(CHART, chart)
    profiles = yaml.safe_load((chart / "profiles.yaml").read_text(encoding="utf-8"))
    profiles["builders"]["kaniko"].update(changes)
    (chart / "profiles.yaml").write_text(yaml.safe_dump(profiles), encoding="utf-8")
    return chart


def test_text_of_a_profile_never_becomes_a_secret_of_the_controller(tmp_path: Path) -> None:
    rendered = template(tenants("shop"), chart=altered(tmp_path, args=["-c", "echo ${HOME} $HOME"]))
    (configmap,) = rendered.of_kind("ConfigMap")
    assert "echo ^${HOME} $HOME" in configmap["data"]["cloud-shop.yaml"]
    pod = static_pod(clouds([configmap])["shop"], "shop-kaniko", AGENT)
    assert container(pod, "kaniko")["args"] == ["-c", "echo ${HOME} $HOME"]
    raw = {"data": {"cloud-shop.yaml": configmap["data"]["cloud-shop.yaml"].replace("^${", "${")}}
    with pytest.raises(BuildkeepError, match=r"cloud-shop.yaml: \$\{HOME\} would become a secret"):
        clouds([raw])


def test_a_profile_without_root_is_rendered_so(tmp_path: Path) -> None:
    chart = altered(
        tmp_path,
        runAsUser=1000,
        capabilities={},
        allowPrivilegeEscalation=True,
    )
    builder = container(pods(template(tenants("shop"), chart=chart))["shop-kaniko"], "kaniko")
    assert builder["securityContext"] == {
        "runAsUser": 1000,
        "runAsGroup": 0,
        "runAsNonRoot": True,
        "allowPrivilegeEscalation": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }

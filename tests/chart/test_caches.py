"""What a tenant's caches make of its clouds: a variable, mounts of claims, one pod at a time where state is kept."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chart.rendering import JSON, cloud, pods, template

CLAIMS = {"kaniko": "base-images", "buildkit": "buildkit-state"}
REPOSITORY = "ghcr.io/acme/shop-cache"


def values(**cache: Any) -> JSON:
    """A tenant with that cache beside one with none, both with the builders that keep something."""
    builders = ["kaniko", "buildkit", "buildah"]
    tenants: list[JSON] = [{"name": "shop", "builders": builders}, {"name": "blog", "builders": builders}]
    return {"tenants": [{**tenants[0], **({"cache": cache} if cache else {})}, tenants[1]]}


@pytest.fixture(scope="module")
def rendered() -> dict[str, JSON]:
    """The pods of both tenants."""
    return pods(template(values(registry=REPOSITORY, claims=CLAIMS)))


def mounts(pod: JSON) -> dict[str, JSON]:
    """The claims that a pod mounts, and how, by the path in the builder's container."""
    claims = {
        one["name"]: one["persistentVolumeClaim"] for one in pod["spec"]["volumes"] if "persistentVolumeClaim" in one
    }
    return {
        mount["mountPath"]: {**claims[mount["name"]], "mounted": mount.get("readOnly", False)}
        for one in pod["spec"]["containers"]
        for mount in one.get("volumeMounts", ())
        if mount["name"] in claims
    }


def env(pod: JSON) -> dict[str, str]:
    """Variables of the builder's container."""
    return {one["name"]: one["value"] for one in pod["spec"]["containers"][1].get("env", ())}


def test_builders_are_told_the_repository(rendered: dict[str, JSON]) -> None:
    for builder in ("kaniko", "buildkit", "buildah"):
        assert env(rendered[f"shop-{builder}"])["BUILDKEEP_CACHE"] == REPOSITORY
        assert "BUILDKEEP_CACHE" not in env(rendered[f"blog-{builder}"])


def test_kaniko_only_reads_its_base_images(rendered: dict[str, JSON]) -> None:
    assert mounts(rendered["shop-kaniko"]) == {
        "/cache": {"claimName": "base-images", "readOnly": True, "mounted": True}
    }
    assert "fsGroup" not in rendered["shop-kaniko"]["spec"]["securityContext"]


def test_buildkit_keeps_its_state(rendered: dict[str, JSON]) -> None:
    pod = rendered["shop-buildkit"]
    assert mounts(pod) == {"/home/user/.local/share/buildkit": {"claimName": "buildkit-state", "mounted": False}}
    context = pod["spec"]["securityContext"]
    # A recursive change of owners at each start would ruin those of the layers in it.
    assert (context["fsGroup"], context["fsGroupChangePolicy"]) == (1000, "OnRootMismatch")
    assert not any("emptyDir" in one for one in pod["spec"]["volumes"])


@pytest.mark.parametrize("name", ["shop-buildah", "blog-kaniko", "blog-buildkit", "blog-buildah"])
def test_nobody_else_has_a_claim(rendered: dict[str, JSON], name: str) -> None:
    assert mounts(rendered[name]) == {} and "fsGroup" not in rendered[name]["spec"]["securityContext"]


def test_what_keeps_its_state_builds_one_after_another() -> None:
    clouds = [cloud(one) for one in template(values(claims=CLAIMS)).of_kind("ConfigMap")]
    caps = {
        one["name"]: one["instanceCapStr"] for each in clouds for one in each["templates"] if "instanceCapStr" in one
    }
    assert caps == {"shop-buildkit": "1"}


def test_no_cache_is_no_change() -> None:
    assert template(values()).text == template(values(claims={})).text

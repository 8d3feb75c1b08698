"""Images with rights of their own lie where no tenant's build can replace them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings

SHOP = {"name": "shop", "push": "r.example/shop", "cache": {"registry": "r.example/layers"}}
WITH_IMG = {**SHOP, "builders": ["img"]}


def img(image: str) -> dict[str, Any]:
    """The inventory's variable with an image for img."""
    return {"builders": {"img": {"image": image}}}


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (
            img("r.example/shop/img:7"),
            'buildkeep_builders.img.image: "r.example/shop/img:7" lies in buildkeep_tenants[0].push',
        ),
        (img("r.example/shop:7"), "buildkeep_tenants[0].push"),
        (img("r.example:443/shop/img:7"), "buildkeep_tenants[0].push"),
        (img("r.example:0443/shop/img:7"), "buildkeep_tenants[0].push"),
        (img("r.example/layers/img:7"), "buildkeep_tenants[0].cache.registry"),
        ({**img("r.example/tools/img:1"), "agent_image": "r.example/shop/agent:1"}, "buildkeep_agent_image: "),
        (
            {**img("r.example/tools/img:1"), "node_profiles_image": "r.example/shop/busybox:1"},
            "buildkeep_node_profiles_image: ",
        ),
    ],
)
def test_an_image_that_a_tenant_can_replace_is_refused(variables: dict[str, Any], words: str) -> None:
    with pytest.raises(BuildkeepError) as raised:
        read_settings({"tenants": [WITH_IMG], **variables})
    assert any(words in one and "no tenant pushes to" in one for one in raised.value.problems), raised.value.problems


@pytest.mark.parametrize("image", ["r.example/tools/img:1", "r.example/shopping/img:1", "r.example/layers-2:1"])
def test_an_image_beside_what_tenants_write_is_none_of_theirs(image: str) -> None:
    assert read_settings({"tenants": [WITH_IMG], **img(image)}).profiles.builders["img"].image == image


def test_a_tenant_that_goes_can_replace_nothing() -> None:
    tenants = [{**SHOP, "state": "absent"}, {"name": "blog", "builders": ["img"]}]
    assert read_settings({"tenants": tenants, **img("r.example/shop/img:1")})

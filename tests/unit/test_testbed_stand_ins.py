"""The images of builders in the test registry: that all are there, and what each way of making a cluster costs."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from testbed import catalog, paths, rootfs, seed, stand_ins
from testbed.parts import Part

CHART = paths.ROOT / "charts/agent-templates/profiles.yaml"
INVENTORY = paths.ROOT / "inventories/kind/group_vars/buildkeep.yml"


def _closure(table: dict[str, Part], name: str) -> set[str]:
    return {name}.union(*(_closure(table, need) for need in table[name].needs))


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Part]]:
    """All parts, by the two words that BUILDKEEP_IMAGES takes."""
    found: dict[str, dict[str, Part]] = {}
    for word in ("packages", "published"):
        monkeypatch.setenv("BUILDKEEP_IMAGES", word)
        catalog.is_published.cache_clear()
        catalog.table.cache_clear()
        found[word] = dict(catalog.table())
    catalog.is_published.cache_clear()
    catalog.table.cache_clear()
    return found


def _images(overrides: dict[str, dict[str, str]]) -> set[str]:
    builders = yaml.safe_load(CHART.read_text(encoding="utf-8"))["builders"]
    return {overrides.get(name, builder)["image"] for name, builder in builders.items()}


def test_the_registry_holds_the_image_of_every_builder() -> None:
    overrides = yaml.safe_load(INVENTORY.read_text(encoding="utf-8"))["buildkeep_builders"]
    assert "" not in _images(overrides)
    assert _images(overrides) <= {recipe.reference for recipe in seed.recipes()}


def test_no_two_images_are_made_under_one_name() -> None:
    names = [recipe.part for recipe in (*seed.recipes(), *catalog.NODE_RECIPES)]
    assert len(names) == len(set(names))
    assert {recipe.part for recipe in seed.recipes(seed.BASIC)} <= set(names)


def test_the_demo_waits_for_no_builder_but_kaniko(tables: dict[str, dict[str, Part]]) -> None:
    basic = _closure(tables["packages"], seed.BASIC)
    assert "tool/executor" in basic
    others = {"tool/buildkitd", "tool/buildah", "tool/img", "tool/ko", "tool/apko", "base/java", "maven-repository"}
    assert others <= _closure(tables["packages"], seed.ALL)
    assert not others & basic


@pytest.mark.parametrize("part", [seed.ALL, seed.BASIC])
def test_published_images_take_no_root_to_make(tables: dict[str, dict[str, Part]], part: str) -> None:
    made = _closure(tables["published"], part)
    assert not [name for name in made if name.startswith("rootfs/")]
    assert f"image/{stand_ins.BUILDKIT.repository}" in _closure(tables["published"], seed.ALL)


def test_a_further_base_lies_on_the_layer_of_debian() -> None:
    table = rootfs.parts()
    for name in rootfs.ON_DEBIAN:
        assert {"base/debian", "rootfs/debian", f"rootfs/{name}"} <= set(table[f"base/{name}"].needs)
    assert table["base/debian"].needs == ("rootfs/debian",)


def test_images_of_uid_1000_name_a_user_whose_ids_may_be_mapped() -> None:
    for recipe in (stand_ins.BUILDKIT, stand_ins.IMG):
        assert recipe.config["User"] == "1000:1000"
        for file in ("/etc/subuid", "/etc/subgid"):
            text = recipe.files[file]
            assert isinstance(text, bytes)
            assert {line.split(":")[0] for line in text.decode().splitlines()} == {"user"}
    assert "useradd --uid 1000" in rootfs.SCRIPTS[stand_ins.BUILDKIT.base]


def test_the_example_for_maven_is_where_its_repository_is_made_from() -> None:
    assert (stand_ins.JAVA_PROJECT / "pom.xml").is_file()
    assert Path(dict(stand_ins.MAVEN.taken)["/usr/share/maven/repository"][1]) == Path("repository")

"""Images in pure Python: the same bytes every time, and what readers of the formats expect."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import tarfile
from pathlib import Path

import pytest

from testbed import oci
from testbed.images import Recipe, environment, recipe_parts, reference
from testbed.seed import split


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small folder: a file, a second name of it, a link, a folder with a mode of its own."""
    root = tmp_path / "tree"
    (root / "etc").mkdir(parents=True)
    (root / "etc/name").write_text("content")
    (root / "etc/second").hardlink_to(root / "etc/name")
    (root / "etc/link").symlink_to("name")
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    (root / "etc/__pycache__").mkdir()
    return root


def _members(layer: oci.Layer) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(layer.path) as tar:
        return {member.name: member for member in tar}


def test_a_layer_keeps_what_matters_of_a_folder(tree: Path, tmp_path: Path) -> None:
    members = _members(oci.write_layer(tmp_path / "layer", {"/": tree}))
    assert sorted(members) == ["etc", "etc/link", "etc/name", "etc/second", "tmp"]
    assert members["etc/link"].issym()
    assert members["etc/second"].islnk()
    assert members["etc/second"].linkname == "etc/name"
    assert members["tmp"].mode == 0o1777
    assert {member.mtime for member in members.values()} == {oci.EPOCH}
    assert "etc/__pycache__" in _members(oci.write_layer(tmp_path / "all", {"/": tree}, skip=()))


def test_bytes_scripts_links_and_their_parents(tmp_path: Path) -> None:
    contents: dict[str, oci.Source] = {"/usr/bin/run": b"#!/bin/sh\n", "/etc/x": b"x", "/usr/bin/y": "-> run"}
    members = _members(oci.write_layer(tmp_path / "layer", contents))
    assert sorted(members) == ["etc", "etc/x", "usr", "usr/bin", "usr/bin/run", "usr/bin/y"]
    assert (members["usr/bin/run"].mode, members["etc/x"].mode) == (0o755, 0o644)
    assert members["usr/bin/y"].linkname == "run"


@pytest.mark.parametrize("compress", [0, 3])
def test_a_layer_is_the_same_each_time_and_its_digests_are_right(tree: Path, tmp_path: Path, compress: int) -> None:
    first, second = (oci.write_layer(tmp_path / name, {"/": tree}, compress=compress) for name in "ab")
    data = first.path.read_bytes()
    assert data == second.path.read_bytes()
    plain = gzip.decompress(data) if compress else data
    assert first.digest == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert first.diff == f"sha256:{hashlib.sha256(plain).hexdigest()}"
    assert first.size == len(data)


def _image(tmp_path: Path) -> Path:
    layer = oci.write_layer(tmp_path / "layer", {"/etc/x": b"x"})
    oci.write_image(tmp_path / "image", [layer], {"Cmd": ["/x"]}, "amd64")
    return tmp_path / "image"


def test_every_blob_of_an_image_is_what_its_name_says(tmp_path: Path) -> None:
    layout = _image(tmp_path)
    blobs = list((layout / "blobs/sha256").iterdir())
    assert len(blobs) == 3
    assert all(hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name for blob in blobs)
    _, manifest, config = oci.read(layout)
    assert config["config"] == {"Cmd": ["/x"]}
    assert config["rootfs"]["diff_ids"] == [layer.diff for layer in oci.layers(layout)]
    assert [layer["digest"] for layer in manifest["layers"]] == [layer.digest for layer in oci.layers(layout)]


def test_an_archive_holds_the_layout(tmp_path: Path) -> None:
    oci.archive(_image(tmp_path), tmp_path / "image.tar")
    with tarfile.open(tmp_path / "image.tar") as tar:
        assert {"index.json", "oci-layout", "blobs/sha256"} <= set(tar.getnames())
        index = tar.extractfile("index.json")
        assert index is not None
        assert json.load(index)["manifests"][0]["mediaType"] == oci.MANIFEST


def test_a_registry_finds_an_image_by_tag_and_by_digest(tmp_path: Path) -> None:
    digest = oci.read(_image(tmp_path))[0]
    oci.write_storage(tmp_path / "storage", tmp_path / "image", "library/x", ["1"])
    root = tmp_path / "storage/docker/registry/v2"
    home = root / "repositories/library/x"
    assert (home / "_manifests/tags/1/current/link").read_text() == digest
    plain = digest.removeprefix("sha256:")
    assert (home / "_manifests/revisions/sha256" / plain / "link").read_text() == digest
    assert (root / "blobs/sha256" / plain[:2] / plain / "data").exists()
    assert len(list((home / "_layers/sha256").iterdir())) == 2


def test_a_reference_without_a_tag_gets_the_hash_of_its_ingredients() -> None:
    one = Recipe("buildkeep.test/x", files={"/a": b"1"})
    two = Recipe("buildkeep.test/x", files={"/a": b"2"})
    tags = {reference(recipe_parts(recipe), recipe) for recipe in (one, two)}
    assert len(tags) == 2
    assert all(tag.startswith("buildkeep.test/x:") for tag in tags)
    kept = Recipe("host:5000/x:1")
    assert reference(recipe_parts(kept), kept) == "host:5000/x:1"
    assert split("docker.io/library/debian:bookworm-slim") == ("library/debian", "bookworm-slim")


def test_a_recipes_own_environment_wins() -> None:
    recipe = Recipe("buildkeep.test/x", packages=("pyyaml",), config={"Env": ["PATH=/x", "A=b=c"]})
    assert environment(recipe) == ["PATH=/x", "PYTHONPATH=/opt/python", "A=b=c"]


def test_a_layer_leaves_out_what_a_lower_one_has_alike(tree: Path, tmp_path: Path) -> None:
    upper = tmp_path / "upper"
    shutil.copytree(tree, upper, symlinks=True)
    (upper / "etc/name").chmod(0o600)
    (upper / "etc/new").write_text("new")
    (upper / "etc/link").unlink()
    (upper / "etc/link").symlink_to("new")
    members = _members(oci.write_layer(tmp_path / "layer", {"/": upper}, below=tree))
    assert {name for name, member in members.items() if not member.isdir()} == {"etc/name", "etc/new", "etc/link"}
    (upper / "etc/second").write_text("CONTENT")
    members = _members(oci.write_layer(tmp_path / "layer", {"/": upper}, below=tree))
    assert "etc/second" in members

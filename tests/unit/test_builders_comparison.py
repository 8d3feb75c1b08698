"""File systems out of layers, and images compared: every kind of difference is found, and nothing else."""

from __future__ import annotations

import dataclasses
import io
import tarfile
from typing import Any, BinaryIO

import pytest

from tests.cluster.builders.comparison import Image, findings
from tests.cluster.builders.filesystem import CAPABILITY, Entry, Tree, applied

FILE = Entry("file", 0o644, "0:0", "a" * 64, 3)


def layer(*members: dict[str, Any]) -> BinaryIO:
    """A layer of members: name, data (a file), or type and linkname; other keys are the TarInfo's."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for each in members:
            member = tarfile.TarInfo(each["name"])
            data = each.get("data", b"")
            member.size = len(data)
            for key, value in each.items():
                if key not in ("name", "data"):
                    setattr(member, key, value)
            tar.addfile(member, io.BytesIO(data))
    stream.seek(0)
    return stream


def folder(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": tarfile.DIRTYPE, "mode": 0o755, **more}


def hard(name: str, target: str) -> dict[str, Any]:
    return {"name": name, "type": tarfile.LNKTYPE, "linkname": target}


def test_entries_are_read_whole() -> None:
    raw = b"\x01\x00\x00\x02\x01\x00\x00\x00" + bytes(12)
    text = raw.decode("utf-8", "surrogateescape")
    tree = applied(
        {},
        layer(
            {"name": "./a", "data": b"abc", "mode": 0o4755, "uid": 12, "gid": 34, "pax_headers": {CAPABILITY: text}},
            {"name": "b", "type": tarfile.SYMTYPE, "linkname": "../a", "mode": 0},
            folder("c/", mode=0o1777),
        ),
    )
    assert (tree["/a"].mode, tree["/a"].owner, tree["/a"].size, tree["/a"].capability) == (
        0o4755,
        "12:34",
        3,
        raw.hex(),
    )
    assert tree["/a"].content == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert tree["/b"] == Entry("symlink", 0o777, "0:0", "../a")
    assert tree["/c"] == Entry("folder", 0o1777, "0:0")


def test_a_whiteout_removes_what_is_below_and_nothing_of_its_own_layer() -> None:
    below = applied({}, layer(folder("d"), {"name": "d/x", "data": b"1"}, {"name": "d/y"}, {"name": "dx"}))
    tree = applied(below, layer({"name": "d/.wh.x"}, {"name": ".wh.gone"}, {"name": "d/z"}))
    assert sorted(tree) == ["/d", "/d/y", "/d/z", "/dx"]
    assert sorted(applied(below, layer({"name": ".wh.d"}))) == ["/dx"]
    assert sorted(applied(below, layer(folder("d"), {"name": "d/.wh..wh..opq"}, {"name": "d/n"}))) == [
        "/d",
        "/d/n",
        "/dx",
    ]
    assert sorted(applied(below, layer({"name": "d", "data": b"now a file"}))) == ["/d", "/dx"]


def test_hard_links_are_one_file_by_all_names() -> None:
    below = applied({}, layer({"name": "a", "data": b"1"}, hard("b", "a"), {"name": "c", "data": b"1"}))
    both = frozenset({"/a", "/b"})
    assert (below["/a"].links, below["/b"].links, below["/c"].links) == (both, both, frozenset())
    assert below["/b"].content == below["/a"].content
    further = applied(below, layer(hard("/d", "/b")))
    assert further["/a"].links == both | {"/d"}
    replaced = applied(further, layer({"name": "a", "data": b"2"}))
    assert replaced["/a"].links == frozenset()
    assert replaced["/b"].links == {"/b", "/d"}
    removed = applied(below, layer({"name": ".wh.a"}))
    assert removed["/b"].links == frozenset()


def image(config: dict[str, Any] | None = None, tree: Tree | None = None, platform: str = "linux/amd64") -> Image:
    return Image(config or {}, platform, tree or {})


def test_equal_images_have_no_findings() -> None:
    tree = {"/a": FILE, "/etc/hosts": FILE}
    own = Entry("folder", 0o755, "0:0")
    other = {"/a": FILE, "/etc": own, "/etc/resolv.conf": FILE, "/proc": own, "/proc/x": FILE, "/": own}
    one, two = {"Env": ["A=1", "B=2"], "Cmd": None}, {"Env": ["B=2", "A=1"], "WorkingDir": "/"}
    assert findings(image(one, tree), image(two, other)) == []
    filled = {**other, "/etc/passwd": FILE}
    assert findings(image(one, filled), image(two, other)) == ["/etc/passwd: missing", "/etc: missing"]


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"mode": 0o4644}, "/a: mode 4644 instead of 0644"),
        ({"owner": "1:0"}, "/a: owner 1:0 instead of 0:0"),
        ({"capability": "01"}, "/a: capability 01 instead of none"),
        ({"links": frozenset({"/a", "/b"})}, "/a: links /a, /b instead of none"),
        ({"content": "b" * 64, "size": 4}, "/a: other content (4 bytes instead of 3)"),
        ({"kind": "symlink", "content": "x"}, "/a: symlink instead of file"),
    ],
)
def test_what_differs_in_a_file_is_found(change: dict[str, Any], finding: str) -> None:
    other = image(tree={"/a": dataclasses.replace(FILE, **change)})
    assert findings(image(tree={"/a": FILE}), other) == [finding]


def test_what_differs_elsewhere_is_found() -> None:
    link = Entry("symlink", 0o777, "0:0", "x")
    reference = image({"User": "1", "Env": ["A=1"]}, {"/a": FILE, "/l": link})
    other = image({"Env": ["A=2"]}, {"/b": FILE, "/l": dataclasses.replace(link, content="y")}, "linux/arm64")
    assert findings(reference, other) == [
        "/a: missing",
        "/b: file that should not be there",
        "/l: leads to y instead of x",
        "Env: {'A': '2'} instead of {'A': '1'}",
        "User: None instead of '1'",
        "platform: linux/arm64 instead of linux/amd64",
    ]

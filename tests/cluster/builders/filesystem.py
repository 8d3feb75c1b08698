"""The file system that an image's layers give, as data. Pure.

After the OCI image specification, "Image Layer Filesystem Changeset": entries of a layer replace those below,
`.wh.NAME` removes NAME, `.wh..wh..opq` what the layers below have in its folder.
"""

from __future__ import annotations

import hashlib
import posixpath
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import BinaryIO

WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"
# Where a tar (pax) holds the extended attribute of file capabilities.
CAPABILITY = "SCHILY.xattr.security.capability"
KINDS = {tarfile.DIRTYPE: "folder", tarfile.SYMTYPE: "symlink", tarfile.CHRTYPE: "device", tarfile.BLKTYPE: "device",
         tarfile.FIFOTYPE: "fifo"}  # fmt: skip
PIECE = 1024 * 1024  # bytes


@dataclass(frozen=True)
class Entry:
    """One path. `content`: a file's SHA-256, a symlink's target; `size` in bytes; `capability`: hexadecimal.

    `links`: all paths of the same file, this one among them, where there are several. Times are left out: no two
    builds have the same.
    """

    kind: str
    mode: int
    owner: str
    content: str = ""
    size: int = 0
    capability: str = ""
    links: frozenset[str] = frozenset()


Tree = Mapping[str, Entry]


def path_of(name: str) -> str:
    """A member's name as an absolute path."""
    # Two slashes at the beginning would stay (POSIX gives them a meaning of their own).
    return posixpath.normpath(f"/{name.lstrip('/')}")


def applied(below: Tree, layer: BinaryIO) -> dict[str, Entry]:
    """The tree after one more layer; `layer` is a tar, not compressed, that is read from its start to its end."""
    own: dict[str, Entry] = {}
    gone: set[str] = set()
    opaque: set[str] = set()
    first: dict[str, str] = {}  # a hard link's path to the path that it was made of
    with tarfile.open(fileobj=layer, mode="r|") as tar:
        for member in tar:
            path = path_of(member.name)
            folder, name = posixpath.split(path)
            if name == OPAQUE:
                opaque.add(folder)
            elif name.startswith(WHITEOUT):
                gone.add(posixpath.join(folder, name.removeprefix(WHITEOUT)))
            elif member.islnk():
                first[path] = path_of(member.linkname)
            else:
                own[path] = _entry(tar, member)
    kept = _kept(below, own, gone, opaque)
    merged = {**{path: _alone(entry, kept) for path, entry in kept.items()}, **own}
    return _linked(merged, first)


def _entry(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    kind = KINDS.get(member.type, "file")
    content = member.linkname if kind == "symlink" else ""
    if kind == "file" and (data := tar.extractfile(member)):
        digest = hashlib.sha256()
        while piece := data.read(PIECE):
            digest.update(piece)
        content = digest.hexdigest()
    capability = member.pax_headers.get(CAPABILITY, "").encode("utf-8", "surrogateescape").hex()
    # A symbolic link's mode is never asked for, and tars have both 0777 and 0.
    mode = 0o777 if kind == "symlink" else member.mode & 0o7777
    size = member.size if kind == "file" else 0
    return Entry(kind, mode, f"{member.uid}:{member.gid}", content, size, capability)


def _kept(below: Tree, own: Tree, gone: Iterable[str], opaque: Iterable[str]) -> dict[str, Entry]:
    """What a layer leaves of those below: not what it replaces or removes, nor what was in it."""
    hidden = {*gone, *(path for path, entry in own.items() if entry.kind != "folder")}

    def stays(path: str) -> bool:
        if path in own or path in hidden:
            return False
        above = posixpath.dirname(path)
        while above != "/":
            if above in hidden or above in opaque:
                return False
            above = posixpath.dirname(above)
        return "/" not in opaque

    return {path: entry for path, entry in below.items() if stays(path)}


def _alone(entry: Entry, kept: Tree) -> Entry:
    """An entry whose links are those that are still there."""
    links = entry.links & kept.keys()
    return replace(entry, links=frozenset(links) if len(links) > 1 else frozenset())


def _linked(tree: dict[str, Entry], first: Mapping[str, str]) -> dict[str, Entry]:
    """The tree with the hard links of one layer."""
    groups: dict[str, set[str]] = {}
    for path, made_of in first.items():
        origin = made_of
        while origin in first:
            origin = first[origin]
        groups.setdefault(origin, {origin}).add(path)
    for origin, paths in groups.items():
        entry = tree[origin]
        everyone = frozenset(paths | entry.links)
        for path in everyone:
            tree[path] = replace(entry, links=everyone)
    return tree

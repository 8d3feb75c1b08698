"""Container images in pure Python: layers from files and folders, OCI image layouts, archives, registry storage.

The same input gives the same bytes: entries are sorted, owned by root unless said, and stamped with one fixed time.
Formats: OCI image specification v1.1 (image-layout, config, manifest); distribution's filesystem storage v2 layout
(github.com/distribution/distribution, registry/storage/paths.go).
"""

from __future__ import annotations

import filecmp
import gzip
import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

EPOCH = 1_700_000_000  # seconds; the time stamp of everything in an image
CREATED = "2023-11-14T22:13:20Z"  # the same, as configs spell it
_TYPE = "application/vnd.oci.image."
MANIFEST, CONFIG, LAYER, LAYER_GZIP = (
    f"{_TYPE}manifest.v1+json", f"{_TYPE}config.v1+json", f"{_TYPE}layer.v1.tar", f"{_TYPE}layer.v1.tar+gzip",
)  # fmt: skip


@dataclass(frozen=True)
class Layer:
    """A layer's blob: its file, its digest as stored, the digest of its tar (diff id), size in bytes, media type."""

    path: Path
    digest: str
    diff: str
    size: int
    media_type: str


class _Hashing(io.RawIOBase):
    """A stream that hashes and counts what it passes on."""

    def __init__(self, out: IO[bytes]) -> None:
        self.out, self.total, self.size = out, hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.total.update(data)
        self.size += len(data)
        return self.out.write(data)

    @property
    def digest(self) -> str:
        return f"sha256:{self.total.hexdigest()}"


Source = Path | bytes | str
Less = tuple[Collection[str], Path | None]  # names to leave out, a folder whose like is left out


def write_layer(
    path: Path,
    contents: Mapping[str, Source],
    *,
    compress: int = 3,
    skip: Collection[str] = ("__pycache__",),
    below: Path | None = None,
) -> Layer:
    """Writes a layer to the file `path`.

    `contents` maps a path in the image (`/usr/bin/x`) to a file or folder of this machine (taken with all that is in
    it, modes, owners, links and file capabilities kept), to bytes (a file of mode 0644; 0755 if they begin with
    `#!`), or to a text `-> target` (a symbolic link). `compress` is gzip's level, 0 stores a plain tar. Files and
    folders named in `skip` are left out, and so is what the folder `below` has alike, which became a lower layer.
    Directories above an entry are made with mode 0755: never put one below a symbolic link of a lower layer (`/bin`,
    `/lib` and `/sbin` are such in Debian: write `/usr/bin`).
    """
    with path.open("wb") as file:
        blob = _Hashing(file)
        packed = gzip.GzipFile("", "wb", compress, cast(IO[bytes], blob), mtime=0) if compress else None
        plain = _Hashing(cast(IO[bytes], packed or blob))
        with tarfile.open(fileobj=cast(IO[bytes], plain), mode="w|", format=tarfile.PAX_FORMAT) as tar:
            made: set[str] = set()
            for name in sorted(contents):
                _parents(tar, name.strip("/"), made)
                _add(tar, name.strip("/"), contents[name], made, (skip, below))
        if packed:
            packed.close()
    return Layer(path, blob.digest, plain.digest, blob.size, LAYER_GZIP if compress else LAYER)


def _entry(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.mtime = kind, mode, EPOCH
    return entry


def _parents(tar: tarfile.TarFile, name: str, made: set[str]) -> None:
    for parent in reversed([str(p) for p in Path(name).parents if str(p) != "."]):
        if parent not in made:
            made.add(parent)
            tar.addfile(_entry(parent, tarfile.DIRTYPE, 0o755))


def _add(tar: tarfile.TarFile, name: str, source: Source, made: set[str], less: Less) -> None:
    if isinstance(source, str):
        entry = _entry(name, tarfile.SYMTYPE, 0o777)
        entry.linkname = source.removeprefix("-> ")
        tar.addfile(entry)
    elif isinstance(source, bytes):
        entry = _entry(name, tarfile.REGTYPE, 0o755 if source.startswith(b"#!") else 0o644)
        entry.size = len(source)
        tar.addfile(entry, io.BytesIO(source))
    else:
        _add_path(tar, name, source, made, less)


def _same(path: Path, other: Path) -> bool:
    """Whether two paths, which are no folders, are alike in an image: kind, mode, owner, contents, capability."""
    if not (other.exists() or other.is_symlink()):
        return False
    mine, its = path.lstat(), other.lstat()
    if (mine.st_mode, mine.st_uid, mine.st_gid) != (its.st_mode, its.st_uid, its.st_gid):
        return False
    if path.is_symlink():
        return path.readlink() == other.readlink()
    return _capability(path) == _capability(other) and filecmp.cmp(path, other, shallow=False)


def _add_path(tar: tarfile.TarFile, name: str, path: Path, made: set[str], less: Less) -> None:
    is_folder, (skip, below) = path.is_dir() and not path.is_symlink(), less
    if path.is_socket() or path.name in skip:
        return
    if name and name not in made and not (below and not is_folder and _same(path, below / name)):
        entry = tar.gettarinfo(str(path), name)  # a further name of a file that is already in becomes a hard link
        entry.mtime, entry.uname, entry.gname = EPOCH, "", ""
        if entry.isreg() and (capability := _capability(path)):
            entry.pax_headers = {"SCHILY.xattr.security.capability": capability}
        with path.open("rb") if entry.isreg() else io.BytesIO() as data:
            tar.addfile(entry, data if entry.isreg() else None)
    if is_folder:
        made.add(name)
        for child in sorted(path.iterdir()):
            _add_path(tar, f"{name}/{child.name}".lstrip("/"), child, made, less)


def _capability(path: Path) -> str:
    try:
        return os.getxattr(path, "security.capability").decode("utf-8", "surrogateescape")
    except OSError:
        return ""


def sha256(data: bytes) -> str:
    """The digest of some bytes as OCI spells it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def blob(layout: Path, digest: str) -> Path:
    """Where a layout keeps the blob of a digest."""
    return layout / "blobs" / "sha256" / digest.removeprefix("sha256:")


def _dump(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _put(layout: Path, value: Any, media_type: str) -> dict[str, Any]:
    data = _dump(value)
    blob(layout, sha256(data)).write_bytes(data)
    return {"mediaType": media_type, "digest": sha256(data), "size": len(data)}


def link(source: Path, target: Path) -> None:
    """Makes `target` the same file as `source`, or a copy of it where they are on different file systems."""
    if target.exists():
        return
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)


def write_image(layout: Path, layers: Sequence[Layer], config: Mapping[str, Any], architecture: str) -> str:
    """Writes an image layout of one image into the folder `layout`; returns the manifest's digest.

    `config` has the image specification's own keys: Env, Entrypoint, Cmd, User, WorkingDir, Labels, StopSignal.
    """
    (layout / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
    for layer in layers:
        link(layer.path, blob(layout, layer.digest))
    image = {"created": CREATED, "architecture": architecture, "os": "linux", "config": dict(config),
             "rootfs": {"type": "layers", "diff_ids": [layer.diff for layer in layers]},
             "history": [{"created": CREATED, "created_by": "buildkeep testbed"} for _ in layers]}  # fmt: skip
    described = [{"mediaType": layer.media_type, "digest": layer.digest, "size": layer.size} for layer in layers]
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": _put(layout, image, CONFIG), "layers": described}
    reference = _put(layout, manifest, MANIFEST)
    (layout / "index.json").write_bytes(_dump({"schemaVersion": 2, "manifests": [reference]}))
    (layout / "oci-layout").write_bytes(_dump({"imageLayoutVersion": "1.0.0"}))
    return cast(str, reference["digest"])


def read(layout: Path) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The (manifest digest, manifest, image config) of a layout of one image."""
    digest = json.loads((layout / "index.json").read_text())["manifests"][0]["digest"]
    manifest = json.loads(blob(layout, digest).read_text())
    return digest, manifest, json.loads(blob(layout, manifest["config"]["digest"]).read_text())


def layers(layout: Path) -> list[Layer]:
    """The layers of a layout's image, to put others on top."""
    _, manifest, image = read(layout)
    pairs = zip(manifest["layers"], image["rootfs"]["diff_ids"], strict=True)
    return [Layer(blob(layout, x["digest"]), x["digest"], diff, x["size"], x["mediaType"]) for x, diff in pairs]


def archive(layout: Path, target: Path) -> None:
    """Writes a layout as one tar, as `ctr images import` and `podman load` read it."""
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(layout.rglob("*")):
            entry = tar.gettarinfo(str(path), str(path.relative_to(layout)))
            entry.type, entry.mtime = (tarfile.DIRTYPE if path.is_dir() else tarfile.REGTYPE), EPOCH
            entry.size = 0 if path.is_dir() else path.stat().st_size
            with path.open("rb") if path.is_file() else io.BytesIO() as data:
                tar.addfile(entry, data if path.is_file() else None)


def write_storage(storage: Path, layout: Path, repository: str, tags: Iterable[str]) -> None:
    """Adds a layout's image to a registry's storage folder as `repository` (`library/debian`) with `tags`."""
    digest, manifest, _ = read(layout)
    root = storage / "docker" / "registry" / "v2"
    kept = [manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])]
    for each in [digest, *kept]:
        name = each.removeprefix("sha256:")
        target = root / "blobs" / "sha256" / name[:2] / name / "data"
        target.parent.mkdir(parents=True, exist_ok=True)
        link(blob(layout, each), target)
    home, plain = root / "repositories" / repository, digest.removeprefix("sha256:")
    links = [(home / "_layers" / "sha256" / each.removeprefix("sha256:"), each) for each in kept]
    links += [(home / "_manifests" / "revisions" / "sha256" / plain, digest)]
    for tag in tags:
        links += [(home / "_manifests" / "tags" / tag / "current", digest)]
        links += [(home / "_manifests" / "tags" / tag / "index" / "sha256" / plain, digest)]
    for folder, target_digest in links:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "link").write_text(target_digest)

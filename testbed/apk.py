"""A small repository of apk packages, signed by a key of its own, in place of Wolfi's: what apko builds from.

Formats (Alpine's apk v2): a package is three gzip streams after one another (a signature, `.PKGINFO`, the files), the
first two of them tars without their end; an index is a signature and a tar of `APKINDEX`, likewise.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from testbed import oci, system
from testbed.parts import Part
from testbed.progress import Step

HOST = "packages.wolfi.dev"
FOLDER = "os"
KEY = "wolfi-signing.rsa.pub"
ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}
PASSWD = b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
GROUP = b"root:x:0:root\nnobody:x:65534:\n"
RELEASE = b'ID=wolfi\nNAME="Wolfi"\nPRETTY_NAME="A stand-in for Wolfi"\nVERSION_ID="0"\n'


@dataclass(frozen=True)
class Package:
    """One package. `files`: path -> content, a program where the path is below `usr/bin`."""

    name: str
    version: str
    description: str
    files: Mapping[str, bytes]
    depends: Sequence[str] = field(default=())


def packages(hello: bytes) -> tuple[Package, ...]:
    """What the repository holds; `hello` is the program of hello-wolfi."""
    layout = {"etc/passwd": PASSWD, "etc/group": GROUP, "etc/os-release": RELEASE}
    return (
        Package("wolfi-baselayout", "20230201-r29", "the files that every image has", layout),
        Package("hello-wolfi", "2.12.2-r1", "a program that greets", {"usr/bin/hello": hello}, ("wolfi-baselayout",)),
    )


def _sha1(content: bytes) -> bytes:
    """The hash that the format asks for."""
    return hashlib.sha1(content, usedforsecurity=False).digest()


def _tar(files: Mapping[str, bytes], *, ended: bool, checksums: bool = False) -> bytes:
    """A gzipped tar of `files`, with the folders above them where they are installed (`checksums`)."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as tar:
        folders = {str(p) for name in files for p in Path(name).parents if str(p) != "."} if checksums else set()
        for folder in sorted(folders):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode, entry.mtime = tarfile.DIRTYPE, 0o755, oci.EPOCH
            tar.addfile(entry)
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(content), oci.EPOCH
            entry.mode = 0o755 if name.startswith("usr/bin/") else 0o644
            if checksums:
                entry.pax_headers = {"APK-TOOLS.checksum.SHA1": _sha1(content).hex()}
            tar.addfile(entry, io.BytesIO(content))
        length = tar.offset
    return gzip.compress(data.getvalue() if ended else data.getvalue()[:length], mtime=0)


class Signer:
    """Signs with a key made here; openssl does the work."""

    def __init__(self, folder: Path, step: Step) -> None:
        """Makes the key in `folder`, which keeps its public half alone."""
        self.folder, self.step, self.key = folder, step, folder / "key.pem"
        step.run(["openssl", "genrsa", "-out", self.key, "2048"])
        step.run(["openssl", "rsa", "-in", self.key, "-pubout", "-out", folder / KEY])

    def stream(self, signed: bytes) -> bytes:
        """The signature of some bytes, as the stream that goes before them."""
        content, signature = self.folder / "signed", self.folder / "signature"
        content.write_bytes(signed)
        self.step.run(["openssl", "dgst", "-sha256", "-sign", self.key, "-out", signature, content])
        found = signature.read_bytes()
        content.unlink()
        signature.unlink()
        return _tar({f".SIGN.RSA256.{KEY}": found}, ended=False)


def _package(package: Package, architecture: str, signer: Signer) -> tuple[bytes, str]:
    """A package's file, and its entry in the index."""
    data = _tar(package.files, ended=True, checksums=True)
    installed = sum(map(len, package.files.values()))
    lines = [f"pkgname = {package.name}", f"pkgver = {package.version}", f"pkgdesc = {package.description}",
             f"arch = {architecture}", f"size = {installed}", f"origin = {package.name}", "license = Apache-2.0",
             f"builddate = {oci.EPOCH}", *(f"depend = {name}" for name in package.depends),
             f"datahash = {hashlib.sha256(data).hexdigest()}"]  # fmt: skip
    control = _tar({".PKGINFO": "".join(f"{line}\n" for line in lines).encode()}, ended=False)
    whole = signer.stream(control) + control + data
    checksum = f"Q1{base64.b64encode(_sha1(control)).decode()}"
    entry = {"C": checksum, "P": package.name, "V": package.version, "A": architecture, "S": len(whole), "I": installed,
             "T": package.description, "L": "Apache-2.0", "o": package.name, "t": oci.EPOCH}  # fmt: skip
    if package.depends:
        entry["D"] = " ".join(package.depends)
    return whole, "".join(f"{key}:{value}\n" for key, value in entry.items()) + "\n"


def write(target: Path, hello: bytes, architecture: str, step: Step) -> None:
    """Writes the repository into the folder `target`: the public key, and a folder for the architecture."""
    home = target / architecture
    home.mkdir(parents=True)
    signer = Signer(target, step)
    index = ""
    for package in packages(hello):
        whole, entry = _package(package, architecture, signer)
        (home / f"{package.name}-{package.version}.apk").write_bytes(whole)
        index += entry
    listed = _tar({"DESCRIPTION": b"stand-in packages", "APKINDEX": index.encode()}, ended=True)
    (home / "APKINDEX.tar.gz").write_bytes(signer.stream(listed) + listed)
    signer.key.unlink()


def _build(target: Path, step: Step, made: Mapping[str, Path]) -> None:
    hello = (made["tool/hello"] / "hello").read_bytes()
    write(target / FOLDER, hello, ARCHITECTURES[system.architecture()], step)


def parts() -> dict[str, Part]:
    """`apk`: the folder `os`, as https://packages.wolfi.dev shows it."""
    content = repr(packages(b""))
    return {"apk": Part("apk", "make apk packages", 1, "pack", (content, KEY, system.architecture(), "1"), _build,
                        ("tool/hello",), system=system.CERTIFICATES)}  # fmt: skip

"""The stand-in for Wolfi's packages: what apk's formats ask for, read back by other means."""

from __future__ import annotations

import base64
import hashlib
import io
import subprocess
import tarfile
import zlib
from pathlib import Path

import pytest

from testbed import apk, oci
from testbed.progress import Progress


def streams(data: bytes) -> list[tuple[bytes, bytes]]:
    """The gzip streams in some bytes: each as it stands there, and unpacked."""
    found = []
    while data:
        reader = zlib.decompressobj(wbits=31)
        plain = reader.decompress(data) + reader.flush()
        found.append((data[: len(data) - len(reader.unused_data)], plain))
        data = reader.unused_data
    return found


def files(plain: bytes) -> dict[str, bytes]:
    """The files of a tar, which may lack its end."""
    with tarfile.open(fileobj=io.BytesIO(plain + bytes(1024))) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isreg()}  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose hello is a few bytes."""
    folder = tmp_path_factory.mktemp("apk") / "os"
    with Progress(1).step("make packages", 1) as step:
        apk.write(folder, b"program", "x86_64", step)
    return folder


@pytest.mark.parametrize("name", ["APKINDEX.tar.gz", "hello-wolfi-2.12.2-r1.apk"])
def test_the_key_has_signed_what_follows_the_signature(repository: Path, tmp_path: Path, name: str) -> None:
    (_, signature), (signed, _), *_ = streams((repository / "x86_64" / name).read_bytes())
    ((entry, content),) = files(signature).items()
    assert entry == f".SIGN.RSA256.{apk.KEY}"
    (tmp_path / "signature").write_bytes(content)
    (tmp_path / "signed").write_bytes(signed)
    verify = ["openssl", "dgst", "-sha256", "-verify", str(repository / apk.KEY), "-signature", "signature", "signed"]
    done = subprocess.run(verify, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == "Verified OK\n", done.stderr


def test_nothing_secret_is_left_in_the_folder(repository: Path) -> None:
    assert [path.name for path in sorted(repository.iterdir())] == [apk.KEY, "x86_64"]


def test_the_index_names_every_package_by_the_checksum_of_its_control_part(repository: Path) -> None:
    _, (_, listed) = streams((repository / "x86_64/APKINDEX.tar.gz").read_bytes())
    entries = files(listed)["APKINDEX"].decode().strip().split("\n\n")
    fields = [dict(line.split(":", 1) for line in entry.splitlines()) for entry in entries]
    assert [entry["P"] for entry in fields] == ["wolfi-baselayout", "hello-wolfi"]
    for entry in fields:
        whole = (repository / "x86_64" / f"{entry['P']}-{entry['V']}.apk").read_bytes()
        _, (control, info), (data, _) = streams(whole)
        assert entry["S"] == str(len(whole))
        assert entry["C"] == "Q1" + base64.b64encode(hashlib.sha1(control, usedforsecurity=False).digest()).decode()
        assert f"datahash = {hashlib.sha256(data).hexdigest()}\n" in files(info)[".PKGINFO"].decode()


def test_a_program_is_executable_and_below_folders_of_its_package(repository: Path) -> None:
    *_, (_, data) = streams((repository / "x86_64/hello-wolfi-2.12.2-r1.apk").read_bytes())
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        members = {member.name: (member.isdir(), member.mode, member.mtime) for member in tar}
    assert members == {
        "usr": (True, 0o755, oci.EPOCH),
        "usr/bin": (True, 0o755, oci.EPOCH),
        "usr/bin/hello": (False, 0o755, oci.EPOCH),
    }

"""The workspace of the builds: the contexts beside this file, and what is not kept in the repository."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from testbed import paths
from tests.cluster.builders.cases import NOWHERE, TOKEN_FILE
from tests.cluster.builders.jenkinsfile import jenkinsfile

TENANT = "works"
CONTEXTS = Path(__file__).with_name("contexts")
HELLO = paths.ROOT / "examples" / "hello-world" / "hello-world"
# What is in the tar of the case `tar`: a hard link has its file's owner and mode in tars that GNU tar writes.
BUNDLE: tuple[dict[str, Any], ...] = (
    {"name": "bundle", "type": tarfile.DIRTYPE, "mode": 0o750, "uid": 2345, "gid": 34},
    {"name": "bundle/first", "data": b"first\n", "mode": 0o640, "uid": 2345, "gid": 2345},
    {"name": "bundle/second", "type": tarfile.LNKTYPE, "linkname": "bundle/first", "mode": 0o640, "uid": 2345,
     "gid": 2345},
    {"name": "bundle/third", "type": tarfile.SYMTYPE, "linkname": "first", "mode": 0o777},
    {"name": "bundle/mode", "data": b"m", "mode": 0o6755},
)  # fmt: skip


def write_tar(file: Path) -> None:
    """The tar of the case `tar`."""
    with tarfile.open(file, "w") as tar:
        for entry in BUNDLE:
            member = tarfile.TarInfo(entry["name"])
            data = entry.get("data", b"")
            member.size = len(data)
            for key in entry.keys() - {"name", "data"}:
                setattr(member, key, entry[key])
            tar.addfile(member, io.BytesIO(data))


def assemble(folder: Path, builder: str, secret: str) -> None:
    """Puts a builder's workspace into an empty folder."""
    shutil.copytree(CONTEXTS, folder, dirs_exist_ok=True, symlinks=True)
    shutil.copytree(HELLO, folder / "hello")
    subprocess.run([str(folder / "hello/compile.sh")], check=True)
    write_tar(folder / "tar/bundle.tar")
    (folder / "everything/words/link").symlink_to("one")
    (folder / NOWHERE).mkdir()
    (folder / NOWHERE / "config.json").write_text("{}")
    (folder / TOKEN_FILE).write_text(f"{secret}\n")
    (folder / "Jenkinsfile").write_text(jenkinsfile(TENANT, builder), encoding="utf-8")

"""Steps on the workspace's files."""

from __future__ import annotations

import io
import posixpath
import tarfile
from dataclasses import replace
from typing import Any

from testbed.controller import artifacts
from testbed.controller.failures import BuildError, GroovyError
from testbed.controller.pipeline.table import Invocation, Parameter, Step
from testbed.controller.results import SUCCESS
from testbed.controller.stash import chosen


def _path(call: Invocation, path: str = "") -> str:
    """A path below the workspace, from the folder that `dir` says."""
    return posixpath.normpath(posixpath.join(call.context.folder, path))


def _dir(call: Invocation) -> Any:
    call.context.agent(call.step.name, call.line)
    call.say(f"Running in {call.context.environment().get('WORKSPACE', '')}/{_path(call, call['path'])}")
    return call.inside(replace(call.context, folder=_path(call, call["path"])))


def _delete_dir(call: Invocation) -> None:
    call.node.remove(_path(call))


def _read(call: Invocation) -> str:
    data = call.node.read(_path(call, call["file"]))
    if data is None:
        raise GroovyError("java.nio.file.NoSuchFileException", _path(call, call["file"]))
    return data.decode(errors="replace")


def packed(name: str, data: bytes, mode: int = 0o644) -> bytes:
    """A tar of one file."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(data), mode
        archive.addfile(member, io.BytesIO(data))
    return tar.getvalue()


def _write(call: Invocation) -> None:
    folder, name = posixpath.split(_path(call, call["file"]))
    call.node.unpack(folder, packed(name, call["text"].encode()))


def _exists(call: Invocation) -> bool:
    return call.node.exists(_path(call, call["file"]))


def _pwd(call: Invocation) -> str:
    call.context.agent(call.step.name, call.line)
    return posixpath.normpath(posixpath.join(call.context.environment().get("WORKSPACE", "/"), call.context.folder))


def _archive(call: Invocation) -> None:
    """After the core's ArtifactArchiver: nothing to archive fails the build, unless that is allowed."""
    if call["onlyIfSuccessful"] and call.context.state.result != SUCCESS:
        call.say("Skipping archiving because build is not successful")
        return
    call.say("Archiving artifacts")
    folder = _path(call)
    paths = chosen(call.node.files(folder), call["artifacts"], call["excludes"] or "", call["defaultExcludes"])
    if not paths:
        words = f'No artifacts found that match the file pattern "{call["artifacts"]}". Configuration error?'
        if not call["allowEmptyArchive"]:
            raise BuildError(words)
        call.say(words)
    for path, data in (artifacts.read(call.node.collect(folder, paths)) if paths else {}).items():
        call.context.state.keep(path, data)


def _stash(call: Invocation) -> None:
    """After workflow-api's StashManager."""
    folder = _path(call)
    defaults = call["useDefaultExcludes"]
    paths = chosen(call.node.files(folder), call["includes"] or "**", call["excludes"] or "", defaults)
    if not paths and not call["allowEmpty"]:
        raise BuildError(f"No files included in stash '{call['name']}'")
    call.context.state.stashes.put(call["name"], call.node.collect(folder, paths))
    call.say(f"Stashed {len(paths)} file(s)")


def _unstash(call: Invocation) -> None:
    call.node.unpack(_path(call), call.context.state.stashes.get(call["name"]))


def _checkout(call: Invocation) -> None:
    call.node.checkout()


FILE = {"file": Parameter(required=True)}
FLAG = Parameter("flag", default=False)
TRUE = Parameter("flag", default=True)
STEPS = (
    Step("dir", "runs its block in a folder of the workspace", _dir, {"path": Parameter(required=True)}, "path",
         block=True),
    Step("deleteDir", "removes the current folder", _delete_dir, {}),
    Step("readFile", "reads a file of the workspace", _read, FILE, "file"),
    Step("writeFile", "writes a file of the workspace", _write, {**FILE, "text": Parameter(required=True)}),
    Step("fileExists", "tells whether a file is there", _exists, FILE, "file"),
    Step("pwd", "gives the current folder", _pwd, {}),
    Step("archiveArtifacts", "keeps files of the workspace with the build", _archive,
         {"artifacts": Parameter(required=True), "excludes": Parameter(), "allowEmptyArchive": FLAG,
          "defaultExcludes": TRUE, "fingerprint": FLAG, "onlyIfSuccessful": FLAG}, "artifacts"),
    Step("stash", "puts files away for another agent", _stash,
         {"name": Parameter(required=True), "includes": Parameter(), "excludes": Parameter(),
          "useDefaultExcludes": TRUE, "allowEmpty": FLAG}, "name"),
    Step("unstash", "brings them back", _unstash, {"name": Parameter(required=True)}, "name"),
    Step("checkout", "puts the job's files into the workspace: checkout scm", _checkout,
         {"scm": Parameter("any", required=True)}, "scm"),
)  # fmt: skip

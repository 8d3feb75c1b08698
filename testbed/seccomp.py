"""What containerd's RuntimeDefault allows, as containerd itself says it: our own base list is made from it.

The profile depends on the processor of the node. Its function reads that from the running program, which a compiler
fixes; so the vendored source, and nothing else in it, is made to read a variable instead.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from testbed import tools
from testbed.parts import Part, ensure
from testbed.progress import Step

NAME = "seccomp"
PROCESSORS = ("amd64", "arm64")
_VARIABLE = "SECCOMP_GOARCH"
_FILE = "vendor/github.com/containerd/containerd/v2/contrib/seccomp/seccomp_default.go"
_CHANGES = (('\t"runtime"\n', '\truntime "os"\n'), ("runtime.GOARCH", f'runtime.Getenv("{_VARIABLE}")'))


def _build(target: Path, step: Step, made: Mapping[str, Path]) -> None:
    go = made["go"] / "go" / "bin" / "go"
    environment = tools.go_environment(made["go"], cgo=False)
    work = target / "work"
    shutil.copytree(tools.GO_SOURCES / NAME, work)
    step.run([go, "mod", "vendor"], env=environment, cwd=work)
    source = (work / _FILE).read_text(encoding="utf-8")
    for old, new in _CHANGES:
        if old not in source:
            raise step.failed(f"{_FILE} has no {old.strip()}")
        source = source.replace(old, new)
    (work / _FILE).write_text(source, encoding="utf-8")
    step.run([go, "build", "-trimpath", "-mod=vendor", "-o", work / NAME, "."], env=environment, cwd=work)
    for processor in PROCESSORS:
        said = step.run([work / NAME], env={_VARIABLE: processor})
        (target / f"{processor}.json").write_text(said, encoding="utf-8")
    shutil.rmtree(work)


def parts() -> dict[str, Part]:
    """The part by name; it needs the Go toolchain."""
    remedy = "Check that Go modules can be fetched (go env GOPROXY), then run the same command again."
    inputs = (tools.GO_SOURCES / NAME, str(_CHANGES), *PROCESSORS)
    return {NAME: Part(NAME, "ask containerd for RuntimeDefault", 25, "compile", inputs, _build, ("go",), remedy)}


def runtime_default() -> dict[str, dict[str, Any]]:
    """RuntimeDefault of a container without capabilities, by processor, as OCI runtime-spec; made first if missing."""
    folder = ensure({**tools.PARTS, **parts()}, [NAME])[NAME]
    return {one: json.loads((folder / f"{one}.json").read_text(encoding="utf-8")) for one in PROCESSORS}

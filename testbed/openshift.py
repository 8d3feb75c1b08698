"""The API types that OpenShift publishes, as CustomResourceDefinitions: nothing of OpenShift runs here.

They come from its Go module, pinned and checked by go.mod and go.sum like the sources of our commands: a new one, and
one from before SecurityContextConstraints knew user namespaces (OpenShift 4.20).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from testbed import tools
from testbed.parts import Part, ensure
from testbed.progress import Step

MODULE = "github.com/openshift/api"
NEW, OLDER = "openshift", "openshift-older"
# Folder of testbed/go -> where its version of the module keeps the definition.
DEFINITIONS: Mapping[str, str] = {
    NEW: "payload-manifests/crds/0000_03_config-operator_01_securitycontextconstraints.crd.yaml",
    OLDER: "security/v1/0000_03_security-openshift_01_scc.crd.yaml",
}
_FILE = "securitycontextconstraints.yaml"


def _fetch(name: str) -> Callable[[Path, Step, Mapping[str, Path]], None]:
    def build(target: Path, step: Step, made: Mapping[str, Path]) -> None:
        toolchain = made["go"]
        command = [str(toolchain / "go" / "bin" / "go"), "mod", "download", "-json", MODULE]
        environment = tools.go_environment(toolchain, cgo=False)
        said = step.run(command, env=environment, cwd=tools.GO_SOURCES / name)
        shutil.copyfile(Path(json.loads(said)["Dir"]) / DEFINITIONS[name], target / _FILE)

    return build


def parts() -> dict[str, Part]:
    """The parts by name; they need the Go toolchain."""
    remedy = "Check that Go modules can be fetched (go env GOPROXY), then run the same command again."
    return {
        name: Part(name, f"fetch the API types of {name}", 5, "fetch", (tools.GO_SOURCES / name, path),
                   _fetch(name), ("go",), remedy)
        for name, path in DEFINITIONS.items()
    }  # fmt: skip


def definition(name: str) -> dict[str, Any]:
    """The CustomResourceDefinition of SecurityContextConstraints, NEW or OLDER, which is fetched first if missing."""
    folder = ensure({**tools.PARTS, **parts()}, [name])[name]
    found: dict[str, Any] = yaml.safe_load((folder / _FILE).read_text(encoding="utf-8"))
    return found

"""The API types that Kyverno and Gatekeeper publish, as CustomResourceDefinitions: neither runs here.

They come from their Go modules, pinned and checked by go.mod and go.sum like the sources of our commands.
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

# Folder of testbed/go -> the module, where it keeps definitions, and which of them is that of the kind for policies.
DEFINITIONS: Mapping[str, tuple[str, str, str]] = {
    "kyverno": (
        "github.com/kyverno/kyverno",
        "config/crds/kyverno/kyverno.io_clusterpolicies.yaml",
        "clusterpolicies.kyverno.io",
    ),
    "gatekeeper": (
        "github.com/open-policy-agent/gatekeeper/v3",
        "config/crd/bases/constrainttemplate-customresourcedefinition.yaml",
        "constrainttemplates.templates.gatekeeper.sh",
    ),
}
_FILE = "definition.yaml"


def _fetch(name: str) -> Callable[[Path, Step, Mapping[str, Path]], None]:
    def build(target: Path, step: Step, made: Mapping[str, Path]) -> None:
        toolchain = made["go"]
        module, path, _ = DEFINITIONS[name]
        command = [str(toolchain / "go" / "bin" / "go"), "mod", "download", "-json", module]
        environment = tools.go_environment(toolchain, cgo=False)
        said = step.run(command, env=environment, cwd=tools.GO_SOURCES / name)
        shutil.copyfile(Path(json.loads(said)["Dir"]) / path, target / _FILE)

    return build


def parts() -> dict[str, Part]:
    """The parts by name; they need the Go toolchain."""
    remedy = "Check that Go modules can be fetched (go env GOPROXY), then run the same command again."
    return {
        f"types/{name}": Part(f"types/{name}", f"fetch the API types of {name}", 8, "fetch",
                              (tools.GO_SOURCES / name, path), _fetch(name), ("go",), remedy)
        for name, (_, path, _) in DEFINITIONS.items()
    }  # fmt: skip


def definition(name: str) -> dict[str, Any]:
    """The CustomResourceDefinition of the kind that holds an engine's policies, which is fetched first if missing."""
    folder = ensure({**tools.PARTS, **parts()}, [f"types/{name}"])[f"types/{name}"]
    found: list[dict[str, Any]] = [*yaml.safe_load_all((folder / _FILE).read_text(encoding="utf-8"))]
    (wanted,) = (one for one in found if one["metadata"]["name"] == DEFINITIONS[name][2])
    return wanted

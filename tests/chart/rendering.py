"""`helm template` of the chart, for tests."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from testbed.tools import tool

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "agent-templates"
CI_VALUES = sorted((CHART / "ci").glob("*-values.yaml"))
JSON = dict[str, Any]
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Rendered:
    """What helm said."""

    code: int
    text: str
    errors: str

    @property
    def objects(self) -> list[JSON]:
        """The objects. The rendering must have succeeded."""
        assert self.code == 0, self.errors
        return [item for item in yaml.load_all(self.text, Loader=_LOADER) if item]

    def of_kind(self, kind: str) -> list[JSON]:
        """The objects of one kind."""
        return [item for item in self.objects if item["kind"] == kind]


def helm(*arguments: str, given: str = "", version: str = "helm") -> Rendered:
    """Run helm with this standard input; `version` helm3 is Helm 3."""
    command = [str(tool(version)), *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, check=False)
    return Rendered(done.returncode, done.stdout, done.stderr)


def template(
    values: Mapping[str, Any] | Path, *arguments: str, chart: Path = CHART, release: str = "r", version: str = "helm"
) -> Rendered:
    """Render a chart with values, a mapping or a file."""
    text = values.read_text(encoding="utf-8") if isinstance(values, Path) else json.dumps(values)
    return helm("template", release, str(chart), "--values", "-", *arguments, given=text, version=version)


def tenants(*names: str, **more: Any) -> JSON:
    """Values with tenants of these names, each with the same further keys."""
    return {"tenants": [{"name": name, **more} for name in names]}


def cloud(configmap: Mapping[str, Any]) -> JSON:
    """The one cloud of a rendered ConfigMap, as plain YAML has it."""
    (text,) = configmap["data"].values()
    (entry,) = yaml.load(text, Loader=_LOADER)["jenkins"]["clouds"]  # noqa: S506
    found: JSON = entry["kubernetes"]
    return found


def pods(rendered: Rendered) -> dict[str, JSON]:
    """The pods inside the YAML of all templates, by template name."""
    clouds = [cloud(item) for item in rendered.of_kind("ConfigMap") if item["metadata"]["name"] != "buildkeep-ca"]
    return {
        one["name"]: yaml.load(one["yaml"], Loader=_LOADER)  # noqa: S506
        for entry in clouds
        for one in entry["templates"]
        if "yaml" in one
    }

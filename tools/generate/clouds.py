"""The chart's `clouds.schema.json`: what a cloud may hold, for whoever checks one without Python."""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.buildkeep.ci.plugins.module_utils.jcasc_schema import cloud_schema

NAME = "clouds.schema.json"


def text() -> str:
    """The schema as JSON."""
    return json.dumps(cloud_schema(), indent=2) + "\n"


def path(chart: Path) -> Path:
    """Where it is."""
    return chart / NAME

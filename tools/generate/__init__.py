"""Writes the pages that are derived from data: `python -m tools.generate [--check]`."""

import sys
from pathlib import Path

# The rules are read through the collection's own name.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "collections"))

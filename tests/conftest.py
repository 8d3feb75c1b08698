"""Makes the checkout importable as the collection that it is, and as itself."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
for folder in (ROOT / "collections", ROOT):
    sys.path.insert(0, str(folder))

"""What `site.yml` costs, beside `kubectl apply --server-side` of the same objects: `python -m bench [SIZE ...]`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "collections"))
